"""Rungs, consent, store credit and the marketing page: what is written, once, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Store, StoreServices
from connectors.errors import ConnectorError
from connectors.marketing_types import MarketingActivity, MarketingDay
from connectors.shopify import ShopifyStore
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.consent import ConsentWriter
from connectors.shopify.credit import CreditBook
from connectors.shopify.marketing import MarketingPage
from connectors.shopify.rungs import RungWriter
from connectors.types import ConsentChange, CreditIntent
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import NOW, Call, Row, Shop, a_client, customer_row, page, running


def test_the_store_keeps_both_protocols() -> None:
    with running() as (_, server):
        made = ShopifyStore(a_client(server))
        store: Store = made
        services: StoreServices = made
    assert store is services


class Fields:
    """Metafields of a shop that knows customers 1 to 30 without 7, and writes all of a batch or none."""

    def __init__(self, shop: Shop) -> None:
        self.values: dict[tuple[str, str], str] = {}
        self.defined: list[Row] = []
        self.sizes: list[int] = []
        shop.answers |= {"RungDefinition": self.define, "RungsSet": self.set}

    def define(self, variables: Row) -> Row:
        taken = any(one["key"] == variables["definition"]["key"] for one in self.defined)
        self.defined.append(variables["definition"])
        errors = [{"field": ["definition", "key"], "message": "Key is in use", "code": "TAKEN"}] if taken else []
        return {"metafieldDefinitionCreate": {"createdDefinition": None, "userErrors": errors}}

    def set(self, variables: Row) -> Row:
        fields = variables["metafields"]
        self.sizes.append(len(fields))
        errors = [
            {"field": ["metafields", str(place), "ownerId"], "message": "Owner does not exist", "code": "INVALID"}
            for place, one in enumerate(fields) if one["ownerId"].endswith("/7")
        ]  # fmt: skip
        if not errors:
            self.values |= {(one["ownerId"].rpartition("/")[2], one["key"]): one["value"] for one in fields}
        return {"metafieldsSet": {"metafields": [], "userErrors": errors}}


def test_rungs_are_written_25_fields_at_a_time_and_one_bad_customer_spoils_nothing() -> None:
    rungs = {str(number): ("member", "Anggota") for number in range(1, 31)} | {"x": ("member", "Anggota")}
    with running() as (shop, server):
        fields = Fields(shop)
        writer = RungWriter(a_client(server))
        refused = writer.write(rungs).refused
        assert writer.write({"1": ("advocate", "Advokat")}).refused == {}
        RungWriter(a_client(server)).write({"2": ("advocate", "Advokat")})  # Another process: defined before.
    assert refused == {"x": "This is not a customer's number.", "7": "Owner does not exist"}
    assert max(fields.sizes) <= 25
    assert len(fields.defined) == 4
    assert fields.values["1", "rung"] == "advocate"
    assert fields.values["30", "rung_name"] == "Anggota"
    assert fields.defined[0]["namespace"] == "$app:loyalty"
    assert fields.defined[0]["access"] == {
        "admin": "MERCHANT_READ",
        "storefront": "PUBLIC_READ",
        "customerAccount": "READ",
    }


def test_rungs_whose_answer_was_lost_are_written_again() -> None:
    with running() as (shop, server):
        fields = Fields(shop)
        lost = [Answer({}, 502)]
        shop.before = lambda call: lost.pop() if call.name == "RungsSet" and lost else None
        assert RungWriter(a_client(server)).write({"1": ("member", "Anggota")}).refused == {}
    assert fields.values["1", "rung"] == "member"


CHANGE = ConsentChange("42", "c42@contoh.test", "unsubscribed", NOW - timedelta(hours=1))


def consent(change: ConsentChange, **mail: Any) -> tuple[dict[str, str], list[Row]]:
    """(what was refused, what was sent) where the shop knows the customer with ``mail``."""
    address = {**customer_row(42)["defaultEmailAddress"], "marketingUpdatedAt": "2026-02-03T04:05:06Z", **mail}
    with running() as (shop, server):
        shop.answers["CustomerAfresh"] = lambda v: {"customer": customer_row(42, defaultEmailAddress=address)}
        shop.answers["ConsentUpdate"] = lambda v: {"customerEmailMarketingConsentUpdate": {"userErrors": []}}
        client = a_client(server)
        refused = ConsentWriter(client, CatalogReader(client)).write([change])
    return refused, [
        call.variables["input"]["emailMarketingConsent"] for call in shop.calls if call.name == "ConsentUpdate"
    ]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        ({}, {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": "2026-11-22T06:00:00Z"}),
        ({"state": "pending"}, {"marketingState": "PENDING", "marketingOptInLevel": "CONFIRMED_OPT_IN",
                                "consentUpdatedAt": "2026-11-22T06:00:00Z"}),
        ({"at": NOW + timedelta(days=1)}, {"marketingState": "UNSUBSCRIBED",
                                           "consentUpdatedAt": "2026-11-22T07:00:00Z"}),
    ],
)  # fmt: skip
def test_consent_is_told_by_shopifys_rules(change: dict[str, Any], sent: Row) -> None:
    assert consent(replace(CHANGE, **change)) == ({}, [sent])


@pytest.mark.parametrize(("confirmed", "level"), [(True, "CONFIRMED_OPT_IN"), (False, "SINGLE_OPT_IN")])
def test_a_subscription_says_how_it_was_given(confirmed: bool, level: str) -> None:
    _, sent = consent(replace(CHANGE, state="subscribed", confirmed=confirmed), marketingState="UNSUBSCRIBED")
    assert sent[0]["marketingOptInLevel"] == level


def test_another_address_a_later_word_and_the_same_word_are_left_alone() -> None:
    refused, sent = consent(replace(CHANGE, email="old@contoh.test"))
    assert "another address" in refused["42"]
    assert sent == []
    assert consent(CHANGE, marketingUpdatedAt="2026-11-22T06:30:00Z") == ({}, [])
    assert consent(CHANGE, marketingState="UNSUBSCRIBED") == ({}, [])
    assert consent(replace(CHANGE, state="unknown"))[0]["42"].startswith("Shopify cannot be told")


class Ledger:
    """The store credit of customer 42. ``lose`` says whether the answer to a booking is lost, and whether it booked."""

    def __init__(self, shop: Shop) -> None:
        self.booked: list[Row] = []
        self.lose: list[bool] = []
        self.shop = shop
        shop.answers |= {"Credits": self.list, "Credit": self.credit}
        shop.before = self.lost

    def lost(self, call: Call) -> Answer | None:
        if call.name != "Credit" or not self.lose:
            return None
        if self.lose.pop(0):
            self.shop.answers[call.name](call.variables)
        return Answer(hang_up=True)

    def list(self, variables: Row) -> Row:
        account = {"id": "gid://shopify/StoreCreditAccount/1", "transactions": page(self.booked[::-1])}
        return {"customer": {"storeCreditAccounts": page([account])}}

    def credit(self, variables: Row) -> Row:
        given = variables["credit"]
        name = "StoreCreditAccountCreditTransaction"
        row = {
            "__typename": name,
            "id": f"gid://shopify/{name}/{len(self.booked) + 1}",
            "amount": given["creditAmount"],
            "createdAt": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expiresAt": given["expiresAt"],
        }
        self.booked.append(row)
        return {"storeCreditAccountCredit": {"storeCreditAccountTransaction": row, "userErrors": []}}


INTENT = CreditIntent("42", 1250, "EUR", NOW, datetime(2027, 11, 22, 7, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize("lose", [[], [True], [False], [True, True], [False, False, True]])
def test_credit_is_given_once_however_often_answers_are_lost(lose: list[bool]) -> None:
    with running() as (shop, server):
        ledger = Ledger(shop)
        ledger.lose = lose
        book = CreditBook(a_client(server))
        given = ""
        while not given:
            try:
                given = book.give(INTENT)
            except ConnectorError as error:
                if not error.ambiguous:
                    raise
        assert book.give(INTENT) == given
        other = book.give(replace(INTENT, expires_at=datetime(2027, 11, 22, 7, 0, 2, tzinfo=UTC)))
    assert other != given
    assert [row["amount"]["amount"] for row in ledger.booked] == ["12.50", "12.50"]


@pytest.mark.parametrize(
    ("code", "words"),
    [("CREDIT_LIMIT_EXCEEDED", "as much store credit"), ("UNSUPPORTED_CURRENCY", "currency"), ("NEW_ONE", "says no")],
)
def test_a_refused_credit_has_a_sentence(code: str, words: str) -> None:
    row = {"field": ["creditInput"], "message": "Shopify says no", "code": code}
    with running() as (shop, server):
        Ledger(shop)
        shop.answers["Credit"] = lambda v: {"storeCreditAccountCredit": {"userErrors": [row]}}
        with pytest.raises(ConnectorError, match=words):
            CreditBook(a_client(server)).give(INTENT)
        with pytest.raises(ConnectorError, match="expires"):
            CreditBook(a_client(server)).give(replace(INTENT, expires_at=None))
        shop.answers["Credits"] = lambda v: {"customer": None}
        with pytest.raises(ConnectorError, match="no longer knows"):
            CreditBook(a_client(server)).give(INTENT)


def test_a_campaign_is_shown_reported_and_taken_away() -> None:
    activity = MarketingActivity("run-17", "Lebaran", "https://tangga.example/campaigns/17", "tangga-17", NOW)
    gone = {"field": None, "message": "Marketing activity does not exist.", "code": "MARKETING_ACTIVITY_DOES_NOT_EXIST"}
    with running() as (shop, server):
        made = {"marketingActivity": {"id": "gid://shopify/MarketingActivity/9"}, "userErrors": []}
        shop.answers["ActivityUpsert"] = lambda v: {"marketingActivityUpsertExternal": made}
        shop.answers["Engagement"] = lambda v: {"marketingEngagementCreate": {"userErrors": []}}
        shop.answers["ActivityDelete"] = lambda v: {"marketingActivityDeleteExternal": {"userErrors": [gone]}}
        lost = [Answer({}, 502)]
        shop.before = lambda call: lost.pop() if lost else None
        shown = MarketingPage(a_client(server))
        assert shown.show(activity) == "9"
        shown.report(
            "run-17", [MarketingDay(date(2026, 11, 22), sends=120, orders=4, sales_minor=34000, currency="EUR")]
        )
        shown.hide("run-17")
        fixed = {"field": ["input"], "message": "UTM cannot change", "code": "IMMUTABLE_UTM_PARAMETERS"}
        shop.answers["ActivityUpsert"] = lambda v: {"marketingActivityUpsertExternal": {"userErrors": [fixed]}}
        with pytest.raises(ConnectorError, match="utm_campaign"):
            shown.show(replace(activity, utm_campaign="other"))
    sent = shop.calls[1].variables["input"]
    assert sent["utm"] == {"campaign": "tangga-17", "source": "tangga", "medium": "email"}
    assert (sent["status"], sent["start"], sent["remoteId"]) == ("ACTIVE", "2026-11-22T07:00:00Z", "run-17")
    told = shop.calls[2].variables["engagement"]
    assert (told["occurredOn"], told["sendsCount"], told["orders"]) == ("2026-11-22", 120, "4")
    assert told["sales"] == {"amount": "340.00", "currencyCode": "EUR"}
