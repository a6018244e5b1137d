"""Connecting a shop from our own pages: signature, state and browser must agree, and nothing is stored before."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import text

from plugin_server import shop_access, wiring
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs.reading.connect import let_in
from plugin_server.wiring import Services
from tests.data.making import NOW
from tests.shopify.conftest import CLIENT, OLD_SECRET, SECRET, SHOP, Admin
from tests.web.conftest import Visitor


def signed(state: str, secret: str = SECRET, **change: str) -> str:
    at = str(int(NOW.timestamp()))
    values = {"code": "c0de", "host": "YWRtaW4", "shop": SHOP, "state": state, "timestamp": at} | change
    told = "&".join(f"{name}={values[name]}" for name in sorted(values))
    return urlencode(values | {"hmac": hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()})


def begin(owner: Visitor, shop: str = SHOP) -> str:
    """The state that the owner's browser carries to the shop."""
    owner.get("/connect/shopify")
    page = owner.post("/connect/shopify", {"shop": shop}).text
    address = page.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    query = parse_qs(urlsplit(address).query)
    assert query["client_id"] == [CLIENT]
    assert query["redirect_uri"][0].endswith("/connect/shopify/callback")
    return query["state"][0]


def counted(app: Services, merchant: int) -> int:
    with tenant(app.engine, merchant) as connection:
        return int(connection.scalar(text("SELECT count(*) FROM store")) or 0)


def test_a_proved_way_back_connects_the_shop(app: Services, merchant: int, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    answer = owner.get(f"/connect/shopify/callback?{signed(begin(owner, 'Toko-Senja'))}")
    assert answer.status_code == 302, answer.text
    with tenant(app.engine, merchant) as connection:
        (row,) = stores.listed(connection)
        terms = access.of(connection, row["id"])
    assert (row["platform"], row["url"], row["state"]) == ("shopify", f"https://{SHOP}", "connected")
    assert terms is not None
    assert (terms.installed, terms.scopes) == (True, ["read_orders", "write_discounts"])
    assert wiring.token_source(app, merchant, row["id"], row["url"])() == "shpat_1"
    page = owner.get(answer.headers["Location"]).text
    assert "write_customers" in page, "what the shop did not grant is named"
    assert "60" in page


@pytest.mark.parametrize(
    "forge",
    [
        lambda state: signed(state, "a-secret-of-somebody-else-of-32-c"),
        lambda state: signed(state) + "&x=1",
        lambda state: signed(state).replace("c0de", "stolen"),
        lambda state: signed("another-state"),
        lambda state: signed(""),
        lambda state: signed(state, shop="other.myshopify.com"),
        lambda state: signed(state, timestamp=str(int(NOW.timestamp()) - 91)),
        lambda state: "",
    ],
)
def test_nothing_is_stored_where_anything_disagrees(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], admin: Admin, forge: Any
) -> None:
    owner = logged_in("owner")
    assert owner.get(f"/connect/shopify/callback?{forge(begin(owner))}").status_code == 403
    assert (counted(app, merchant), admin.number) == (0, 0)


def test_a_state_works_once_and_in_its_own_browser_only(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], admin: Admin
) -> None:
    owner, other = logged_in("owner"), logged_in("owner")
    state = begin(owner)
    assert other.get(f"/connect/shopify/callback?{signed(state)}").status_code == 403
    query = signed(state, OLD_SECRET)
    assert owner.get(f"/connect/shopify/callback?{query}").status_code == 302
    assert owner.get(f"/connect/shopify/callback?{query}").status_code == 403
    assert (counted(app, merchant), admin.number) == (1, 1)


def test_only_owners_may_connect_and_names_are_checked(logged_in: Callable[[str], Visitor]) -> None:
    assert logged_in("marketer").get("/connect/shopify").status_code == 403
    owner = logged_in("owner")
    owner.get("/connect/shopify")
    answer = owner.post("/connect/shopify", {"shop": "toko.example.com"})
    assert (answer.status_code, ".myshopify.com; you find it" in answer.text) == (422, True)


def test_a_refused_code_is_said(logged_in: Callable[[str], Visitor], admin: Admin) -> None:
    owner = logged_in("owner")
    state = begin(owner)
    admin.refused = "invalid_request"
    answer = owner.get(f"/connect/shopify/callback?{signed(state)}")
    assert (answer.status_code, "Begin the connection again" in answer.text) == (422, True)


def test_a_shop_belongs_to_one_business(app: Services, merchant: int, logged_in: Callable[[str], Visitor]) -> None:
    other = merchants.add(app.engine, name="Other", email="o@example.com", timezone="UTC", currency="USD", locale="en")
    grant = shop_access.Grant("shpat_other", ("read_orders",))
    taken = let_in(app, other, url=f"https://{SHOP}", grant=grant, by="o@example.com")
    owner = logged_in("owner")
    assert owner.get(f"/connect/shopify/callback?{signed(begin(owner))}").status_code == 409
    with tenant(app.engine, other) as connection:
        access.leave(connection, taken, "gone", NOW, NOW + timedelta(hours=48))
    assert owner.get(f"/connect/shopify/callback?{signed(begin(owner))}").status_code == 302


def test_the_page_says_what_is_wrong_and_offers_the_mend(
    app: Services, merchant: int, shopify: int, logged_in: Callable[[str], Visitor], admin: Admin
) -> None:
    owner = logged_in("owner")
    with tenant(app.engine, merchant) as connection:
        access.trouble(connection, shopify, "invalid_grant", "…", NOW)
    page = owner.get(f"/stores/{shopify}").text
    assert f"/admin/apps/{CLIENT}" in page
    with tenant(app.engine, merchant) as connection:
        access.leave(connection, shopify, "gone", NOW, NOW + timedelta(hours=48))
    assert f"/connect/shopify?shop={SHOP}" in owner.get(f"/stores/{shopify}").text


def test_without_an_app_the_page_says_so(app: Services, logged_in: Callable[[str], Visitor], flask_app: Any) -> None:
    bare = app.settings.model_copy(update={"shopify_client_id": None})
    flask_app.extensions["tangga"] = replace(app, settings=bare)
    owner = logged_in("owner")
    owner.get("/connect/shopify")
    assert "SHOPIFY_CLIENT_ID" in owner.post("/connect/shopify", {"shop": SHOP}).text
