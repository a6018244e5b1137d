"""Whatever Shopify can refuse, by the list of its contract, is a sentence for the owner in each language."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLEnumType

from connectors.errors import ConnectorError
from connectors.http import Reply
from connectors.shopify import auth, bulk, code_batches, credit, failures, webhooks
from connectors.shopify.client import ShopifyClient
from connectors.shopify.reasons import REASONS
from connectors.types import CodeResult
from plugin_server.demo.shopify_shop.executor import load_schema
from plugin_server.locales import LANGUAGES
from plugin_server.locales.sentences import PATH, known, said
from plugin_server.shop_access import FINAL
from tests.conftest import shared
from tests.connectors.server import Answer
from tests.connectors.shopify.schema import real_schema
from tests.connectors.shopify.shop import NOW, Shop, a_client, refusal, running, throttled, top_error

Ask = Callable[[ShopifyClient], object]
OTHERS = sorted(set(LANGUAGES) - {"en"})


def read(client: ShopifyClient) -> object:
    return client.read("shop")


def write(client: ShopifyClient) -> object:
    return client.write("activity_delete", {"remoteId": "run-1"})


def errors(code: str, message: str = "No.", **more: Any) -> Answer:
    return Answer({"errors": [top_error(code, message, **more)]})


def rejected(code: str, message: str = "Nope") -> Answer:
    wrong = [{"field": ["input"], "message": message, "code": code}]
    return Answer({"data": {"marketingActivityDeleteExternal": {"userErrors": wrong}}})


SCOPE = {"requiredAccess": "`read_orders` access scope."}
PROTECTED = {"documentation": "https://shopify.dev/docs/apps/launch/protected-customer-data"}
SEARCH = {"search": [{"path": ["orders"], "warnings": [{"field": "x", "message": "Invalid search field."}]}]}
ANSWERS: dict[str, tuple[Answer, Ask, str]] = {
    "401": (Answer({"errors": "Invalid API key"}, 401), read, "bad_token"),
    "402": (Answer({"errors": "Unavailable Shop"}, 402), read, "shop_closed"),
    "403": (Answer({"errors": "Forbidden"}, 403), read, "forbidden"),
    "404": (Answer({"errors": "Not Found"}, 404), read, "wrong_shop"),
    "406": (Answer({}, 406), read, "bad_query"),
    "423": (Answer({"errors": "Locked"}, 423), read, "shop_closed"),
    "429": (Answer({}, 429), read, "throttled"),
    "430": (Answer({}, 430), read, "throttled"),
    "418": (Answer({"errors": "A teapot"}, 418), read, "refused"),
    "500": (Answer("", 500), read, "server_error"),
    "502 after a change": (Answer("", 502), write, "server_error"),
    "not JSON": (Answer(b"<html>"), read, "html"),
    "no data": (Answer({}), read, "shape"),
    "an empty change": (Answer({"data": {"marketingActivityDeleteExternal": None}}), write, "shape"),
    "THROTTLED": (throttled(), read, "throttled"),
    "MAX_COST_EXCEEDED": (errors("MAX_COST_EXCEEDED"), read, "max_cost"),
    "MAX_INPUT_SIZE_EXCEEDED": (errors("MAX_INPUT_SIZE_EXCEEDED"), write, "too_many"),
    "ACCESS_DENIED": (errors("ACCESS_DENIED", **SCOPE), read, "missing_scope"),
    "ACCESS_DENIED, unnamed": (errors("ACCESS_DENIED"), read, "missing_scope"),
    "protected data": (errors("ACCESS_DENIED", **PROTECTED), read, "protected_data"),
    "INTERNAL_SERVER_ERROR": (errors("INTERNAL_SERVER_ERROR"), write, "server_error"),
    "TIMEOUT": (errors("TIMEOUT"), read, "server_error"),
    "SHOP_INACTIVE": (errors("SHOP_INACTIVE"), read, "shop_closed"),
    "undefinedField": (errors("undefinedField"), read, "bad_query"),
    "BAD_REQUEST": (errors("BAD_REQUEST"), write, "bad_query"),
    "something new": (errors("SOMETHING_NEW"), write, "refused"),
    "a search warning": (Answer({"data": {}, "extensions": SEARCH}), read, "search_ignored"),
}


def in_every_language(sentence: str) -> None:
    """The sentence is one of ours, and each language says it in words of its own."""
    place = PATH.fullmatch(sentence)
    assert known(sentence) or (place and known(place[2])), sentence
    for language in OTHERS:
        assert said(sentence, language) not in {"", sentence}, (language, sentence)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_the_api_answers(name: str) -> None:
    answer, ask, code = ANSWERS[name]
    shop = Shop()
    shop.before = lambda call: answer
    with running(shop) as (_, server):
        found = refusal(lambda: ask(a_client(server)))
    assert found.code == code, found.sentence
    in_every_language(found.sentence)


def test_a_shop_that_never_answers() -> None:
    with running(Shop()) as (_, server):
        client = a_client(server)
    in_every_language(refusal(lambda: client.read("shop")).sentence)


@pytest.mark.parametrize("code", sorted({*REASONS, "OPERATION_IN_PROGRESS"}))
def test_what_a_change_is_refused_for(code: str) -> None:
    wrong = (failures.UserError(("input",), "Title can't be blank", code),)
    sentence = failures.Rejected(wrong, {}).sentence
    in_every_language(sentence)
    assert "Title can't be blank" in said(sentence, "id")
    if code in REASONS:
        assert REASONS[code] not in said(sentence, "id")
        assert REASONS[code] not in said(sentence, "nl")


def test_the_codes_are_shopifys_and_none_of_marketing_and_credit_is_left_out() -> None:
    schema = real_schema(shared("contracts", "shopify", "schema", "admin_2026-10.graphql.gz"))
    enums = {name: set(kind.values) for name, kind in schema.type_map.items() if isinstance(kind, GraphQLEnumType)}
    ours = {name: of for name, of in enums.items() if name.endswith(("UserErrorCode", "DiscountErrorCode"))}
    assert set(REASONS) - set().union(*ours.values()) == set()
    credits = enums["StoreCreditAccountCreditUserErrorCode"] | enums["StoreCreditAccountDebitUserErrorCode"]
    assert set(credit.SENTENCES) == credits
    unsaid = {code for code in enums["MarketingActivityUserErrorCode"] if code not in REASONS}
    # Of tactics, parents and deletions by another key, which are never sent.
    assert {code for code in unsaid if "TACTIC" not in code and "DELETE" not in code} == set()
    # What the trimmed schema knows is what the double can refuse with.
    for name in ("DiscountErrorCode", "MetafieldsSetUserErrorCode", "MarketingActivityUserErrorCode"):
        assert set(load_schema().type_map[name].values) <= enums[name]


@pytest.mark.parametrize("sentence", [*credit.SENTENCES.values(), *FINAL.values(), *auth.SENTENCES.values()])
def test_what_credit_and_access_are_refused_for(sentence: str) -> None:
    in_every_language(sentence)


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_the_token_endpoint_says(status: int) -> None:
    for error in (*auth.SENTENCES, "non_expiring_tokens_refused"):
        body = json.dumps({"error": error, "error_description": "No"}).encode()
        in_every_language(auth._refusal(Reply(status, {}, body)).sentence)


@pytest.mark.parametrize(
    "row",
    [
        {"status": "FAILED", "errorCode": "ACCESS_DENIED"},
        {"status": "FAILED", "errorCode": "INTERNAL_SERVER_ERROR"},
        {"status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": "https://storage.example/part"},
        {"status": "CANCELED"},
        {"status": "EXPIRED"},
        {"status": "COMPLETED", "url": None, "objectCount": "7"},
    ],
    ids=lambda row: f"{row['status']} {row.get('errorCode', '')}".strip(),
)
def test_how_a_bulk_operation_can_end(row: dict[str, Any]) -> None:
    with pytest.raises(bulk.BulkRefused) as caught:
        bulk._outcome(row, row["status"])
    in_every_language(caught.value.sentence)


@pytest.mark.parametrize("code", ["OPERATION_IN_PROGRESS", "LIMIT_REACHED", "INVALID"])
def test_why_a_bulk_operation_is_not_begun(code: str) -> None:
    wrong = [{"field": None, "message": "A bulk query operation is already running", "code": code}]
    shop = Shop()
    shop.answers["BulkRun"] = lambda v: {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": wrong}}
    with running(shop) as (_, server):
        client = a_client(server)
        found = refusal(lambda: next(iter(bulk.BulkReader(client, client.http).pages("orders_bulk", lambda row: []))))
    in_every_language(found.sentence)


def test_why_one_of_many_codes_is_not_made() -> None:
    with running(Shop()) as (shop, server):
        shop.answers["CodeOwner"] = lambda v: {"codeDiscountNodeByCode": None}
        batches = code_batches.CodeBatches(a_client(server))
        row = {"errors": [{"message": "Codes must be shorter", "code": None}]}
        told: list[CodeResult] = [batches._one("1", "LOY-1", row), batches._look_up("1", "LOY-1")]
    for one in told:
        in_every_language(one.error or "")


def test_a_delivery_that_cannot_be_read() -> None:
    """Each topic with a body that is no object, and with an empty one: what is refused stands on the shop's page."""
    refused = 0
    for topic in webhooks.TOPICS:
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "toko.myshopify.com", "X-Shopify-Webhook-Id": "w"}
        for body in (b"[]", b"{}", b"{"):
            try:
                webhooks.parse(headers, body, now=NOW)
            except ConnectorError as error:
                in_every_language(error.sentence)
                refused += 1
    assert refused > 2 * len(webhooks.TOPICS)
