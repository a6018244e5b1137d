"""Reading the double: pages, searches, what hides and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from plugin_server.demo.shopify_shop.model import Customer, LineItem, Order
from tests.shopify_shop.conftest import NOW, Client

PAGE = """query Page($after: String, $query: String) {
  orders(first: 7, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor } nodes { id legacyResourceId updatedAt }
  }
}"""


def walk(shopify: Client, query: str | None = None) -> list[str]:
    """All orders that a walk over the pages sees."""
    seen: list[str] = []
    after = None
    while True:
        page = shopify.data(PAGE, after=after, query=query)["orders"]
        seen += [node["legacyResourceId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return seen
        after = page["pageInfo"]["endCursor"]


def test_a_walk_sees_every_order_once_in_the_order_of_change(shopify: Client) -> None:
    held = shopify.shop.orders.values()
    expected = [str(one.id) for one in sorted(held, key=lambda one: (one.updated_at, one.id))]
    assert walk(shopify) == expected


def test_an_order_changed_during_the_walk_comes_again_at_its_end(shopify: Client) -> None:
    first = min(shopify.shop.orders.values(), key=lambda one: (one.updated_at, one.id))

    def touch(_label: str, page: int) -> None:
        if page == 1:
            first.updated_at = NOW
            shopify.shop.save(first)

    shopify.faults.between_pages = touch
    seen = walk(shopify)
    assert seen[0] == seen[-1] == str(first.id)
    assert len(set(seen)) == len(shopify.shop.orders)


def test_search_is_closed_at_its_start_and_knows_ids_states_and_or(shopify: Client) -> None:
    orders = sorted(shopify.shop.orders.values(), key=lambda one: (one.updated_at, one.id))
    edge = orders[-3]
    since = f"updated_at:>='{edge.updated_at.isoformat()}'"
    assert walk(shopify, since) == [str(one.id) for one in orders if one.updated_at >= edge.updated_at]
    two = orders[0], orders[5]
    assert set(walk(shopify, f"id:{two[0].id} OR id:{two[1].id}")) == {str(one.id) for one in two}
    cancelled = {str(one.id) for one in orders if one.cancelled_at}
    assert set(walk(shopify, "status:cancelled")) == cancelled
    assert set(walk(shopify, "-status:cancelled")) == {str(one.id) for one in orders} - cancelled


def test_an_unknown_search_key_matches_everything_and_warns(shopify: Client) -> None:
    body = shopify.ask('{ customers(first: 250, query: "colour:blue") { nodes { id } } }')
    assert len(body["data"]["customers"]["nodes"]) == len(shopify.shop.customers)
    assert body["extensions"]["search"] == [
        {
            "path": ["customers"],
            "query": "colour:blue",
            "warnings": [
                {"field": "colour", "message": "Invalid search field for this query.", "code": "invalid_field"}
            ],
        }
    ]


def test_customers_are_found_by_the_whole_day_of_their_change(shopify: Client) -> None:
    shop = shopify.shop
    shop.save(Customer(shop.next_id("Customer"), "day@contoh.test", NOW, NOW - timedelta(hours=3)))
    ask = "query Q($q: String) { customers(first: 250, query: $q) { nodes { defaultEmailAddress { emailAddress } } } }"

    def found(query: str) -> set[str]:
        nodes = shopify.data(ask, q=query)["customers"]["nodes"]
        return {node["defaultEmailAddress"]["emailAddress"] for node in nodes}

    assert "day@contoh.test" in found(f"updated_at:>='{NOW.isoformat()}'")
    assert "day@contoh.test" not in found(f"updated_at:>'{(NOW - timedelta(hours=5)).isoformat()}'")


def test_money_ids_and_refunds_are_told_as_shopify_tells_them(shopify: Client) -> None:
    shop = shopify.shop
    line = LineItem(shop.next_id("LineItem"), "Kopi", None, None, None, 2, NOW and _amount("12.5"), _amount("1"))
    order = Order(shop.next_id("Order"), 9001, NOW, NOW, NOW, "a@b.test", lines=[line], shipping=_amount("3"))
    shop.save(order)
    told = shopify.data(
        """query Q($id: ID!) { order(id: $id) { legacyResourceId name
             totalPriceSet { shopMoney { amount currencyCode } } totalRefundedSet { shopMoney { amount } }
             lineItems(first: 5) { nodes { discountedTotalSet { shopMoney { amount } }
               priceAfterAllDiscountsBeforeTaxesSet { shopMoney { amount } } } } } }""",
        id=f"gid://shopify/Order/{order.id}",
    )["order"]
    assert told["legacyResourceId"] == str(order.id)
    assert told["totalPriceSet"]["shopMoney"] == {"amount": "27.0", "currencyCode": "IDR"}
    assert told["totalRefundedSet"]["shopMoney"]["amount"] == "0.0"
    node = told["lineItems"]["nodes"][0]
    assert node["discountedTotalSet"]["shopMoney"]["amount"] == "25.0"
    assert node["priceAfterAllDiscountsBeforeTaxesSet"]["shopMoney"]["amount"] == "24.0"


def _amount(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def test_orders_older_than_sixty_days_need_their_own_scope(shopify: Client) -> None:
    grants, shop = shopify.shop.grants, shopify.shop
    grants.scopes = grants.scopes - {"read_all_orders"}
    edge = NOW - timedelta(days=60)
    assert set(walk(shopify)) == {str(one.id) for one in shop.orders.values() if one.created_at >= edge}
    old = next(one for one in shop.orders.values() if one.created_at < edge)
    asked = shopify.data("query Q($id: ID!) { order(id: $id) { id } node(id: $id) { id } }", id=_gid(old))
    assert asked == {"order": None, "node": None}


def _gid(order: Order) -> str:
    return f"gid://shopify/Order/{order.id}"


def test_a_missing_scope_is_an_error_beside_the_rest(shopify: Client) -> None:
    shopify.shop.grants.scopes = frozenset({"read_customers"})
    body = shopify.ask("{ shop { name } orders(first: 1) { nodes { id } } }")
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert body["errors"][0]["message"] == (
        "Access denied for orders field. Required access: `read_orders` access scope."
    )


def test_personal_fields_are_null_without_approval(shopify: Client) -> None:
    shopify.shop.grants.protected = frozenset({1})
    body = shopify.data(
        "{ customers(first: 1) { nodes { id firstName displayName defaultEmailAddress { emailAddress } } } }"
    )
    node = body["customers"]["nodes"][0]
    assert (node["firstName"], node["displayName"], node["defaultEmailAddress"]) == (None, "", None)
    shopify.shop.grants.protected = frozenset()
    assert (
        "not approved to access the Customer object"
        in (shopify.ask("{ customers(first: 1) { nodes { id } } }")["errors"][0]["message"])
    )


def test_a_wrong_field_is_refused_in_shopifys_words(shopify: Client) -> None:
    error = shopify.ask("query Colours { orders(first: 1) { nodes { colour } } }")["errors"][0]
    assert error == {
        "message": "Field 'colour' doesn't exist on type 'Order'",
        "locations": [{"line": 1, "column": 44}],
        "path": ["query Colours", "orders", "nodes", "colour"],
        "extensions": {"code": "undefinedField", "typeName": "Order", "fieldName": "colour"},
    }


def test_points_run_out_and_come_back(shopify: Client) -> None:
    ask = "{ orders(first: 250) { nodes { lineItems(first: 50) { nodes { id } } } } }"
    cost = shopify.ask(ask)["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 2 + 11 * (1 + 2 + 7)
    throttled = {}
    for _ in range(200):
        throttled = shopify.ask(ask)
        if "errors" in throttled:
            break
    assert throttled["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert throttled["extensions"]["cost"]["actualQueryCost"] is None
    assert throttled["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] < cost["requestedQueryCost"]


def test_too_dear_a_query_and_too_long_a_list_are_refused_before_they_run(shopify: Client) -> None:
    deep = "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { product { id } variant { id } totalDiscountSet { shopMoney { amount } } originalTotalSet { shopMoney { amount } } discountedTotalSet { shopMoney { amount } } } } } } }"  # noqa: E501
    assert shopify.ask(deep)["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    many = shopify.ask("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["gid://shopify/Order/1"] * 251)
    assert many["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert many["errors"][0]["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
