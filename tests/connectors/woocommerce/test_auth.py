"""Keys: how requests are signed, and how the shop's owner hands a pair over."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.auth import HTTPBasicAuth

from connectors.errors import BadPayload, ConnectorError, ForbiddenHost
from connectors.http import Http
from connectors.woocommerce import connect
from connectors.woocommerce.auth import KeyPair, Signer, authorize_url, parse_callback, parse_return
from connectors.woocommerce.client import WooClient
from connectors.woocommerce.store import shop_address
from tests.connectors.server import Answer, Asked, serving
from tests.connectors.woocommerce.oauth import holds
from tests.connectors.woocommerce.shop import KEY, NOW, SECRET, Shop, error

PAIR = KeyPair(KEY, SECRET)
TOKEN = "t" * 32
CALLBACK = {
    "key_id": 5,
    "user_id": TOKEN,
    "consumer_key": KEY,
    "consumer_secret": SECRET,
    "key_permissions": "read_write",
}


def test_over_https_the_pair_travels_as_basic_authentication() -> None:
    url, auth = Signer(PAIR)("GET", "https://toko.test/wp-json/wc/v3/orders?page=1", timestamp=1)
    assert url == "https://toko.test/wp-json/wc/v3/orders?page=1"
    assert auth == HTTPBasicAuth(KEY, SECRET)


def test_over_http_every_request_is_signed_and_the_secret_stays_here() -> None:
    url, auth = Signer(PAIR)("GET", "http://127.0.0.1/wp-json/wc/v3/orders?status=any", timestamp=1795329575)
    query = parse_qs(urlsplit(url).query)
    assert auth is None
    assert (query["oauth_consumer_key"], query["oauth_timestamp"]) == ([KEY], ["1795329575"])
    assert query["oauth_signature_method"] == ["HMAC-SHA256"]
    assert SECRET not in url


def test_the_pair_does_not_show() -> None:
    assert KEY not in repr(PAIR)
    assert SECRET not in repr(PAIR)


def stripping(asked: Asked) -> Answer:
    """A host that strips the Authorization header."""
    good = asked.query.get("consumer_key") == KEY and asked.query.get("consumer_secret") == SECRET
    return Answer([{"id": 1}]) if good else error(401, "woocommerce_rest_cannot_view")


class _AsIfSecure(Signer):
    """Signs for loopback as if it were https: a test has no certificate."""

    def __call__(self, method: str, url: str, *, timestamp: int) -> tuple[str, object]:  # type: ignore[override]
        signed, auth = super().__call__(method, url.replace("http://", "https://"), timestamp=timestamp)
        return signed.replace("https://", "http://"), auth


def as_if_secure(url: str) -> WooClient:
    client = WooClient(url, PAIR, http=Http(allow_private=True), clock=lambda: NOW)
    client._signer = _AsIfSecure(PAIR)
    client._settled = False
    return client


def test_a_host_that_strips_the_header_gets_the_keys_in_the_query_found_out_once() -> None:
    with serving(stripping) as server:
        client = as_if_secure(server.url)
        assert client.rows("orders")[0] == [{"id": 1}]
        assert client.rows("orders")[0] == [{"id": 1}]
    assert ["consumer_key" in asked.query for asked in server.asked] == [False, True, True]


def test_a_key_that_is_simply_wrong_is_tried_no_further() -> None:
    with serving(lambda asked: error(401, "woocommerce_rest_cannot_view")) as server:
        client = as_if_secure(server.url)
        with pytest.raises(ConnectorError) as caught:
            client.rows("orders")
        assert not client._signer.in_query
    assert (caught.value.code, len(server.asked)) == ("wrong_key", 2)


def test_a_plugin_that_hides_the_api_from_strangers_counts_as_a_stripped_header() -> None:
    def hiding(asked: Asked) -> Answer:
        known = asked.query.get("consumer_key") == KEY
        return Answer([]) if known else error(401, "rest_not_logged_in", "You are not currently logged in.")

    with serving(hiding) as server:
        assert as_if_secure(server.url).rows("orders")[0] == []


def test_a_wrong_secret_is_not_sent_in_the_query() -> None:
    with (
        serving(
            lambda asked: error(401, "woocommerce_rest_authentication_error", "Consumer secret is invalid.")
        ) as server,
        pytest.raises(ConnectorError) as caught,
    ):
        as_if_secure(server.url).rows("orders")
    assert (caught.value.code, len(server.asked)) == ("wrong_secret", 1)


def test_no_error_repeats_a_key() -> None:
    def fail(asked: Asked) -> Answer:
        return Answer({"code": "x", "message": f"<b>Bad</b> {'y' * 5000}", "data": {"status": 400}}, 400)

    with serving(fail) as server, pytest.raises(ConnectorError) as caught:
        as_if_secure(server.url).rows("orders")
    assert KEY not in str(caught.value)
    assert "<b>" not in caught.value.sentence
    assert len(caught.value.sentence) < 400


def test_where_the_owner_is_sent() -> None:
    back, call = "https://tangga.test/connect?x=1", "https://tangga.test/connect/woocommerce/callback"
    url = authorize_url("https://toko.test/", "Tangga", TOKEN, back, call)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://toko.test/wc-auth/v1/authorize?")
    assert query == {
        "app_name": "Tangga",
        "scope": "read_write",
        "user_id": TOKEN,
        "return_url": back,
        "callback_url": call,
    }


@pytest.mark.parametrize(
    ("token", "callback"), [("0", "https://t.test/c"), ("", "https://t.test/c"), (TOKEN, "http://t.test/c")]
)
def test_a_guessable_token_or_an_open_callback_is_refused(token: str, callback: str) -> None:
    with pytest.raises(ConnectorError):
        authorize_url("https://toko.test", "Tangga", token, "https://t.test", callback)


def test_a_grant() -> None:
    grant = parse_callback(json.dumps(CALLBACK).encode(), "application/json;charset=UTF-8")
    assert (grant.user_id, grant.consumer_key, grant.permissions) == (TOKEN, KEY, "read_write")
    assert grant.pair == PAIR
    assert SECRET not in repr(grant)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"user_id": ""}, "user_id"),
        ({"user_id": None}, "user_id"),
        ({"consumer_key": SECRET}, "consumer_key"),
        ({"consumer_secret": "x"}, "consumer_secret"),
        ({"consumer_secret": "cs_" + "x" * 100}, "consumer_secret"),
        ({"key_permissions": "root"}, "key_permissions"),
    ],
)
def test_a_grant_that_is_none_names_the_field_and_not_the_value(change: dict[str, object], place: str) -> None:
    with pytest.raises(BadPayload) as caught:
        parse_callback(json.dumps({**CALLBACK, **change}).encode(), "application/json")
    assert caught.value.path == place
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"user_id=1", "application/x-www-form-urlencoded"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b" " * 9000, "application/json"),
    ],
)
def test_a_callback_of_another_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadPayload):
        parse_callback(body, kind)


def test_the_browsers_return() -> None:
    assert parse_return({"success": "1", "user_id": TOKEN}) == (TOKEN, True)
    assert parse_return({"success": "0", "user_id": TOKEN}) == (TOKEN, False)
    assert parse_return({}) == ("", False)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("toko.example", "https://toko.example"),
        ("https://toko.example/wp-admin/index.php", "https://toko.example"),
        ("https://toko.example/id/wp-json/wc/v3/", "https://toko.example/id"),
    ],
)
def test_addresses_as_owners_paste_them(typed: str, address: str) -> None:
    assert shop_address(typed, allow_private=False) == address


def test_plain_http_outside_development_is_refused_at_once() -> None:
    with pytest.raises(ForbiddenHost, match="must begin with https"):
        connect("http://toko.example", KEY, SECRET)


def test_the_shop_accepts_the_signature_of_every_kind_of_request() -> None:
    """The reference check: WooCommerce's own way to verify OAuth 1.0a, on what really arrives."""
    with serving(Shop()) as server:
        store = connect(server.url, KEY, SECRET, allow_private=True, clock=lambda: NOW)
        list(store.orders(since=NOW))
        store.ensure_webhooks(url="https://tangga.test/hook?a=1&b=é", secret="s" * 20)
        store.remove_webhooks(url="https://tangga.test/hook?a=1&b=é")
    signed = [asked for asked in server.asked if "oauth_signature" in asked.query]
    assert {asked.method for asked in signed} == {"GET", "POST", "DELETE"}
    assert all(holds(asked, server.url, SECRET) for asked in signed)
