"""Connecting a shop by its owner's yes: the value in the callback is the only proof, and works once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from plugin_server.db.session import tenant
from plugin_server.vault import unseal
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor

GRANT = {"key_id": 7, "consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40}


@pytest.fixture
def flask_app(app: Services, serve: Callable[[Services], Flask]) -> Flask:
    settings = app.settings.model_copy(update={"public_url": "https://tangga.example.com"})
    return serve(Services(settings, app.engine, app.redis, app.now))


@pytest.fixture
def token(logged_in: Callable[[str], Visitor]) -> str:
    """The one-time value that the owner's browser carries to the shop."""
    owner = logged_in("owner")
    owner.get("/connect/woocommerce")
    page = owner.post("/connect/woocommerce", {"url": "https://127.0.0.1/"}).text
    address = re.search(r'href="(https://127\.0\.0\.1/wc-auth/[^"]+)"', page)
    assert address
    query = parse_qs(urlsplit(address[1].replace("&amp;", "&")).query)
    assert query["callback_url"] == ["https://tangga.example.com/connect/woocommerce/callback"]
    return query["user_id"][0]


def call_back(flask_app: Flask, token: str, **change: Any) -> TestResponse:
    body = {"user_id": token, "key_permissions": "read_write", **GRANT, **change}
    return flask_app.test_client().post(
        "/connect/woocommerce/callback", data=json.dumps(body), content_type="application/json"
    )


def stores(app: Services, merchant: int) -> list[Any]:
    with tenant(app.engine, merchant) as connection:
        return list(connection.execute(text("SELECT * FROM store ORDER BY id")))


def test_the_shop_gets_exactly_200_once_all_is_stored(
    app: Services, merchant: int, flask_app: Flask, token: str
) -> None:
    assert call_back(flask_app, token).status_code == 200
    (store,) = stores(app, merchant)
    assert store.url == "https://127.0.0.1"
    opened = unseal(app.settings.keys, store.credentials)
    assert opened == {"key": GRANT["consumer_key"], "secret": GRANT["consumer_secret"]}
    assert len(unseal(app.settings.keys, store.webhook_secrets)["secrets"][0]) > 30


def test_a_known_shop_gets_its_new_key_and_keeps_all_else(
    app: Services, merchant: int, flask_app: Flask, logged_in: Callable[[str], Visitor], token: str
) -> None:
    owner = logged_in("owner")
    owner.get("/connect/woocommerce")
    pasted = {"url": "127.0.0.1/wp-admin/index.php", "key": "ck_old", "secret": "cs_old"}
    assert owner.post("/connect/woocommerce", pasted).status_code == 302
    (before,) = stores(app, merchant)
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE store SET state = 'frozen', read_only = true"))
    assert "url=https://127.0.0.1" in owner.get(f"/stores/{before.id}").text.replace("%3A", ":").replace("%2F", "/")
    assert call_back(flask_app, token).status_code == 200
    (after,) = stores(app, merchant)
    assert (after.id, after.url, after.webhook_secrets) == (before.id, "https://127.0.0.1", before.webhook_secrets)
    assert (after.state, after.read_only) == ("frozen", True)
    assert unseal(app.settings.keys, after.credentials)["key"] == GRANT["consumer_key"]


def test_the_value_works_once(app: Services, merchant: int, flask_app: Flask, token: str) -> None:
    assert [call_back(flask_app, token).status_code for _ in range(2)] == [200, 403]
    assert len(stores(app, merchant)) == 1


def test_a_guessed_or_old_value_stores_nothing(
    app: Services, merchant: int, flask_app: Flask, token: str, clock: Clock
) -> None:
    assert call_back(flask_app, "guessed" * 6).status_code == 403
    clock.forward(hours=2)
    flask_app.extensions["tangga"].__dict__["now"] = clock
    assert call_back(flask_app, token).status_code == 403
    assert stores(app, merchant) == []


@pytest.mark.parametrize(
    "change",
    [{"consumer_key": "x"}, {"consumer_secret": None}, {"key_permissions": "all"}, {"user_id": "\ud800" * 20}],
)
def test_a_callback_that_is_none_uses_nothing_up(
    app: Services, merchant: int, flask_app: Flask, token: str, change: dict[str, Any]
) -> None:
    assert call_back(flask_app, token, **change).status_code == 400
    assert stores(app, merchant) == []
    assert call_back(flask_app, token).status_code == 200


def test_the_returning_browser_proves_nothing(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], token: str
) -> None:
    answer = logged_in("owner").get(f"/connect/woocommerce/return?success=1&user_id={token}")
    assert "The shop has not told us yet" in answer.text
    assert stores(app, merchant) == []


@pytest.mark.parametrize(
    ("url", "key", "secret"),
    [("ftp://shop.example.com", "", ""), ("https://127.0.0.1", "cs_1", "ck_1"), ("", "", "")],
)
def test_what_cannot_be_a_shop_is_said_at_once(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], url: str, key: str, secret: str
) -> None:
    owner = logged_in("owner")
    owner.get("/connect/woocommerce")
    answer = owner.post("/connect/woocommerce", {"url": url, "key": key, "secret": secret})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert stores(app, merchant) == []


def test_a_frozen_store_is_confirmed_by_an_owner_alone(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "UPDATE store SET state = 'frozen', state_reason = 'The address changed.', "
                "told_fingerprint = 'https://new.example'"
            )
        )
    marketer, owner = logged_in("marketer"), logged_in("owner")
    marketer.get(f"/stores/{woo}")
    assert marketer.post(f"/stores/{woo}/confirm", {"address": "https://new.example"}).status_code == 403
    owner.get(f"/stores/{woo}")
    owner.post(f"/stores/{woo}/confirm", {"address": "https://new.example"})
    (store,) = stores(app, merchant)
    assert (store.state, store.fingerprint) == ("connected", "https://new.example")
