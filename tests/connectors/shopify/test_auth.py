"""How a Shopify shop lets us in: ID tokens, grants and signed queries, against forged and broken ones."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadSignature, ConnectorError
from connectors.shopify.auth import (
    App,
    Door,
    Grant,
    authorize_url,
    missing_scopes,
    query_holds,
    read_id_token,
)
from tests.connectors.server import Answer, LoopbackServer, serving

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = "toko-senja.myshopify.com"
NEW, OLD = "new-secret-of-32-characters-long", "old-secret-of-32-characters-long"
APP = App("client-1", (NEW, OLD))
PAIR = {
    "access_token": "shpat_1",
    "scope": "write_discounts,read_orders",
    "expires_in": 3600,
    "refresh_token": "shprt_1",
    "refresh_token_expires_in": 7_776_000,
}


def claims(**changes: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    made = {
        "iss": f"https://{SHOP}/admin",
        "dest": f"https://{SHOP}",
        "aud": "client-1",
        "sub": "42",
        "exp": at + 60,
        "nbf": at,
        "iat": at,
        "jti": "1",
        "sid": "s",
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def signed(secret: str = NEW, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_an_id_token_names_shop_and_person(secret: str) -> None:
    found = read_id_token(signed(secret), APP, NOW)
    assert (found.shop, found.user_id, found.expires_at) == (SHOP, "42", NOW + timedelta(seconds=60))


AT = int(NOW.timestamp())


@pytest.mark.parametrize(
    "token",
    [
        signed("a-secret-of-somebody-else-here-ok"),
        signed(aud="another-app"),
        signed(exp=None),
        signed(nbf=None),
        signed(exp=AT - 11),
        signed(nbf=AT + 11),
        signed(exp=True),
        signed(sub=None),
        signed(dest="https://evil.example"),
        signed(dest="https://other.myshopify.com"),
        signed(iss="https://evil.example/admin", dest="https://evil.example"),
        jwt.encode(claims(), "", algorithm="none"),
        "",
        "a.b.c",
        "Bearer x",
        signed()[:-2],
    ],
)
def test_an_id_token_that_does_not_hold_is_refused(token: str) -> None:
    with pytest.raises(BadSignature):
        read_id_token(token, APP, NOW)


def test_without_secrets_nobody_is_let_in() -> None:
    for secrets in ((), ("",)):
        with pytest.raises(BadSignature):
            read_id_token(jwt.encode(claims(), NEW), App("client-1", secrets), NOW)


def door(server: LoopbackServer) -> Door:
    return Door(App("client-1", (NEW, OLD), origin=server.url, allow_private=True))


def test_an_exchange_asks_for_an_expiring_offline_token() -> None:
    token = signed()
    with serving(lambda asked: Answer(PAIR)) as server:
        got = door(server).exchange(read_id_token(token, APP, NOW), NOW)
    assert server.asked[0].path == "/admin/oauth/access_token"
    assert server.asked[0].json == {
        "client_id": "client-1",
        "client_secret": NEW,
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:shopify:params:oauth:token-type:offline-access-token",
        "expiring": 1,
    }
    assert got == Grant(
        "shpat_1", ("read_orders", "write_discounts"), NOW + timedelta(hours=1), "shprt_1", NOW + timedelta(days=90)
    )
    assert Grant.from_json(got.as_json()) == got


def test_the_person_behind_a_token_is_asked_for() -> None:
    person = {"id": 42, "first_name": "Ibu", "last_name": "Sari", "email": "sari@example.com", "account_owner": True}
    with serving(lambda asked: Answer({"access_token": "x", "associated_user": person})) as server:
        found = door(server).who(read_id_token(signed(), APP, NOW))
        assert (found.email, found.name, found.account_owner) == ("sari@example.com", "Ibu Sari", True)
        assert not found.email_verified
        assert server.asked[0].json["requested_token_type"].endswith("online-access-token")


ASKS: list[tuple[Callable[[Door], Grant], dict[str, Any]]] = [
    (lambda d: d.refresh(SHOP, "shprt_0", NOW), {"grant_type": "refresh_token", "refresh_token": "shprt_0"}),
    (lambda d: d.redeem(SHOP, "c0de", NOW), {"code": "c0de", "expiring": 1}),
]


@pytest.mark.parametrize(("ask", "sent"), ASKS)
def test_refresh_and_code_send_what_they_must(ask: Callable[[Door], Grant], sent: dict[str, Any]) -> None:
    with serving(lambda asked: Answer(PAIR)) as server:
        assert ask(door(server)).refresh_token == "shprt_1"
    assert server.asked[0].json == {"client_id": "client-1", "client_secret": NEW} | sent


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [
        (Answer({"error": "invalid_grant", "error_description": "expired"}, 400), "invalid_grant", True),
        (Answer({"error": "invalid_subject_token"}, 400), "invalid_subject_token", True),
        (Answer({"error": "invalid_client"}, 401), "invalid_client", True),
        (Answer({"errors": "[API] Invalid"}, 403), "refused", True),
        (Answer(b"<html>", 400), "refused", True),
        (Answer({}, 503), "server_error", False),
        (Answer({}, 429), "throttled", False),
        (Answer({"scope": "x"}), "bad_payload", True),
        (Answer([]), "bad_payload", True),
    ],
)
def test_every_refusal_says_what_to_do(answer: Answer, code: str, permanent: bool) -> None:
    with serving(lambda asked: answer) as server, pytest.raises(ConnectorError) as caught:
        door(server).refresh(SHOP, "shprt_0", NOW)
    assert (caught.value.code, caught.value.permanent) == (code, permanent)
    assert "shprt_0" not in caught.value.sentence
    assert len(server.asked) == 1


def test_a_lasting_token_has_no_end() -> None:
    with serving(lambda asked: Answer({"access_token": "shpat_9", "scope": ""})) as server:
        assert door(server).redeem(SHOP, "c", NOW) == Grant("shpat_9")


def test_missing_scopes_know_that_writing_implies_reading() -> None:
    assert missing_scopes(["read_orders", "write_discounts"], ["write_orders", "read_discounts"]) == ["write_discounts"]
    assert missing_scopes([], []) == []


def test_the_owner_is_sent_to_their_own_shop() -> None:
    address = urlsplit(authorize_url(APP, SHOP, scopes=["read_orders", "x_y"], back="https://t.id/cb", state="s&1"))
    assert (address.scheme, address.netloc, address.path) == ("https", SHOP, "/admin/oauth/authorize")
    assert dict(parse_qsl(address.query)) == {
        "client_id": "client-1",
        "scope": "read_orders,x_y",
        "redirect_uri": "https://t.id/cb",
        "state": "s&1",
    }


def query(secret: str, **values: str) -> list[tuple[str, str]]:
    text = "&".join(f"{name}={values[name]}" for name in sorted(values))
    return [*values.items(), ("hmac", hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest())]


GOOD = {"code": "c0de", "shop": SHOP, "state": "abc", "timestamp": str(AT)}


def test_a_signed_query_holds_under_each_secret_while_it_is_fresh() -> None:
    assert query_holds(query(NEW, **GOOD), APP.secrets, NOW)
    assert query_holds(query(OLD, **GOOD), APP.secrets, NOW + timedelta(seconds=90))
    assert not query_holds(query(NEW, **GOOD), APP.secrets, NOW + timedelta(seconds=91))
    assert not query_holds(query(NEW, **GOOD), APP.secrets, NOW - timedelta(seconds=91))
    assert not query_holds(query("", **GOOD), ("",), NOW)
    assert not query_holds([*query(NEW, **GOOD), ("shop", SHOP)], APP.secrets, NOW)
    assert not query_holds(query(NEW, **GOOD | {"timestamp": "soon"}), APP.secrets, NOW)
    assert not query_holds([], APP.secrets, NOW)


@given(st.sampled_from(sorted(GOOD)), st.text(max_size=8))
def test_no_changed_parameter_passes(name: str, value: str) -> None:
    changed = [(key, value if key == name else old) for key, old in query(NEW, **GOOD)]
    assert query_holds(changed, APP.secrets, NOW) == (value == GOOD[name])
