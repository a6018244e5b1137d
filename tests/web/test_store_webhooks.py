"""The store's page tells how our webhooks stand at the shop, what is done about each, and lets one ask again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from plugin_server.db.session import tenant
from plugin_server.db.shops import store_page
from plugin_server.wiring import Services
from tests.web.conftest import Visitor

STATES = [
    {"topic": "order.created", "was": "active", "state": "active"},
    {"topic": "order.updated", "was": "paused", "state": "active"},
    {"topic": "order.deleted", "was": "disabled", "state": "disabled"},
    {"topic": "product.created", "was": "missing", "state": "missing"},
]


def seen(app: Services, merchant: int, store: int, states: list[dict[str, str]] | None, trouble: str = "") -> None:
    with tenant(app.engine, merchant) as connection:
        store_page.webhooks_seen(connection, store, states, trouble, app.now() - timedelta(minutes=20))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["2 kinds of change are not reported.", "switched it off", "It is not in the shop.", "It was paused;"]),
        ("id", ["2 jenis perubahan tidak dilaporkan.", "dimatikan", "Tidak ada di toko.", "Tadinya dijeda;"]),
        ("nl", ["2 soorten veranderingen worden niet", "uitgeschakeld", "staat niet in de winkel.", "Hij was gepauz"]),
    ],
)
def test_each_state_and_what_is_done_about_it(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor], language: str, said: list[str]
) -> None:
    seen(app, merchant, woo, STATES)
    # The shop does not answer now: what was known stays, with the trouble.
    seen(app, merchant, woo, None, "The shop took too long to answer. We will try again.")
    viewer = logged_in("viewer")
    viewer.post("/language", {"language": language})
    page = unescape(viewer.get(f"/stores/{woo}").text)
    assert [sentence for sentence in [*said, *(one["topic"] for one in STATES)] if sentence not in page] == []
    assert ("The shop took too long" in page) == (language == "en")
    assert f"/stores/{woo}/webhooks" not in page


def test_asking_again_wakes_a_worker_and_no_page_waits_for_the_shop(
    app: Services, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    app.redis.flushdb()
    marketer = logged_in("marketer")
    assert f'action="/stores/{woo}/webhooks"' in marketer.get(f"/stores/{woo}").text
    assert marketer.post(f"/stores/{woo}/webhooks").location == f"/stores/{woo}"
    assert app.redis.llen("rq:queue:urgent") == 1
    assert "Reload in a moment." in marketer.get(f"/stores/{woo}").text
    assert marketer.post("/stores/999/webhooks").status_code == 404
    viewer = logged_in("viewer")
    assert viewer.post(f"/stores/{woo}/webhooks").status_code == 403
