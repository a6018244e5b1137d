"""Our pages in the frame of a shop's admin: proved by an ID token on every request, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from connectors.shopify.auth import SCOPES, Grant
from plugin_server import shop_access, wiring
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs.reading.connect import connect_store
from plugin_server.wiring import Services
from tests.connectors.server import LoopbackServer
from tests.shopify.conftest import CLIENT, OLD_SECRET, SECRET, SHOP, Admin
from tests.web.conftest import Clock, Visitor
from tests.web.policies import every_address, strict

ROOT = f"/shopify/{SHOP}"
SARI = {"id": 42, "first_name": "Sari", "email": "sari@example.com", "account_owner": True, "email_verified": True}


@pytest.fixture(autouse=True)
def present(clock: Clock) -> None:
    """ID tokens are checked against the clock of the machine too."""
    clock.now = datetime.now(UTC)


@pytest.fixture
def client(flask_app: Flask) -> FlaskClient:
    return flask_app.test_client(use_cookies=False)


def token(secret: str = SECRET, shop: str = SHOP, user: str = "42", **change: Any) -> str:
    at = int(datetime.now(UTC).timestamp())
    told = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": CLIENT,
        "sub": user,
        "jti": "j",
        "sid": "s",
    }
    return jwt.encode(told | {"exp": at + 60, "nbf": at - 1, "iat": at} | change, secret, algorithm="HS256")


@pytest.fixture
def granted(app: Services, merchant: int, shopify: int, admin: Admin) -> int:
    """The installed store with all rights."""
    grant = Grant("shpat_0", SCOPES, app.now() + timedelta(hours=1), "shprt_0", app.now() + timedelta(days=90))
    shop_access.keep(wiring.vault(app), merchant, shopify, grant)
    admin.staff = SARI
    return shopify


def test_the_admin_is_let_in_and_everything_stays_in_its_frame(
    app: Services, granted: int, client: FlaskClient, oauth: LoopbackServer
) -> None:
    proof = token()
    answer = client.get(f"/shopify?embedded=1&shop={SHOP}&host=aG9zdA&id_token={proof}&locale=en")
    assert answer.status_code == 302
    assert answer.location.startswith(f"{ROOT}/home?")
    page = client.get(answer.location)
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in policy
    assert "X-Frame-Options" not in page.headers
    assert f'content="{CLIENT}"' in page.text
    assert page.text.index("app-bridge.js") < page.text.index("app.js")
    assert f'href="{ROOT}/customers?id_token={proof}"' in page.text
    assert "sari@example.com" in page.text
    assert "/logout" not in page.text
    for line in page.headers.getlist("Set-Cookie"):
        assert line.startswith("tangga-frame=")
        assert {"Secure", "SameSite=None", "Partitioned", f"Path={ROOT}"} <= {part.strip() for part in line.split(";")}


def test_every_answer_in_the_frame_is_framed_by_this_shop_alone_and_lets_nothing_else_run(
    app: Services, flask_app: Flask, granted: int, client: FlaskClient
) -> None:
    here = (f"https://{SHOP}", "https://admin.shopify.com", app.settings.shopify_admin_origin)
    found = {}
    for rule, path in every_address(flask_app):
        if "GET" not in (rule.methods or {"GET"}) or path.startswith(("/static", "/webhooks", "/health", "/api")):
            continue
        for proof in (token(), "old"):
            with client.get(f"{ROOT}{path}", query_string={"id_token": proof}) as answer:
                if wrong := strict(answer, here):
                    found[f"{path} {answer.status_code} {proof[:3]}"] = wrong
    assert found == {}


@pytest.mark.parametrize(
    "proof",
    [
        "",
        token("a-secret-of-somebody-else-of-32-c"),
        token(exp=int(datetime.now(UTC).timestamp()) - 60),
        token(aud="other"),
        "rubbish",
    ],
)
def test_without_a_good_token_a_page_bounces_and_a_fetch_is_told_to_ask_again(
    granted: int, client: FlaskClient, proof: str
) -> None:
    answer = client.get(f"{ROOT}/customers?q=a%20b&id_token={proof}")
    assert answer.status_code == 302
    bounce = client.get(answer.location)
    assert bounce.status_code == 200
    assert f"shopify-reload=http%3A%2F%2F127.0.0.1%3A8000%2Fshopify%2F{SHOP}%2Fcustomers%3Fq%3Da%2Bb" in answer.location
    assert bounce.text.count("<script") == 1
    assert "customers" not in bounce.text
    assert f"frame-ancestors https://{SHOP} https://admin.shopify.com" in bounce.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in bounce.headers
    for headers in ({"Authorization": f"Bearer {proof}"}, {"HX-Request": "true"}):
        answer = client.get(f"{ROOT}/customers", headers=headers)
        assert (answer.status_code, answer.headers["X-Shopify-Retry-Invalid-Session-Request"]) == (401, "1")
    assert client.post(f"{ROOT}/settings", data={"id_token": proof}).status_code == 401


@pytest.mark.parametrize(
    ("shop", "reload"),
    [
        ("evil.com; script-src *", "http://127.0.0.1:8000/"),
        (SHOP, "https://evil.example/"),
        (SHOP, ""),
        (SHOP, "http://127.0.0.1:8000.evil.example/"),
        (SHOP, "http://127.0.0.1:8000/shopify/other.myshopify.com/"),
    ],
)
def test_the_bounce_page_leads_nowhere_else(granted: int, client: FlaskClient, shop: str, reload: str) -> None:
    answer = client.get("/shopify/bounce", query_string={"shop": shop, "shopify-reload": reload})
    assert answer.status_code == 400
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_a_token_of_one_shop_opens_no_other(granted: int, client: FlaskClient) -> None:
    assert client.get(f"/shopify/other-shop.myshopify.com/home?id_token={token()}").status_code == 403


def test_a_session_cookie_counts_for_nothing_in_the_frame(granted: int, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    assert owner.get("/home").status_code == 200
    assert owner.client.get(f"{ROOT}/home").status_code == 302
    assert "X-Frame-Options" in owner.client.get("/home").headers


def test_forms_work_without_any_cookie_and_come_back_into_the_frame(
    app: Services, merchant: int, granted: int, client: FlaskClient
) -> None:
    proof = token(OLD_SECRET)
    outside = client.post("/settings", data={"name": "X"})
    assert (outside.status_code, outside.location.partition("?")[0]) == (302, "/login"), "outside, one logs in first"
    answer = client.post(
        f"{ROOT}/language", data={"language": "nl", "next": "/customers?q=x&id_token=old", "id_token": proof}
    )
    assert (answer.status_code, answer.location) == (302, f"{ROOT}/customers?q=x&id_token={proof}")
    sent = client.post(f"{ROOT}/stores/{granted}/sync", headers={"Authorization": f"Bearer {proof}"})
    assert sent.location == f"{ROOT}/stores/{granted}?id_token={proof}"
    left = client.post(f"{ROOT}/logout/everywhere", data={"id_token": proof})
    assert left.location == f"{ROOT}/settings?id_token={proof}", "no log-in of ours stands in the admin"
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT actor FROM audit_log WHERE action = 'sync_asked'")) == "sari@example.com"


def test_a_first_visit_makes_the_business_and_its_owner(
    app: Services, client: FlaskClient, admin: Admin, oauth: LoopbackServer
) -> None:
    admin.staff, admin.scopes = SARI | {"locale": "nl-NL"}, ",".join(SCOPES)
    assert client.get(f"{ROOT}/home?id_token={token()}").status_code == 200
    assert client.get(f"{ROOT}/home?id_token={token()}").status_code == 200
    (merchant,) = merchant_ids(app.engine)
    with tenant(app.engine, merchant) as connection:
        known = connection.execute(text("SELECT name, email, currency, timezone, locale FROM merchant")).one()
        assert tuple(known) == ("Toko Senja", "sari@example.com", "IDR", "Asia/Jakarta", "nl")
        (store,) = stores.listed(connection)
        assert connection.execute(text("SELECT email, role FROM user_account")).one() == ("sari@example.com", "owner")
        terms = access.of(connection, store["id"])
    assert terms is not None
    assert (terms.installed, store["url"]) == (True, f"https://{SHOP}")
    assert len([one for one in oauth.asked if "oauth" in one.path]) == 2, "who it is, and a token: once"


def test_a_shop_its_owner_had_connected_by_a_token_becomes_the_apps_own(
    app: Services, merchant: int, client: FlaskClient, admin: Admin
) -> None:
    """Installing the app makes no second business of a shop that is here already, for its owner alone."""
    with tenant(app.engine, merchant) as connection:
        store_id = connect_store(
            connection, app.settings.keys, merchant, url=f"https://{SHOP}", platform="shopify",
            credentials={"key": "shpat_1", "secret": SECRET}, read_only=False, by="owner@example.com", now=app.now(),
        )  # fmt: skip
    admin.scopes = ",".join(SCOPES)
    admin.staff = SARI | {"email": "OWNER@example.com"}
    assert client.get(f"{ROOT}/home?id_token={token()}").status_code == 200
    assert merchant_ids(app.engine) == [merchant]
    with tenant(app.engine, merchant) as connection:
        rights = access.of(connection, store_id)
    assert rights is not None
    assert rights.installed


@pytest.mark.parametrize("change", [{"email_verified": False}, {"account_owner": False}, {"email": "else@example.com"}])
def test_nobody_else_takes_over_a_shop_that_is_connected_by_a_token(
    app: Services, merchant: int, client: FlaskClient, admin: Admin, change: dict[str, Any]
) -> None:
    with tenant(app.engine, merchant) as connection:
        connect_store(
            connection, app.settings.keys, merchant, url=f"https://{SHOP}", platform="shopify",
            credentials={"key": "shpat_1", "secret": SECRET}, read_only=False, by="owner@example.com", now=app.now(),
        )  # fmt: skip
    admin.scopes = ",".join(SCOPES)
    admin.staff = SARI | {"email": "owner@example.com"} | change
    client.get(f"{ROOT}/home?id_token={token()}")
    assert len(merchant_ids(app.engine)) == 2


def test_staff_become_people_of_the_business(
    app: Services, merchant: int, granted: int, client: FlaskClient, admin: Admin
) -> None:
    told = [
        ("1", SARI | {"email": "owner@example.com", "account_owner": False}),
        ("2", SARI | {"email": "tini@example.com", "account_owner": False}),
        ("3", SARI | {"email": "tono@example.com", "account_owner": False, "email_verified": False}),
        ("4", SARI | {"email": "OWNER@example.com", "account_owner": False, "email_verified": False}),
    ]
    for user, staff in told:
        admin.staff = staff
        assert client.get(f"{ROOT}/home?id_token={token(user=user)}").status_code == 200
    with tenant(app.engine, merchant) as connection:
        roles = dict(
            connection.execute(
                text("SELECT s.external_id, u.role FROM store_staff s JOIN user_account u ON u.id = s.user_id")
            ).all()
        )
        owners = connection.scalars(text("SELECT email FROM user_account WHERE role = 'owner'")).all()
    assert roles == {"1": "owner", "2": "marketer", "3": "viewer", "4": "viewer"}
    assert owners == ["owner@example.com"], "an address nobody proved makes nobody an owner"


def test_a_visit_mends_what_had_ended(
    app: Services, merchant: int, granted: int, client: FlaskClient, admin: Admin
) -> None:
    admin.scopes = ",".join(SCOPES)
    with tenant(app.engine, merchant) as connection:
        access.trouble(connection, granted, "invalid_grant", "…", app.now())
    assert client.get(f"{ROOT}/stores/{granted}?id_token={token()}").status_code == 200
    with tenant(app.engine, merchant) as connection:
        terms = access.of(connection, granted)
        assert stores.get(connection, granted)["state"] == "connected"
    assert terms is not None
    assert terms.trouble == ""


def test_what_shopify_refuses_is_said(granted: int, client: FlaskClient, admin: Admin, app: Services) -> None:
    object.__setattr__(app.settings, "tangga_env", "production")
    admin.refused = "invalid_client"
    answer = client.get(f"{ROOT}/home?id_token={token(user='new')}")
    assert (answer.status_code, "SHOPIFY_CLIENT_ID" in answer.text) == (422, True)
    admin.refused = "invalid_subject_token"
    assert client.get(f"{ROOT}/home?id_token={token(user='new')}").location.startswith("/shopify/bounce?")


def test_outside_the_admin_the_browser_is_sent_into_it(
    granted: int, client: FlaskClient, oauth: LoopbackServer
) -> None:
    assert client.get(f"/shopify?shop={SHOP}").location == f"{oauth.url}/admin/apps/{CLIENT}?shop={SHOP}"
    assert client.get("/shopify?shop=evil.example").location == "/login"
    tab = {"Sec-Fetch-Dest": "document"}
    there = f"{oauth.url}/admin/apps/{CLIENT}{ROOT}/customers?shop={SHOP}"
    assert client.get(f"{ROOT}/customers?id_token=old", headers=tab).location == there
    for below in ("", "/shopify"):
        asked = f"{below}{ROOT}/customers?embedded=1&shop={SHOP}&id_token={token()}"
        answer = client.get(asked, headers={"Sec-Fetch-Dest": "iframe"})
        assert answer.status_code == 200
        assert f'href="{ROOT}/campaigns?' in answer.text
    lost = client.get("/shopify/shopify/evil.example/customers")
    assert (lost.status_code, lost.location) == (404, None)
