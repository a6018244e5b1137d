"""Keys, signatures, the wc-auth page, and what an unserved address says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from woocommerce.oauth import OAuth

from plugin_server.demo.shop import ShopState, running_shop
from plugin_server.demo.shop.auth import oauth_signature
from tests.conftest import shared
from tests.demo.conftest import Client, Ear

ORDERS = "/wp-json/wc/v3/orders"
CANNOT_VIEW = (401, "woocommerce_rest_cannot_view")


def said(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def signed(url: str, key: str = "ck_rw", secret: str = "cs_rw") -> str:
    """The address with an OAuth 1.0a signature in its query, made by WooCommerce's own library."""
    maker = OAuth(url=url, consumer_key=key, consumer_secret=secret, version="wc/v3", method="GET")
    address: str = maker.get_oauth_url()
    return address


def test_over_http_neither_basic_nor_a_key_in_the_query_counts(url: str) -> None:
    assert said(requests.get(url + ORDERS, auth=("ck_rw", "cs_rw"), timeout=5)) == CANNOT_VIEW
    query = {"consumer_key": "ck_rw", "consumer_secret": "cs_rw"}
    assert said(requests.get(url + ORDERS, params=query, timeout=5)) == CANNOT_VIEW
    assert said(requests.get(url + ORDERS, timeout=5)) == CANNOT_VIEW


def test_over_http_a_signature_counts_once(url: str) -> None:
    address = signed(url + ORDERS + "?status=completed%2Cprocessing&modified_after=2026-01-01T00%3A00%3A00")
    assert requests.get(address, timeout=5).status_code == 200
    again = requests.get(address, timeout=5)
    assert again.json()["message"] == "Invalid nonce - nonce has already been used."


def test_a_wrong_secret_makes_a_wrong_signature(url: str) -> None:
    answer = requests.get(signed(url + ORDERS, secret="cs_other"), timeout=5)
    assert said(answer) == (401, "woocommerce_rest_authentication_error")
    assert answer.json()["message"] == "Invalid signature - provided signature does not match."


def test_a_signed_address_cannot_be_changed(url: str) -> None:
    assert requests.get(signed(url + ORDERS) + "&status=trash", timeout=5).status_code == 401


def test_the_recorded_signature_is_the_one_we_expect() -> None:
    recording = json.loads(shared("contracts/woocommerce/recordings/errors/oauth1_ok_http.json").read_text())
    parts = urlsplit(recording["url"])
    given = dict(parse_qsl(parts.query))
    secret = _recorded_secret()
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    assert oauth_signature("GET", url, given, secret, "HMAC-SHA256") == given["oauth_signature"]


def _recorded_secret() -> str:
    found: Path = shared("contracts/woocommerce/recordings/errors/keys_in_query_https.json")
    secret: str = json.loads(found.read_text())["request"]["params"]["consumer_secret"]
    return secret


def test_a_read_only_key_is_refused_a_write(url: str, shop: ShopState) -> None:
    shop.add_key("ck_r", "cs_r", permissions="read")
    reader = Client(url, "ck_r", "cs_r")
    assert reader.get("orders").status_code == 200
    answer = reader.post("orders", {})
    assert said(answer) == (401, "woocommerce_rest_authentication_error")
    assert answer.json()["message"] == "The API key provided does not have write permissions."


def test_a_key_of_a_user_without_rights_is_known_and_refused(url: str, shop: ShopState) -> None:
    shop.add_key("ck_c", "cs_c", privileged=False)
    assert said(Client(url, "ck_c", "cs_c").get("orders")) == (403, "woocommerce_rest_cannot_view")


def test_without_pretty_addresses_keys_do_not_work(url: str) -> None:
    answer = requests.get(url + "/", params={"rest_route": "/wc/v3/orders"}, auth=("ck_rw", "cs_rw"), timeout=5)
    assert said(answer) == CANNOT_VIEW


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_over_https_basic_and_query_keys_count(shop: ShopState) -> None:
    with running_shop(shop, tls=True) as url:

        def get(**how: object) -> requests.Response:
            return requests.get(url + ORDERS, verify=False, timeout=5, **how)  # type: ignore[arg-type]

        assert get(auth=("ck_rw", "cs_rw")).status_code == 200
        assert get(params={"consumer_key": "ck_rw", "consumer_secret": "cs_rw"}).status_code == 200
        assert said(get(auth=("ck_rw", "wrong"))) == (401, "woocommerce_rest_authentication_error")
        assert said(get(auth=("ck_unknown", "cs_rw"))) == CANNOT_VIEW


def test_unknown_addresses_and_methods_have_no_route(api: Client) -> None:
    for answer in (api.get("pelanggan"), api.get("orders/abc"), api.delete("orders")):
        assert said(answer) == (404, "rest_no_route")


def test_the_index_tells_the_time_zone_without_a_key(url: str) -> None:
    told = requests.get(f"{url}/wp-json/", timeout=5).json()
    assert (told["timezone_string"], told["gmt_offset"]) == ("Asia/Jakarta", 7)
    assert "wc/v3" in told["namespaces"]


def test_the_status_tells_the_version_and_where_orders_live(api: Client, shop: ShopState) -> None:
    status = api.get("system_status").json()
    assert (status["environment"]["version"], status["settings"]["HPOS_enabled"]) == ("10.5.0", True)
    shop.legacy = True
    status = api.get("system_status").json()
    assert (status["environment"]["version"], status["settings"]["HPOS_enabled"]) == ("10.0.2", False)


def ask_for_keys(url: str, ear: Ear, **other: str) -> requests.Response:
    query = {"app_name": "Tangga", "scope": "read_write", "user_id": "sekali-pakai",
             "return_url": f"{ear.url}/back?a=1", "callback_url": f"{ear.url}/callback", **other}  # fmt: skip
    return requests.get(f"{url}/wc-auth/v1/authorize?{urlencode(query)}", timeout=5)


def link(page: requests.Response, word: str) -> str:
    found = re.search(rf'href="([^"]+)">{word}<', page.text)
    assert found
    return found[1].replace("&amp;", "&")


def test_an_approved_app_gets_keys_before_the_browser_returns(url: str, ear: Ear) -> None:
    page = ask_for_keys(url, ear)
    back = requests.get(url + link(page, "Approve"), allow_redirects=False, timeout=5)
    assert back.status_code == 302
    assert back.headers["Location"] == f"{ear.url}/back?a=1&success=1&user_id=sekali-pakai"
    told = ear.heard[0].json()
    assert (told["user_id"], told["key_permissions"]) == ("sekali-pakai", "read_write")
    client = Client(url, told["consumer_key"], told["consumer_secret"])
    assert client.get("orders").status_code == 200


def test_a_denial_only_sends_the_browser_back(url: str, ear: Ear) -> None:
    assert link(ask_for_keys(url, ear), "Deny") == f"{ear.url}/back?a=1&success=0&user_id=sekali-pakai"
    assert ear.heard == []


@pytest.mark.parametrize("status", [500, 201, 202])
def test_an_answer_other_than_200_takes_the_keys_away(url: str, ear: Ear, shop: ShopState, status: int) -> None:
    page = ask_for_keys(url, ear)
    ear.answer = lambda heard: (status, None)
    assert requests.get(url + link(page, "Approve"), allow_redirects=False, timeout=5).status_code == 401
    told = ear.heard[0].json()
    assert said(Client(url, told["consumer_key"], told["consumer_secret"]).get("orders"))[0] == 401
    assert len(shop.keys) == 1


def test_the_approval_used_twice_makes_two_pairs(url: str, ear: Ear, shop: ShopState) -> None:
    approve = url + link(ask_for_keys(url, ear), "Approve")
    for _ in range(2):
        requests.get(approve, allow_redirects=False, timeout=5)
    assert len(shop.keys) == 3


@pytest.mark.parametrize("wrong", [{"user_id": "0"}, {"user_id": ""}, {"scope": "all"}, {"callback_url": "ftp://x"}])
def test_a_request_the_page_refuses(url: str, ear: Ear, wrong: dict[str, str]) -> None:
    assert ask_for_keys(url, ear, **wrong).status_code == 401


def test_a_changed_approval_is_refused(url: str, ear: Ear) -> None:
    approve = url + link(ask_for_keys(url, ear), "Approve")
    assert requests.get(approve.replace("sekali-pakai", "orang-lain"), timeout=5).status_code == 401


@pytest.fixture
def strict_url(shop: ShopState) -> Iterator[str]:
    with running_shop(shop) as address:
        yield address


def test_a_callback_over_http_is_refused_by_a_strict_shop(strict_url: str, ear: Ear) -> None:
    assert ask_for_keys(strict_url, ear).status_code == 401
