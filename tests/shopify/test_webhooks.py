"""The door for Shopify's deliveries, and what becomes of those that concern the store itself or people's rights."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import privacy_requests
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.demo.generator import generate
from plugin_server.demo.shopify_shop.model import Customer
from plugin_server.jobs import privacy
from plugin_server.jobs.reading import lifecycle, reconcile
from plugin_server.jobs.reading.connect import connect_store
from plugin_server.jobs.reading.ingest import drained
from plugin_server.vault import seal
from plugin_server.wiring import Services
from tests.contract.counters import ShopifyCounter, opened
from tests.data.making import NOW, account, order
from tests.shopify.conftest import OLD_SECRET, SECRET, SHOP
from tests.web.conftest import Clock

Tell = Callable[..., TestResponse]
OWN = "a-secret-of-the-owners-own-app-32c"


@pytest.fixture
def tell(flask_app: Flask) -> Tell:
    """Delivers as Shopify does."""
    client = flask_app.test_client()

    def send(topic: str, body: Any, *, secret: str = SECRET, number: str | None = "w-1", **more: str) -> TestResponse:
        raw = json.dumps(body).encode()
        mark = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
        told = {"Topic": topic, "Shop-Domain": SHOP, "Hmac-Sha256": mark, "Triggered-At": NOW.isoformat()}
        told |= {} if number is None else {"Webhook-Id": number}
        told |= {name.replace("_", "-"): value for name, value in more.items()}
        headers = {f"X-Shopify-{name}": value for name, value in told.items()}
        return client.post("/webhooks/shopify", data=raw, headers=headers)

    return send


def inbox(app: Services, merchant: int) -> list[Any]:
    with tenant(app.engine, merchant) as connection:
        return list(connection.execute(text("SELECT * FROM inbound_event ORDER BY id")))


def drain(app: Services, merchant: int) -> list[tuple[str, str]]:
    drained(app, merchant, wiring.connector)
    return [(row.state, row.note) for row in inbox(app, merchant)]


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_signed_delivery_is_kept_once_under_either_secret(
    app: Services, merchant: int, shopify: int, tell: Tell, secret: str
) -> None:
    for _ in range(3):
        assert tell("orders/create", {"id": 1}, secret=secret).status_code == 200
    assert tell("orders/create", {"id": 1}, secret=secret, number="w-2").status_code == 200
    rows = inbox(app, merchant)
    assert [(row.store_id, row.topic, row.dedupe) for row in rows] == [
        (shopify, "orders/create", "w-1"),
        (shopify, "orders/create", "w-2"),
    ]
    assert "hmac" not in json.dumps(rows[0].headers)


def test_a_shop_connected_by_a_page_or_the_demo_is_heard_by_the_apps_secret(
    app: Services, merchant: int, tell: Tell
) -> None:
    with tenant(app.engine, merchant) as connection:
        store_id = connect_store(
            connection, app.settings.keys, merchant, url=f"https://{SHOP}", platform="shopify",
            credentials={"key": "shpat_1", "secret": SECRET}, read_only=False, by="owner@example.com", now=app.now(),
        )  # fmt: skip
    assert tell("orders/create", {"id": 1}).status_code == 200
    assert [row.store_id for row in inbox(app, merchant)] == [store_id]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"secret": "somebody-elses-secret-of-32-charac"}, 401),
        ({"Hmac_Sha256": ""}, 401),
        ({"number": None}, 400),
        ({"Topic": ""}, 400),
        ({"Shop_Domain": "unknown.myshopify.com"}, 200),
        ({"Shop_Domain": "evil.example"}, 200),
        ({"Shop_Domain": "unknown.myshopify.com", "secret": "somebody-elses-secret-of-32-charac"}, 401),
    ],
)
def test_what_is_not_ours_leaves_no_trace(
    app: Services, merchant: int, shopify: int, tell: Tell, more: dict[str, Any], code: int
) -> None:
    assert tell("orders/create", {"id": 1}, **more).status_code == code
    assert inbox(app, merchant) == []


def test_a_store_with_a_secret_of_its_own_takes_no_other(
    app: Services, merchant: int, shopify: int, tell: Tell
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text("UPDATE store SET webhook_secrets = :sealed"),
            {"sealed": seal(app.settings.keys, {"secrets": [OWN]})},
        )
    assert tell("orders/create", {"id": 1}).status_code == 200
    assert inbox(app, merchant) == []
    assert tell("orders/create", {"id": 1}, secret=OWN).status_code == 200
    assert len(inbox(app, merchant)) == 1


def state(app: Services, merchant: int, store: int) -> tuple[str, Any]:
    with tenant(app.engine, merchant) as connection:
        return stores.get(connection, store)["state"], access.of(connection, store)


def test_uninstalling_stops_everything_and_keeps_the_data_for_two_days(
    app: Services, merchant: int, shopify: int, tell: Tell, clock: Clock
) -> None:
    clock.forward(hours=1)
    tell("app/uninstalled", {"id": 5}, Triggered_At=clock().isoformat())
    assert drain(app, merchant) == [("done", "")]
    assert state(app, merchant, shopify)[0] == "disconnected"
    with tenant(app.engine, merchant) as connection:
        assert "is disconnected" in str(campaigns.frozen_store(connection))
    clock.forward(hours=47, minutes=59)
    assert lifecycle.purge_due(app) == 0
    clock.forward(minutes=1)
    assert lifecycle.purge_due(app) == 1
    with tenant(app.engine, merchant) as connection:
        assert stores.listed(connection) == []
        assert campaigns.frozen_store(connection) is None
        actions = connection.scalars(text("SELECT action FROM audit_log ORDER BY id")).all()
    assert actions == ["store_left", "store_purged"]


def test_coming_back_calls_the_purge_off_whatever_comes_late(
    app: Services, merchant: int, shopify: int, tell: Tell, clock: Clock
) -> None:
    clock.forward(hours=1)
    left = clock().isoformat()
    tell("app/uninstalled", {"id": 5}, Triggered_At=left)
    drain(app, merchant)
    clock.forward(hours=20)
    shop_access.keep(wiring.vault(app), merchant, shopify, Grant("shpat_back"), installed=True)
    tell("app/uninstalled", {"id": 5}, number="a late retry", Triggered_At=left)
    tell("shop/redact", {"shop_id": 1, "shop_domain": SHOP}, number="w-9", Triggered_At=left)
    assert [told for told, _ in drain(app, merchant)] == ["done"] * 3
    assert [bool(note) for _, note in drain(app, merchant)] == [False, True, True]
    assert state(app, merchant, shopify)[0] == "connected"
    clock.forward(hours=100)
    assert lifecycle.purge_due(app) == 0


def test_scopes_are_kept_as_the_shop_tells_them(app: Services, merchant: int, shopify: int, tell: Tell) -> None:
    tell("app/scopes_update", {"id": 1, "previous": [], "current": ["write_customers", "read_orders"]})
    drain(app, merchant)
    assert state(app, merchant, shopify)[1].scopes == ["read_orders", "write_customers"]
    assert waiting(app, merchant) == ["incremental"]


def waiting(app: Services, merchant: int) -> list[str]:
    with tenant(app.engine, merchant) as connection:
        return list(connection.scalars(text("SELECT kind FROM sync_run WHERE state = 'queued' ORDER BY id")))


def test_the_right_to_see_all_orders_has_them_read_at_once(
    app: Services, merchant: int, shopify: int, tell: Tell
) -> None:
    for number in ("w-1", "w-2"):
        told = {"id": 1, "previous": ["read_orders"], "current": ["read_orders", "read_all_orders"]}
        tell("app/scopes_update", told, number=number)
    drain(app, merchant)
    assert waiting(app, merchant) == ["full"]


def test_an_installed_app_asks_a_shop_for_news_not_all_allow(app: Services, merchant: int, shopify: int) -> None:
    with opened("shopify", generate(seed=3, customers=5, now=NOW)) as double:
        assert reconcile.revive(app, merchant, shopify, lambda *_: double.store) == []
        with tenant(app.engine, merchant) as connection:
            connection.execute(text("UPDATE store SET capabilities = ARRAY['customer_merges']"))
        for _ in range(2):
            told = reconcile.revive(app, merchant, shopify, lambda *_: double.store)
            assert told == [{"topic": "CUSTOMERS_MERGE", "state": "active"}]


KEPT, GIVEN_UP = "207119551", "191167"
GID = "gid://shopify/Customer/"
MERGED = ("customers/merge", {
    "admin_graphql_api_customer_kept_id": GID + KEPT, "admin_graphql_api_customer_deleted_id": GID + GIVEN_UP,
    "status": "success",
})  # fmt: skip
ENDED = ("customers/delete", {"id": int(GIVEN_UP)})
ORDER_ENDED = ("orders/delete", {"id": 299938})


@pytest.mark.parametrize("met", [True, False], ids=["known", "never read"])
@pytest.mark.parametrize(
    "told", [[MERGED, ENDED, ORDER_ENDED], [ENDED, ORDER_ENDED, MERGED], [ORDER_ENDED, MERGED, MERGED, ENDED]],
    ids=["merge first", "merge last", "order first"],
)  # fmt: skip
def test_accounts_that_the_shop_merged_are_one_in_whatever_order_it_tells(
    app: Services, merchant: int, shopify: int, tell: Tell, told: list[tuple[str, Any]], met: bool
) -> None:
    stock(app, merchant, shopify)
    with opened("shopify", generate(seed=3, customers=5, now=NOW)) as double:
        shop = cast(ShopifyCounter, double).shop
        shop.save(Customer(int(KEPT), "eva@example.com", NOW, NOW, "Eva", "Wijaya"))
        of: dict[str, Any] = {"merchant_id": merchant, "store_id": shopify, "now": NOW}
        with tenant(app.engine, merchant) as connection:
            if met:
                ingest_customers(connection, **of, customers=[account(KEPT, "eva@example.com")])
            more = order("7", email="ani@example.com", customer_external_id=GIVEN_UP)
            ingest_orders(connection, **of, orders=[more])
        for number, (topic, body) in enumerate(told):
            assert tell(topic, body, number=f"m{number}").status_code == 200
            drained(app, merchant, lambda *_: double.store)
    assert {(row.state, row.note) for row in inbox(app, merchant)} == {("done", "")}
    with tenant(app.engine, merchant) as connection:
        people = connection.execute(text(
            "SELECT c.email_norm, c.has_account, f.orders, ARRAY(SELECT o.external_id || ' ' || o.status FROM "
            "shop_order o WHERE o.customer_id = c.id ORDER BY o.id) FROM customer c LEFT JOIN customer_facts f "
            "ON f.customer_id = c.id WHERE c.merged_into IS NULL ORDER BY c.id"
        )).all()  # fmt: skip
        assert connection.scalar(text("SELECT count(*) FROM customer_merge")) == 1
    mine = next(row for row in people if row.email_norm != "budi@example.com")
    assert len(people) == 2
    assert tuple(mine)[1:] == (True, 1, ["299938 trashed", "7 paid"])


def stock(app: Services, merchant: int, store: int, prefix: str = "", email: str = "ani@example.com") -> None:
    of: dict[str, Any] = {"merchant_id": merchant, "store_id": store, "now": NOW}
    with tenant(app.engine, merchant) as connection:
        ingest_customers(connection, **of, customers=[account(f"{prefix}191167", email)])
        first = order(f"{prefix}299938", email=email, customer_external_id=f"{prefix}191167")
        ingest_orders(connection, **of, orders=[first, order(f"{prefix}2", email="budi@example.com", name="Budi")])
        lifecycle.climb.everybody(connection, merchant_id=merchant, now=NOW)


ASKED = {
    "shop_id": 954889,
    "shop_domain": SHOP,
    "customer": {"id": 191167, "email": "ani@example.com", "phone": "555-625-1199"},
    "orders_requested": [299938],
    "data_request": {"id": 9999},
}


def test_a_request_to_know_is_answered_with_a_whole_export(
    app: Services, merchant: int, shopify: int, tell: Tell
) -> None:
    stock(app, merchant, shopify)
    tell("customers/data_request", ASKED)
    tell("customers/data_request", ASKED, number="the same again")
    assert drain(app, merchant) == [("done", "")] * 2
    with tenant(app.engine, merchant) as connection:
        (request,) = privacy_requests.listed(connection)
        sealed = privacy_requests.document(connection, request.id)
    assert sealed is not None
    assert b"ani@" not in sealed
    document = privacy.kept(app, merchant, request.id)
    assert document is not None
    assert document["data"]["shop_order"][0]["external_id"] == "299938"
    assert document["customer"]["emails"] == ["ani@example.com"]
    assert (request.kind, request.outcome, request.store) == ("export", "ready", "Toko Senja")


def test_a_request_to_be_forgotten_is_carried_out(app: Services, merchant: int, shopify: int, tell: Tell) -> None:
    stock(app, merchant, shopify)
    tell("customers/data_request", ASKED, number="before")
    drain(app, merchant)
    told = {key: value for key, value in ASKED.items() if key != "orders_requested"} | {"orders_to_redact": [299938]}
    tell("customers/redact", told)
    assert drain(app, merchant) == [], "the deliveries that name her are gone as well"
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT external_id, email, name, net_minor FROM shop_order ORDER BY 1")).all()
        assert [tuple(row) for row in rows] == [
            ("2", "budi@example.com", "Budi", 10_000),
            ("299938", None, None, 10_000),
        ]
        assert connection.scalar(text("SELECT count(*) FROM customer WHERE email LIKE 'ani%'")) == 0
        assert connection.scalar(text("SELECT sum(orders) FROM customer_facts")) == 2
        requests = privacy_requests.listed(connection)
        assert [(one.kind, one.outcome, one.has_document) for one in requests] == [
            ("erase", "erased", False),
            ("export", "ready", False),
        ]


def test_a_request_about_somebody_unknown_is_answered_too(
    app: Services, merchant: int, shopify: int, tell: Tell
) -> None:
    stock(app, merchant, shopify)
    tell("customers/redact", {"shop_domain": SHOP, "customer": {"email": "nobody@example.com"}})
    tell("customers/data_request", {"customer": {"email": "nobody@example.com"}}, number="w-2")
    drain(app, merchant)
    with tenant(app.engine, merchant) as connection:
        assert {one.outcome for one in privacy_requests.listed(connection)} == {"nobody"}
        assert connection.scalar(text("SELECT count(*) FROM customer WHERE email IS NOT NULL")) == 2


def test_a_purge_deletes_the_store_and_whoever_was_nowhere_else(
    app: Services, merchant: int, shopify: int, store: int, tell: Tell, clock: Clock
) -> None:
    stock(app, merchant, shopify)
    stock(app, merchant, store, prefix="9", email="citra@example.com")
    clock.forward(hours=1)
    tell("app/uninstalled", {"id": 5}, Triggered_At=clock().isoformat())
    tell("shop/redact", {"shop_id": 1, "shop_domain": SHOP}, number="w-9", Triggered_At=clock().isoformat())
    drain(app, merchant)
    with tenant(app.engine, merchant) as connection:
        people = connection.scalars(text("SELECT email FROM customer ORDER BY email")).all()
        assert people == ["budi@example.com", "citra@example.com"], "Budi buys in the other shop too"
        orders = connection.execute(text("SELECT store_id, count(*) FROM shop_order GROUP BY 1")).all()
        assert [tuple(row) for row in orders] == [(store, 2)]
        assert connection.scalar(text("SELECT sum(orders) FROM customer_facts")) == 2
        assert connection.scalar(text("SELECT count(*) FROM order_line")) == 2
        left = connection.scalars(text("SELECT id FROM store")).all()
    assert left == [store]
    assert tell("shop/redact", {"shop_id": 1}, number="w-10").status_code == 200
