"""Connection checks: each thing that can be wrong is named, with its mend, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.types import Check
from connectors.woocommerce import connect
from tests.connectors.server import Answer, Asked, serving
from tests.connectors.woocommerce.shop import KEY, NOW, SECRET, Shop, error, open_shop, order_row


def findings(shop: Shop, **options: Any) -> dict[str, Check]:
    with open_shop(shop, **options) as (store, _):
        return {check.name: check for check in store.checks()}


def failed(shop: Shop, **options: Any) -> dict[str, str]:
    return {name: check.detail for name, check in findings(shop, **options).items() if not check.ok}


def answering(answer: Answer, when: Callable[[Asked], bool] = lambda asked: True) -> Shop:
    shop = Shop()
    shop.before = lambda asked: answer if when(asked) else None
    return shop


def test_a_good_connection() -> None:
    found = findings(Shop(), timezone="Asia/Jakarta")
    assert {name for name, check in found.items() if not check.ok} == set()
    assert set(found) == {
        "address",
        "https",
        "reachable",
        "permalinks",
        "key",
        "read",
        "write",
        "rights",
        "version",
        "storage",
        "timezone",
        "currency",
        "clock",
    }
    assert found["version"].detail == "WooCommerce 10.5.0."
    assert found["currency"].detail == "IDR"


def test_checking_leaves_no_trace() -> None:
    shop = Shop()
    with open_shop(shop) as (store, server):
        store.checks()
    assert (shop.coupons, shop.hooks, shop.orders) == ({}, {}, {})
    assert [(asked.method, asked.json) for asked in server.asked if asked.method != "GET"] == [("POST", {})]


def test_a_shop_that_is_off() -> None:
    with serving(Shop()) as server:
        url = server.url
    checks = connect(url, KEY, SECRET, allow_private=True, sleep=lambda seconds: None).checks()
    assert [(check.name, check.ok) for check in checks][-1] == ("reachable", False)
    assert "cannot be reached" in checks[-1].detail


def test_a_private_address_outside_development() -> None:
    checks = connect("https://localhost", KEY, SECRET).checks()
    assert [(check.name, check.ok) for check in checks] == [("address", False)]
    assert "private network" in checks[0].detail


def test_plain_permalinks() -> None:
    page = Answer(b"<html>Not found</html>", 404, {"Content-Type": "text/html"})
    assert "Permalinks" in failed(answering(page))["permalinks"]


def test_a_page_instead_of_the_api() -> None:
    page = Answer(b"<html>Coming soon</html>", headers={"Content-Type": "text/html"})
    assert "Permalinks" in failed(answering(page))["permalinks"]


def test_wordpress_without_woocommerce() -> None:
    index = Answer({"name": "Blog", "namespaces": ["wp/v2"]})
    assert "not active" in failed(answering(index, lambda asked: asked.path == "/wp-json/"))["woocommerce"]


def test_a_key_nobody_knows() -> None:
    with open_shop(Shop()) as (store, _):
        store._client._signer.pair = type(store._client.pair)("ck_" + "f" * 40, SECRET)
        found = {check.name: check for check in store.checks()}
    assert "does not know this key" in found["key"].detail
    assert "write" not in found


AUTH_ERROR = "woocommerce_rest_authentication_error"


@pytest.mark.parametrize(
    "message",
    [
        "Consumer secret is invalid.",
        "Invalid signature - provided signature does not match.",
        "Consumer secret is ongeldig.",
    ],
)
def test_a_wrong_secret_in_whatever_language(message: str) -> None:
    refused = error(401, AUTH_ERROR, message)
    assert "secret does not belong" in failed(answering(refused, lambda asked: asked.path != "/wp-json/"))["key"]


@pytest.mark.parametrize("message", ["The API key provided does not have read permissions.", "Geen leesrechten."])
def test_a_write_only_key_in_whatever_language(message: str) -> None:
    """It has the code of a wrong secret; that it can write tells it apart."""
    shop = answering(error(401, AUTH_ERROR, message), lambda asked: asked.path.endswith("/orders"))
    assert "may only write" in failed(shop)["read"]
    assert shop.coupons == {}


def test_a_read_only_key_of_a_dutch_shop() -> None:
    shop = answering(error(401, AUTH_ERROR, "Geen schrijfrechten."), lambda asked: asked.method == "POST")
    assert "may only read" in failed(shop)["write"]


def test_swapped_keys_are_seen_before_anything_is_sent() -> None:
    with serving(Shop()) as server:
        checks = connect(server.url, SECRET, KEY, allow_private=True).checks()
    assert (checks[-1].name, checks[-1].ok) == ("key", False)
    assert "swapped" in checks[-1].detail
    assert [asked.path for asked in server.asked] == ["/wp-json/"]


def test_a_read_only_key() -> None:
    shop = Shop()
    shop.permission = "read"
    assert failed(shop) == {"write": "The key may only read. Make one with Read/Write permission."}


def test_a_user_without_rights() -> None:
    refused = error(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    assert "shop manager" in failed(answering(refused, lambda asked: asked.path.endswith("/orders")))["rights"]


def test_a_user_who_may_see_orders_only() -> None:
    refused = error(403, "woocommerce_rest_cannot_view")
    shop = answering(refused, lambda asked: asked.path.endswith(("/customers", "/webhooks")))
    assert "may not see customers, webhooks." in failed(shop)["rights"]


def test_a_firewall_in_between() -> None:
    page = Answer(b"<html>Access denied</html>", 403, {"Content-Type": "text/html"})
    assert "firewall" in failed(answering(page, lambda asked: asked.path.endswith("/orders")))["key"]


def test_a_staging_lock_in_between() -> None:
    page = Answer(b"<html>Authorization Required</html>", 401, {"Content-Type": "text/html"})
    assert "asks for a password" in failed(answering(page, lambda asked: asked.path.endswith("/orders")))["key"]


def test_an_address_that_only_sends_on() -> None:
    moved = Answer(status=301, headers={"Location": "https://www.toko.example/wp-json/"})
    assert "https://www.toko.example" in failed(answering(moved))["reachable"]


def test_a_key_of_letters_no_key_has_is_not_sent() -> None:
    with serving(Shop()) as server:
        checks = connect(server.url, "ck_é", "cs_\r\nX-Evil: 1", allow_private=True).checks()
    assert (checks[-1].name, checks[-1].ok) == ("key", False)


@pytest.mark.parametrize(("version", "ok"), [("7.9.1", False), ("8.0.0", True), ("10.5.0-beta.1", True), ("", True)])
def test_versions(version: str, ok: bool) -> None:
    status = Answer({"environment": {"version": version}, "settings": {"currency": "IDR"}})
    shop = answering(status, lambda asked: asked.path.endswith("/system_status"))
    assert findings(shop)["version"].ok is ok


def zoned(**index: Any) -> Shop:
    answer = Answer({"name": "Toko", "namespaces": ["wc/v3"], **index})
    return answering(answer, lambda asked: asked.path == "/wp-json/")


@pytest.mark.parametrize(
    ("index", "merchant", "ok", "told"),
    [
        ({"timezone_string": "Asia/Jakarta", "gmt_offset": 7}, "Asia/Jakarta", True, "Asia/Jakarta"),
        ({"timezone_string": "", "gmt_offset": 7}, "Asia/Jakarta", True, "+07:00"),
        ({"timezone_string": "", "gmt_offset": -3.5}, None, True, "-03:30"),
        ({"timezone_string": "UTC", "gmt_offset": 0}, "Asia/Jakarta", False, "You"),
        ({"timezone_string": "", "gmt_offset": 1}, "Europe/Amsterdam", False, "+01:00"),
        ({"timezone_string": "Mars/Olympus", "gmt_offset": "x"}, None, False, "no time zone"),
    ],
)
def test_time_zones(index: dict[str, Any], merchant: str | None, ok: bool, told: str) -> None:
    check = findings(zoned(**index), timezone=merchant)["timezone"]
    assert check.ok is ok
    assert told.lower() in check.detail.lower()


def test_a_hidden_index_gives_the_zone_away_by_an_order() -> None:
    shop = answering(error(401, "rest_forbidden"), lambda asked: asked.path == "/wp-json/")
    shop.orders[1] = order_row(1, date_created="2026-05-01T10:00:00")
    found = findings(shop)
    assert found["permalinks"].ok
    assert found["timezone"].detail.startswith("+07:00")


def test_a_clock_that_is_wrong() -> None:
    shop = Shop()
    shop.shown_date = NOW - timedelta(minutes=20)
    assert "20 minutes behind" in failed(shop)["clock"]


def test_a_shop_that_tells_nothing_about_itself_is_no_failure() -> None:
    refused = error(403, "woocommerce_rest_cannot_view")
    shop = answering(refused, lambda asked: asked.path.endswith("/system_status"))
    assert failed(shop) == {}
    shop = answering(refused, lambda asked: asked.path.endswith(("/system_status", "/current")))
    assert set(failed(shop)) == {"currency"}


def test_the_currency_is_asked_for_once_and_by_the_shortest_way() -> None:
    with open_shop(Shop()) as (store, server):
        assert (store.currency(), store.currency()) == ("IDR", "IDR")
    assert [asked.path for asked in server.asked] == ["/wp-json/wc/v3/data/currencies/current"]


def test_a_shop_without_currency_is_an_error_with_its_mend() -> None:
    nowhere = error(404, "rest_no_route")
    with open_shop(answering(nowhere)) as (store, _), pytest.raises(ConnectorError, match="tells no currency"):
        store.currency()


def test_info_in_our_words() -> None:
    with open_shop(Shop()) as (store, _):
        info = store.info()
    assert (info.name, info.url, info.currency) == ("Toko & Kopi", "https://toko.test", "IDR")
    assert (info.timezone, info.platform_version) == ("Asia/Jakarta", "10.5.0")
    assert info.capabilities == {"hpos", "tags"}


def test_the_address_is_the_shop_s_own_word_and_empty_where_it_says_none() -> None:
    hidden = error(403, "rest_forbidden")
    quiet = answering(hidden, lambda asked: asked.path in ("/wp-json/", "/wp-json/wc/v3/system_status"))
    with open_shop(quiet) as (store, _):
        assert store.info().url == ""
