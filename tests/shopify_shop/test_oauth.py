"""Tokens: exchange, rotation with its grace, the authorization code, and their end."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from plugin_server.demo.shopify_shop.identity import id_token
from plugin_server.demo.shopify_shop.oauth import EXCHANGE, ID_TOKEN, OFFLINE
from tests.shopify_shop.conftest import Client


def token(shopify: Client, **given: Any) -> requests.Response:
    known = {"client_id": "demo-client", "client_secret": "demo-secret"}
    return requests.post(f"{shopify.origin}/admin/oauth/access_token", json={**known, **given}, timeout=10)


def exchange(shopify: Client, subject: str | None = None, **given: Any) -> requests.Response:
    made = id_token(shop=shopify.shop.domain, client_id="demo-client", secret="demo-secret", now=shopify.clock())
    asked = {
        "grant_type": EXCHANGE, "subject_token": subject or made, "subject_token_type": ID_TOKEN,
        "requested_token_type": OFFLINE, "expiring": "1",
    }  # fmt: skip
    return token(shopify, **{**asked, **given})


def works(shopify: Client, access: str) -> bool:
    shopify.token = access
    answer = shopify.post("{ shop { id } }")
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


def test_an_id_token_is_exchanged_for_a_token_of_one_hour(shopify: Client) -> None:
    given = exchange(shopify).json()
    assert (given["expires_in"], given["refresh_token_expires_in"]) == (3600, 7_776_000)
    assert works(shopify, given["access_token"])
    shopify.clock.forward(hours=1)
    assert not works(shopify, given["access_token"])


def test_forged_foreign_and_late_id_tokens_are_refused(shopify: Client) -> None:
    def made(**changed: Any) -> str:
        secret = changed.pop("secret", "demo-secret")
        return id_token(
            shop=shopify.shop.domain, client_id="demo-client", secret=secret, now=shopify.clock(), **changed
        )

    late = int(shopify.clock().timestamp()) - 3600
    forgeries = [
        made(secret="guessed"), made(aud="other"), made(exp=late), made(dest="https://other.myshopify.com"),
        made(exp=None), "nonsense",
    ]  # fmt: skip
    for forged in forgeries:
        answer = exchange(shopify, forged)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_subject_token"})


def test_a_token_without_end_is_refused_to_a_public_app(shopify: Client) -> None:
    answer = exchange(shopify, expiring="0")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_refresh_token_rotates_and_the_old_one_lives_until_the_new_is_used(shopify: Client) -> None:
    def renew(refresh: str) -> requests.Response:
        return token(shopify, grant_type="refresh_token", refresh_token=refresh)

    first = exchange(shopify).json()["refresh_token"]
    second = renew(first).json()["refresh_token"]
    again = renew(first)
    assert again.status_code == 200
    assert renew(second).status_code == 200
    assert (renew(first).status_code, renew(first).json()["error"]) == (400, "invalid_grant")
    shopify.clock.forward(days=31)
    assert renew(second).json()["error"] == "invalid_grant"


def test_ninety_days_without_a_refresh_end_the_grant(shopify: Client) -> None:
    given = exchange(shopify).json()
    shopify.clock.forward(days=90)
    answer = token(shopify, grant_type="refresh_token", refresh_token=given["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_wrong_secret_is_no_client(shopify: Client) -> None:
    assert exchange(shopify, client_secret="wrong").json()["error"] == "invalid_client"


def test_uninstalling_kills_every_token_at_once(shopify: Client) -> None:
    given = exchange(shopify).json()
    shopify.shop.grants.uninstall()
    assert not works(shopify, given["access_token"])
    assert not works(shopify, "shpat_demo")
    shopify.shop.grants.install()
    assert token(shopify, grant_type="refresh_token", refresh_token=given["refresh_token"]).status_code == 400


def test_the_authorization_code_comes_signed_and_works_once(shopify: Client) -> None:
    asked = {"client_id": "demo-client", "scope": "read_orders", "redirect_uri": "https://app.test/back", "state": "s1"}
    page = requests.get(f"{shopify.origin}/admin/oauth/authorize", params=asked, timeout=10)
    assert "Install" in page.text
    back = requests.get(
        f"{shopify.origin}/admin/oauth/authorize", params={**asked, "approve": "1"}, timeout=10, allow_redirects=False
    )
    values = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    mark = values.pop("hmac")
    text = urlencode(sorted(values.items()))
    assert mark == hmac.new(b"demo-secret", text.encode(), hashlib.sha256).hexdigest()
    assert values["state"] == "s1"
    first = token(shopify, code=values["code"], expiring="1")
    assert works(shopify, first.json()["access_token"])
    assert token(shopify, code=values["code"], expiring="1").status_code == 400
