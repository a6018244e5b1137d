"""Bulk operations: their states, their rows in no order, and their file."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from tests.shopify_shop.conftest import Client

ORDERS = """{ orders { edges { node { id updatedAt email customer { id }
  totalPriceSet { shopMoney { amount currencyCode } }
  lineItems { edges { node { id quantity product { id } } } } } } } }"""
RUN = """mutation Run($query: String!, $group: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $group) {
    bulkOperation { id status } userErrors { field message code } } }"""
STATUS = """query Status($id: ID!) { bulkOperation(id: $id) {
  status errorCode objectCount rootObjectCount fileSize url partialDataUrl } }"""


def start(shopify: Client, query: str = ORDERS, *, grouped: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = shopify.data(RUN, query=query, group=grouped)["bulkOperationRunQuery"]
    return found


def finished(shopify: Client, id: str) -> dict[str, Any]:
    for _ in range(400):
        told: dict[str, Any] = shopify.data(STATUS, id=id)["bulkOperation"]
        if told["status"] not in {"CREATED", "RUNNING", "CANCELING"}:
            return told
        time.sleep(0.02)
    raise AssertionError("the operation never ended")


def rows(url: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in requests.get(url, timeout=10).text.splitlines()]


def test_a_bulk_query_gives_every_order_and_line_with_children_anywhere(shopify: Client) -> None:
    begun = start(shopify)
    assert begun["userErrors"] == []
    told = finished(shopify, begun["bulkOperation"]["id"])
    assert told["status"] == "COMPLETED"
    held = shopify.shop.orders.values()
    found = rows(told["url"])
    parents = {row["id"]: row for row in found if "__parentId" not in row}
    children = [row for row in found if "__parentId" in row]
    assert (told["objectCount"], told["rootObjectCount"]) == (str(len(found)), str(len(held)))
    assert {f"gid://shopify/Order/{one.id}" for one in held} == set(parents)
    assert {row["id"] for row in children} == {
        f"gid://shopify/LineItem/{line.id}" for one in held for line in one.lines
    }
    assert found[0].get("__parentId") is not None  # a child before its parent: nobody may rely on the order
    paged = shopify.data(
        "{ orders(first: 1) { nodes { id updatedAt email customer { id } "
        "totalPriceSet { shopMoney { amount currencyCode } } } } }"
    )
    node = paged["orders"]["nodes"][0]
    assert parents[node["id"]] == node


def test_grouped_children_follow_their_parent(shopify: Client) -> None:
    told = finished(shopify, start(shopify, grouped=True)["bulkOperation"]["id"])
    parent, children = "", 0
    for row in rows(told["url"]):
        children += "__parentId" in row
        parent = row["id"] if "__parentId" not in row else parent
        assert row.get("__parentId", parent) == parent
    assert children


def test_an_empty_result_has_no_file(shopify: Client) -> None:
    query = '{ orders(query: "id:1") { edges { node { id } } } }'
    told = finished(shopify, start(shopify, query)["bulkOperation"]["id"])
    assert (told["status"], told["url"], told["objectCount"]) == ("COMPLETED", None, "0")


def test_the_sixth_operation_is_refused_and_cancelling_makes_room(shopify: Client) -> None:
    bulks = shopify.shop.bulk_runner
    bulks.held = True
    running = [start(shopify)["bulkOperation"]["id"] for _ in range(5)]
    error = start(shopify)["userErrors"][0]
    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert error["message"] == (
        f"A bulk query operation for this app and shop is already in progress: {', '.join(running)}."
    )
    cancel = "mutation C($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    assert shopify.data(cancel, id=running[0])["bulkOperationCancel"]["bulkOperation"]["status"] == "CANCELING"
    bulks.release()
    assert finished(shopify, running[0])["status"] == "CANCELED"
    assert finished(shopify, running[4])["status"] == "COMPLETED"


def test_a_failure_leaves_partial_data(shopify: Client) -> None:
    shopify.shop.bulk_runner.fail_after = 3
    told = finished(shopify, start(shopify, grouped=True)["bulkOperation"]["id"])
    assert (told["status"], told["errorCode"], told["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert sum("__parentId" not in row for row in rows(told["partialDataUrl"])) == 3


def test_a_scope_that_is_missing_fails_the_operation(shopify: Client) -> None:
    shopify.shop.grants.scopes = frozenset({"read_orders"})
    told = finished(shopify, start(shopify)["bulkOperation"]["id"])
    assert (told["status"], told["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_the_file_wants_its_signature_and_no_token(shopify: Client) -> None:
    url = finished(shopify, start(shopify)["bulkOperation"]["id"])["url"]
    assert requests.get(url.partition("?")[0], timeout=10).status_code == 403
    assert requests.get(url, headers={"X-Shopify-Access-Token": "shpat_demo"}, timeout=10).status_code == 400


def test_a_file_goes_on_where_it_broke_off(shopify: Client) -> None:
    url = finished(shopify, start(shopify)["bulkOperation"]["id"])["url"]
    whole = requests.get(url, timeout=10).content
    rest = requests.get(url, headers={"Range": "bytes=100-"}, timeout=10)
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert requests.get(url, headers={"Range": f"bytes={len(whole)}-"}, timeout=10).status_code == 416


def test_a_file_is_multiplied_with_fresh_ids(shopify: Client) -> None:
    wanted = shopify.shop.bulk_runner.multiplied = 3 * len(shopify.shop.orders) + 1
    told = finished(shopify, start(shopify)["bulkOperation"]["id"])
    data = requests.get(told["url"], timeout=10).content
    found = [json.loads(line) for line in data.splitlines()]
    assert (told["fileSize"], told["objectCount"]) == (str(len(data)), str(len(found)))
    assert told["rootObjectCount"] == str(wanted)
    assert len({row["id"] for row in found}) == len(found)
    parents = {row["id"] for row in found if "__parentId" not in row}
    assert len(parents) == wanted
    assert {row["__parentId"] for row in found if "__parentId" in row} <= parents
