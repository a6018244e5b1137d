"""What a shop tells that cannot be true is named on the shop's page, once and in the reader's words; the rest is in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.jobs.reading.sync import read_store
from plugin_server.locales import LANGUAGES
from plugin_server.locales.sentences import said
from plugin_server.wiring import Services
from tests.connectors.woocommerce.shop import Shop, open_shop, order_row
from tests.web.conftest import Visitor

LONG = "A" * 1_000_000
LINE = {"id": 1, "name": LONG, "quantity": 1, "total": "5", "product_id": 1}
BAD: dict[str, dict[str, Any]] = {
    "date_created_gmt": {"date_created_gmt": "0000-00-00T00:00:00"},
    "date_modified_gmt": {"date_modified_gmt": "9999-12-31T23:59:59"},
    "total": {"total": "-5000"},
    "currency": {"currency": "Rp"},
    "line_items[0].quantity": {"line_items": [LINE | {"quantity": 10**30}]},
    "line_items": {"line_items": {"0": LINE}},
    "status": {"status": ""},
}
GOOD: list[dict[str, Any]] = [
    {"billing": {"first_name": LONG, "last_name": "\x00", "email": "a@contoh.test"}},
    {"status": "wc-of-our-own"},
    {"currency": "USD", "total": "12.34"},
    {"line_items": [LINE], "number": LONG, "coupon_lines": [{"code": LONG}], "meta_data": [{"key": LONG, "value": 1}]},
    {"billing": "x", "customer_id": -4},
]


def _hostile() -> Shop:
    shop = Shop()
    shop.lists["products/reviews"] = []
    for number, change in enumerate([*BAD.values(), *GOOD], 1):
        shop.orders[number] = order_row(number) | change
    return shop


@pytest.fixture
def read(app: Services, merchant: int, store: int) -> int:
    """That shop was read; gives its store."""
    with open_shop(_hostile()) as (woo, _):
        read_store(app, merchant, store, "full", lambda *_: woo)
    return store


def test_rows_that_cannot_be_true_are_named_on_the_page_and_the_others_are_in(
    read: int, logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    with tenant(app.engine, merchant) as connection:
        known = connection.execute(text("SELECT external_id, currency FROM shop_order ORDER BY id")).all()
        kept = connection.scalar(text("SELECT faults FROM sync_run"))
    assert [row.external_id for row in known] == [str(len(BAD) + number) for number, _ in enumerate(GOOD, 1)]
    assert {row.currency for row in known} == {"IDR", "USD"}
    places = [f"orders/{number}.{field}" for number, field in enumerate(BAD, 1)]
    assert [place for place, _ in kept["first"]] == places
    assert kept["count"] == len(BAD)
    owner = logged_in("owner")
    for language in LANGUAGES:
        owner.post("/language", {"language": language})
        shown = re.findall(r"<li><code>([^<]+)</code> ([^<]+)</li>", owner.get(f"/stores/{read}").text)
        assert [place for place, _ in shown] == places
        for (place, sentence), (_, told) in zip(kept["first"], shown, strict=True):
            plain = sentence.removeprefix(f"{place}: ")
            assert language == "en" or said(plain, language) != plain, plain
            assert told.split()[-1] == said(plain, language).split()[-1]
