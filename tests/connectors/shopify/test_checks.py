"""Each thing that can be wrong with a connection has a finding of its own, with its mend."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.shopify import connect
from connectors.shopify.checks import Connection, run_checks
from connectors.types import Check
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import NOW, TOKEN, Row, Shop, a_client, page, running, top_error
from tests.connectors.shopify.test_reads import SHOP

GRANTED = ["read_orders", "read_all_orders", "write_customers", "read_products", "write_discounts",
           "write_marketing_events", "write_app_proxy", "read_customer_merge",
           "write_store_credit_account_transactions"]  # fmt: skip


def healthy(made: Shop, *, without: str = "", **changes: Any) -> None:
    scopes = [{"handle": handle} for handle in GRANTED if handle != without]
    told: Row = {**SHOP, "currentAppInstallation": {"accessScopes": scopes}, **changes}
    made.answers |= {
        "Shop": lambda v: told,
        "PersonalData": lambda v: {"customers": page([])},
        "OldestOrder": lambda v: {"orders": {"nodes": [{"createdAt": "2026-09-24T00:00:00Z"}]}},
    }


def findings(shop: Shop, **changes: Any) -> list[Check]:
    with running(shop) as (_, server):
        return run_checks(Connection(a_client(server), allow_private=True))


def wrong(found: list[Check]) -> dict[str, str]:
    return {check.name: check.detail for check in found if not check.ok}


def test_a_healthy_shop_has_nothing_to_mend() -> None:
    shop = Shop()
    healthy(shop)
    found = findings(shop)
    assert wrong(found) == {}
    assert [check.name for check in found] == [
        "address", "token", "shop", "scopes", "personal data", "window", "version", "customer accounts",
        "store credit", "clock",
    ]  # fmt: skip


CLASSIC = {"shop": {**SHOP["shop"], "customerAccountsV2": {"customerAccountsVersion": "CLASSIC"}}}
OTHER = {"shop": {**SHOP["shop"], "myshopifyDomain": "other.myshopify.com"}}


def test_a_missing_right_is_named_and_a_token_of_another_shop_too() -> None:
    shop = Shop()
    healthy(shop, without="write_discounts")
    assert "lacks write_discounts" in wrong(findings(shop))["scopes"]
    healthy(shop, **OTHER)
    found = findings(shop)
    assert "belongs to other.myshopify.com" in wrong(found)["shop"]
    assert found[-1].name == "shop"


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        (
            {"without": "read_all_orders"},
            "window",
            "last 60 days, so older customers look new. The oldest that we see is",
        ),
        (CLASSIC, "customer accounts", "Settings → Customer accounts"),
        ({"storeCreditConfiguration": {"storeCreditEnabled": False}}, "store credit", "Store credit is off"),
        ({"without": "read_customer_merge"}, "scopes", "Merged customers are noticed late"),
    ],
)
def test_what_only_makes_the_shop_poorer_is_told_and_no_fault(changes: dict[str, Any], name: str, words: str) -> None:
    shop = Shop()
    healthy(shop, **changes)
    found = findings(shop)
    assert wrong(found) == {}
    assert words in " ".join(check.detail for check in found if check.name == name)


@pytest.mark.parametrize(
    ("answer", "name"),
    [(Answer({"errors": "[API] Invalid API key"}, 401), "token"), (Answer({"errors": "Not Found"}, 404), "shop"),
     (Answer({}, 402), "shop"), (Answer({}, 403), "token"), (Answer(b"<html>", 200), "connection")],
)  # fmt: skip
def test_a_shop_that_lets_us_in_no_further_ends_the_look(answer: Answer, name: str) -> None:
    shop = Shop()
    shop.before = lambda call: answer
    found = findings(shop)
    assert list(wrong(found)) == [name]
    assert found[-1].name == name


def test_hidden_personal_data_an_old_version_and_a_wrong_clock_are_found() -> None:
    shop = Shop()
    healthy(shop)
    message = "This app is not approved to use the firstName field. See .../protected-customer-data"
    row = top_error("ACCESS_DENIED", message, ["customers", "nodes", 0, "firstName"])
    late = (NOW + timedelta(minutes=20)).strftime("%a, %d %b %Y %H:%M:%S GMT")

    def answer(call: Any) -> Answer:
        errors = {"errors": [row]} if call.name == "PersonalData" else {}
        good = shop.good(shop.answers[call.name](call.variables), **errors)
        return Answer(good.body, 200, {"Date": late, "X-Shopify-API-Version": "2027-01"})

    shop.before = answer
    bad = wrong(findings(shop))
    assert sorted(bad) == ["clock", "personal data", "version"]
    assert "firstName" in bad["personal data"]
    assert "2027-01" in bad["version"]
    assert "20 minutes" in bad["clock"]


def test_a_private_address_is_named_before_anything_is_sent() -> None:
    with running() as (shop, server):
        store = connect("toko", lambda: TOKEN, origin=server.url, clock=lambda: NOW)
        assert list(wrong(store.checks())) == ["address"]
        store.close()
    assert shop.calls == []
