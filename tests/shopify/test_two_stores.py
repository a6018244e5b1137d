"""One business with a Shopify and a WooCommerce shop: one person, one ladder, and a code where they buy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.schema import Campaign, parse
from plugin_server.db.campaigning.audience import preview_audience
from plugin_server.db.ingest.contacts import ingest_contacts
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs import climb
from plugin_server.wiring import Services
from tests.data.making import NOW, account, order


@pytest.fixture
def woo(app: Services, merchant: int) -> int:
    with tenant(app.engine, merchant) as connection:
        return stores.add(
            connection, merchant_id=merchant, platform="woocommerce", name="Woo", url="https://toko.example"
        )


CAMPAIGN: Campaign = parse(
    {
        "key": "k",
        "trigger": {"kind": "once"},
        "audience": {"rungs": "all"},
        "offer": {"kind": "percentage", "value": "10"},
        "message": {"en": {"subject": "Hello", "html": "<p>{{ offer.code }}</p>"}},
        "guards": {"margin_floor": None},
        "measure": {"holdout": "0"},
    }
)


@pytest.fixture
def crowd(app: Services, merchant: int, shopify: int, woo: int) -> None:
    """Who bought where, oldest first: a Woo then Shopify, b the other way round, c nowhere but with an account."""
    yes: dict[str, Any] = {"consent": "subscribed", "consent_at": NOW - timedelta(days=9), "consent_source": "form"}
    of: dict[str, Any] = {"merchant_id": merchant, "now": NOW}

    def bought(number: str, email: str, days: int) -> Any:
        return order(number, email=email, placed_at=NOW - timedelta(days=days))

    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE merchant SET holdout_share = 0"))
        people = [account("1", "A@Example.com", **yes), account("2", "b@example.com", **yes)]
        ingest_customers(connection, store_id=shopify, customers=[*people, account("3", "c@example.com", **yes)], **of)
        ingest_customers(connection, store_id=woo, customers=[account("51", "a@example.com", **yes)], **of)
        ingest_contacts(connection, contacts=[account("", "d@example.com", **yes)], source="fair.csv", **of)
        ingest_orders(
            connection, store_id=woo, orders=[bought("w1", "a@example.com", 9), bought("w2", "b@example.com", 2)], **of
        )
        ingest_orders(
            connection,
            store_id=shopify,
            orders=[bought("1", "a@EXAMPLE.com", 3), bought("2", "b@example.com", 8)],
            **of,
        )
        climb.everybody(connection, merchant_id=merchant, now=NOW)


def chosen(app: Services, merchant: int) -> dict[str, int]:
    with tenant(app.engine, merchant) as connection:
        told = preview_audience(connection, merchant_id=merchant, campaign=CAMPAIGN, campaign_id=1, now=NOW)
    return {row["email"].lower(): row["store_id"] for row in told["sample"]}


@pytest.mark.usefixtures("crowd")
def test_each_gets_the_code_where_they_bought_last(app: Services, merchant: int, shopify: int, woo: int) -> None:
    first = min(shopify, woo)
    assert chosen(app, merchant) == {
        "a@example.com": shopify,
        "b@example.com": woo,
        "c@example.com": shopify,
        "d@example.com": first,
    }
    with tenant(app.engine, merchant) as connection:
        people = connection.execute(
            text("SELECT c.email_norm, f.orders, f.rung FROM customer c JOIN customer_facts f ON f.customer_id = c.id "
                 "WHERE c.merged_into IS NULL ORDER BY 1")
        ).all()  # fmt: skip
    assert [tuple(row)[:2] for row in people] == [
        ("a@example.com", 2), ("b@example.com", 2), ("c@example.com", 0), ("d@example.com", 0)
    ]  # fmt: skip
    assert people[0].rung == people[1].rung == "customer", "orders of both shops count together"


@pytest.mark.usefixtures("crowd")
def test_the_preview_names_the_shop_of_each_code_where_there_are_several(app: Services, merchant: int) -> None:
    def named() -> dict[str, str | None]:
        with tenant(app.engine, merchant) as connection:
            told = preview_audience(connection, merchant_id=merchant, campaign=CAMPAIGN, campaign_id=1, now=NOW)
        return {row["email"].lower(): row["store"] for row in told["sample"]}

    assert {key: named()[key] for key in ("a@example.com", "b@example.com")} == {
        "a@example.com": "Toko Senja",
        "b@example.com": "Woo",
    }


@pytest.mark.usefixtures("crowd")
def test_a_shop_that_takes_no_codes_is_passed_over(app: Services, merchant: int, shopify: int, woo: int) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE store SET state = 'broken' WHERE id = :id"), {"id": shopify})
    found = chosen(app, merchant)
    assert (found["a@example.com"], found["b@example.com"], found["d@example.com"]) == (woo, woo, woo)
