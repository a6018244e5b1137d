"""Parting with a shop on its page: for its owner alone, said before, and with a way back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.db.shops import access
from plugin_server.vault import unseal
from plugin_server.wiring import Services
from tests.conftest import NOW
from tests.web.conftest import Visitor

KEYS = {"key": "ck_" + "5" * 40, "secret": "cs_" + "6" * 40}


def test_what_parting_means_is_said_before(woo: int, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    assert f"/stores/{woo}/disconnect" in owner.get(f"/stores/{woo}").text
    assert "Its orders and customers stay here" in owner.get(f"/stores/{woo}/disconnect").text
    assert owner.post(f"/stores/{woo}/disconnect").location == f"/stores/{woo}"
    page = owner.get(f"/stores/{woo}").text
    assert "This shop is disconnected" in page
    assert "/connect/woocommerce?url=https://toko.example.com" in page
    assert f"/stores/{woo}/check" not in page
    # A second press, and a look at the question once it is answered, do no harm.
    assert owner.post(f"/stores/{woo}/disconnect").status_code == 302
    assert owner.get(f"/stores/{woo}/disconnect").location == f"/stores/{woo}"


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_its_owner_parts_with_a_shop(woo: int, logged_in: Callable[[str], Visitor], role: str) -> None:
    visitor = logged_in(role)
    assert "disconnect" not in visitor.get(f"/stores/{woo}").text
    assert visitor.get(f"/stores/{woo}/disconnect").status_code == 403
    assert visitor.post(f"/stores/{woo}/disconnect").status_code == 403


def test_a_shop_that_installed_our_app_removes_it_over_there(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE store SET platform = 'shopify' WHERE id = :id"), {"id": woo})
        access.keep(
            connection, merchant_id=merchant, store_id=woo, sealed=b"", terms=access.Terms((), None, None), now=NOW,
            installed=True,
        )  # fmt: skip
    owner = logged_in("owner")
    assert "Remove Tangga under Apps" in owner.get(f"/stores/{woo}").text
    assert owner.post(f"/stores/{woo}/disconnect").status_code == 409


def test_a_shop_that_needs_new_keys_leads_to_their_form(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner, pasted = logged_in("owner"), {"url": "https://127.0.0.1/", **KEYS}
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE store SET url = 'https://127.0.0.1'"))
    owner.get("/connect/woocommerce")
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text("UPDATE store SET state = 'broken', state_reason = 'wrong key' WHERE id = :id"), {"id": woo}
        )
    assert "Enter new keys" in owner.get(f"/stores/{woo}").text
    assert owner.post("/connect/woocommerce", pasted).status_code == 302
    with tenant(app.engine, merchant) as connection:
        (row,) = connection.execute(text("SELECT id, state, credentials FROM store")).all()
    assert (row.id, row.state, unseal(app.settings.keys, row.credentials)) == (woo, "connected", KEYS)


def test_files_that_came_in_by_mistake_can_be_taken_out(
    app: Services, merchant: int, store: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    assert "Was it the wrong file?" in owner.get(f"/stores/{store}").text
    assert owner.post(f"/stores/{store}/disconnect").status_code == 409
    assert owner.post(f"/stores/{store}/purge").status_code == 302
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM store")) == 0
