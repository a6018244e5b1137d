"""What an owner sees and does about personal data; nobody else may."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from plugin_server.db.customers import privacy_requests
from plugin_server.db.session import tenant
from plugin_server.db.shops import access
from plugin_server.jobs import privacy
from plugin_server.wiring import Services
from tests.data.making import NOW
from tests.shopify.test_webhooks import stock
from tests.web.conftest import Visitor


def test_an_owner_exports_and_erases_a_customer(
    app: Services, merchant: int, shopify: int, logged_in: Callable[[str], Visitor]
) -> None:
    stock(app, merchant, shopify)
    with tenant(app.engine, merchant) as connection:
        ani = connection.scalar(text("SELECT id FROM customer WHERE email LIKE 'ani%'"))
    marketer, owner = logged_in("marketer"), logged_in("owner")
    assert "erase" not in marketer.get(f"/customers/{ani}").text
    assert marketer.post(f"/customers/{ani}/erase").status_code == 403
    page = owner.get(f"/customers/{ani}").text
    assert "data-confirm" in page
    file = owner.post(f"/customers/{ani}/export")
    assert file.headers["Content-Disposition"] == f'attachment; filename="customer-{ani}.json"'
    assert json.loads(file.text)["data"]["shop_order"][0]["email"] == "ani@example.com"
    assert owner.post(f"/customers/{ani}/erase").status_code == 302
    assert "ani@example.com" not in owner.get(f"/customers/{ani}").text
    assert owner.post("/customers/999999/erase").status_code == 404


def test_requests_are_listed_and_their_files_handed_out_to_owners(
    app: Services, merchant: int, shopify: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, merchant) as connection:
        number = privacy_requests.opened(
            connection, merchant_id=merchant, kind="export", asked_by="shop", now=NOW, store_id=shopify, external_id="9"
        )
        sealed = privacy.keep(app, {"data": {"x": [1]}})
        privacy_requests.answered(connection, number, outcome="ready", now=NOW, document=sealed)
    owner = logged_in("owner")
    assert f"/settings/privacy/{number}" in owner.get("/settings/privacy").text
    assert json.loads(owner.get(f"/settings/privacy/{number}").text) == {"data": {"x": [1]}}
    assert owner.get("/settings/privacy/999").status_code == 404
    assert logged_in("marketer").get(f"/settings/privacy/{number}").status_code == 403
    with tenant(app.engine, merchant) as connection:
        actions = connection.scalars(text("SELECT action FROM audit_log WHERE action LIKE 'privacy%'")).all()
    assert actions == ["privacy_downloaded"]


def test_a_shop_that_left_can_be_deleted_at_once_and_one_that_is_here_cannot(
    app: Services, merchant: int, shopify: int, logged_in: Callable[[str], Visitor]
) -> None:
    stock(app, merchant, shopify)
    owner = logged_in("owner")
    owner.get(f"/stores/{shopify}")
    assert owner.post(f"/stores/{shopify}/purge").status_code == 409
    with tenant(app.engine, merchant) as connection:
        access.leave(connection, shopify, "gone", NOW, NOW + timedelta(hours=48))
    assert f"/stores/{shopify}/purge" in owner.get(f"/stores/{shopify}").text
    assert owner.post(f"/stores/{shopify}/purge").status_code == 302
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM customer")) == 0
        assert connection.scalar(text("SELECT count(*) FROM shop_order")) == 0
        assert connection.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'store_purged'")) == 1
