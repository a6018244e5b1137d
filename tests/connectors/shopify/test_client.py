"""The GraphQL client: what it waits for, what it repeats, and what every refusal of Shopify becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.shopify.client import ShopifyClient
from connectors.shopify.failures import Rejected, ShopifyRefusal
from connectors.shopify.pacing import LocalBucket
from tests.conftest import shared
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import NOW, Call, Shop, a_client, page, refusal, running, throttled, top_error

SHOP = {"shop": {"name": "Toko"}}


def scripted(shop: Shop, *answers: Answer) -> None:
    """The first answers of the shop; after them it answers as usual."""
    left = list(answers)
    shop.before = lambda call: left.pop(0) if left else None


def run_bulk(shop: Shop) -> None:
    shop.answers["BulkRun"] = lambda v: {
        "bulkOperationRunQuery": {"bulkOperation": {"id": "gid://shopify/BulkOperation/1"}, "userErrors": []}
    }


def test_a_throttled_query_waits_as_long_as_the_bucket_needs() -> None:
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        scripted(shop, throttled(available=100.0, requested=500.0, rate=100.0))
        slept: list[float] = []
        assert a_client(server, slept=slept).read("shop").data == SHOP
    # (500 - 100) / 100 a second, and a moment more so that not all workers come back at once.
    assert slept[0] == pytest.approx(4.25)
    assert shop.names() == ["Shop", "Shop"]


def test_a_429_without_a_time_is_waited_out_longer_each_time_and_not_for_ever() -> None:
    silent = Answer({"errors": "slow"}, 429)
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        scripted(shop, *[silent] * 5)
        slept: list[float] = []
        assert a_client(server, slept=slept).read("shop").data == SHOP
        assert slept == [1.25, 2.25, 4.25, 8.25, 16.25]
        shop.before = lambda call: silent
        error = refusal(lambda: a_client(server).read("shop"))
    assert (error.code, error.retry_after, error.assumed, shop.names()) == ("throttled", 60.0, True, ["Shop"] * 12)


def test_a_throttled_mutation_did_not_run_and_is_sent_again() -> None:
    with running() as (shop, server):
        run_bulk(shop)
        scripted(shop, throttled(), Answer({"errors": "slow"}, 429, {"Retry-After": "2.0"}), Answer({}, 430))
        slept: list[float] = []
        assert a_client(server, slept=slept).write("bulk_run", {"query": "{}"})["bulkOperation"]
    assert shop.names() == ["BulkRun"] * 4
    assert 2.25 in slept


@pytest.mark.parametrize(
    "answer", [Answer({}, 502), Answer(hang_up=True), Answer(b'{"data": {', 200), Answer({}, cut=9)]
)
def test_a_mutation_whose_answer_is_lost_is_ambiguous_and_never_repeated(answer: Answer) -> None:
    with running() as (shop, server):
        run_bulk(shop)
        scripted(shop, answer)
        error = refusal(lambda: a_client(server).write("bulk_run", {"query": "{}"}))
    assert error.ambiguous
    assert not error.permanent
    assert shop.names() == ["BulkRun"]


@pytest.mark.parametrize("answer", [Answer({}, 502), Answer(hang_up=True), Answer(b'{"data": {', 200)])
def test_a_query_whose_answer_is_lost_is_asked_again(answer: Answer) -> None:
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        scripted(shop, answer, answer)
        assert a_client(server).read("shop").data == SHOP
    assert shop.names() == ["Shop"] * 3


def test_a_query_is_given_up_after_some_tries_and_nothing_of_it_is_ambiguous() -> None:
    with running() as (shop, server):
        shop.before = lambda call: Answer({}, 503)
        error = refusal(lambda: a_client(server).read("shop"))
    assert (error.code, error.ambiguous, error.permanent) == ("server_error", False, False)
    assert len(shop.calls) == 4


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "bad_token"), (402, "shop_closed"), (403, "forbidden"), (404, "wrong_shop"), (423, "shop_locked")],
)
def test_each_status_has_its_own_sentence(status: int, code: str) -> None:
    with running() as (shop, server):
        shop.before = lambda call: Answer({"errors": "[API] no"}, status)
        error = refusal(lambda: a_client(server).read("shop"))
    assert error.code == code.replace("shop_locked", "shop_closed")
    assert error.permanent
    assert error.sentence[0].isupper()
    assert error.sentence.endswith(".")


def test_a_token_that_was_refreshed_meanwhile_is_used_at_once() -> None:
    tokens = iter(["shpat_old", "shpat_test", "shpat_test"])
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        client = ShopifyClient(
            "toko.myshopify.com", lambda: next(tokens), origin=server.url, http=Http(allow_private=True),
            clock=lambda: NOW,
        )  # fmt: skip
        assert client.read("shop").data == SHOP
    assert [asked.headers["X-Shopify-Access-Token"] for asked in server.asked] == ["shpat_old", "shpat_test"]


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (top_error("ACCESS_DENIED", "Access denied for orders field.", requiredAccess="`read_orders` access scope."),
         "missing_scope", "read_orders"),
        (top_error("ACCESS_DENIED", "This app is not approved to access the Customer object. See https://shopify.dev/"
         "docs/apps/launch/protected-customer-data"), "protected_data", "Protected customer data"),
        (top_error("MAX_COST_EXCEEDED", "Query cost is 1234"), "max_cost", "1234"),
        (top_error("MAX_INPUT_SIZE_EXCEEDED", "The input array size of 251"), "too_many", "251"),
        (top_error("INTERNAL_SERVER_ERROR", "Internal error."), "server_error", "again"),
        (top_error("undefinedField", "Field 'x' doesn't exist on type 'Shop'"), "bad_query", "Update"),
        (top_error("SHOP_INACTIVE", "inactive"), "shop_closed", "Open"),
        ("an error that is a string", "refused", "an error that is a string"),
    ],
)  # fmt: skip
def test_top_level_errors_become_our_words(row: Any, code: str, words: str) -> None:
    with running() as (shop, server):
        shop.before = lambda call: shop.good(None, errors=[row] if isinstance(row, dict) else row)
        error = refusal(lambda: a_client(server).read("shop"))
    assert error.code == code
    assert words in error.sentence


@pytest.mark.parametrize(
    ("name", "code"),
    [("access_denied", "missing_scope"), ("max_cost_exceeded", "max_cost"), ("401", "bad_token"),
     ("max_input_size_exceeded_REAL", "too_many"), ("throttled", "throttled")],
)  # fmt: skip
def test_recorded_refusals_are_understood(name: str, code: str) -> None:
    told = json.loads(shared("contracts", "shopify", "payloads", f"graphql_{name}.json").read_bytes())
    with running() as (shop, server):
        shop.before = lambda call: Answer(told["body"], told.get("_http_status", 200))
        assert refusal(lambda: a_client(server).read("shop")).code == code


def test_the_missing_scope_is_named() -> None:
    row = top_error("ACCESS_DENIED", "Access denied for discountNodes field. Required access: `read_discounts` scope.")
    with running() as (shop, server):
        shop.before = lambda call: shop.good({"discountNodes": None}, errors=[row])
        error = refusal(lambda: a_client(server).read("shop"))
    assert isinstance(error, ShopifyRefusal)
    assert error.scope == "read_discounts"


def test_a_search_condition_that_shopify_ignored_is_an_error() -> None:
    with running() as (shop, server):
        shop.answers["OrderIds"] = lambda v: {"orders": page([])}
        warning = {"field": "updatd_at", "message": "Invalid search field for this query."}
        shop.extensions = {"search": [{"path": ["orders"], "warnings": [warning]}]}
        error = refusal(lambda: list(a_client(server).pages("order_ids", "orders", {"first": 10})))
    assert (error.code, error.permanent) == ("search_ignored", True)
    assert "Invalid search field" in error.sentence


def test_data_with_an_error_beside_it_is_not_taken_for_whole() -> None:
    with running() as (shop, server):
        row = top_error("INTERNAL_SERVER_ERROR", "oops", ["orders", "nodes", 0, "refunds"])
        shop.before = lambda call: shop.good({"orders": page([{"id": "gid://shopify/Order/1"}])}, errors=[row])
        assert refusal(lambda: a_client(server).read("order_ids", {"first": 10})).code == "server_error"


def test_hidden_personal_data_leaves_the_rest_standing() -> None:
    message = "This app is not approved to use the email field. See https://shopify.dev/docs/protected-customer-data"
    row = top_error("ACCESS_DENIED", message, ["orders", "nodes", 0, "email"])
    with running() as (shop, server):
        shop.before = lambda call: shop.good({"orders": page([])}, errors=[row])
        answer = a_client(server).read("order_ids", {"first": 10})
    assert answer.hidden == {"email"}


def test_user_errors_are_a_refusal_of_their_own() -> None:
    row = {"field": ["query"], "message": "Invalid bulk query: Unexpected end", "code": "INVALID"}
    with running() as (shop, server):
        shop.answers["BulkRun"] = lambda v: {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [row]}}
        with pytest.raises(Rejected) as caught:
            a_client(server).write("bulk_run", {"query": "{"})
    assert caught.value.errors[0].field == ("query",)
    assert (caught.value.reason, caught.value.ambiguous, caught.value.permanent) == ("INVALID", False, True)


def test_a_page_that_is_too_dear_is_halved_until_it_passes() -> None:
    def dear(call: Call) -> Answer | None:
        if call.variables["first"] <= 60:
            return None
        return Answer({"errors": [top_error("MAX_COST_EXCEEDED", "Query cost is 1200")]})

    with running() as (shop, server):
        shop.before = dear
        shop.answers["OrderIds"] = lambda v: {"orders": page([v["first"]], None if v["after"] else "c1")}
        read = [nodes for nodes, _ in a_client(server).pages("order_ids", "orders", {"first": 200})]
    assert read == [[50], [50]]


def test_a_cursor_that_does_not_move_on_is_noticed() -> None:
    with running() as (shop, server):
        shop.answers["OrderIds"] = lambda v: {"orders": page([], "same")}
        error = refusal(lambda: list(a_client(server).pages("order_ids", "orders", {"first": 10})))
    assert error.code == "no_paging"


def test_the_bucket_is_asked_first_and_told_afterwards() -> None:
    time = [0.0]
    bucket = LocalBucket(monotonic=lambda: time[0])
    assert bucket.take(600) == 0.0  # Nothing is known yet.
    bucket.learn(available=400.0, maximum=2000.0, restore_rate=100.0, reserved=600)
    assert bucket.take(300) == 0.0
    assert bucket.take(300) == pytest.approx(2.0)  # 100 left: 200 points at 100 a second.
    time[0] = 2.0
    assert bucket.take(300) == 0.0
    assert bucket.take(9000) == pytest.approx(20.0)  # Dearer than the bucket: when all of it is there.
    time[0] = 60.0  # Two answers never came; what they had reserved is long refilled.
    assert bucket.take(2000) == 0.0


def test_one_connection_serves_many_queries_and_a_slow_shop_does_not_hold_us() -> None:
    with running() as (shop, server):
        shop.answers["Shop"] = lambda v: SHOP
        client = a_client(server, read=0.2)
        for _ in range(5):
            client.read("shop")
        assert server.connections == 1
        shop.before = lambda call: Answer(SHOP, drip=0.3)
        with pytest.raises(ConnectorError):
            client.write("bulk_run", {"query": "{}"})
