"""Accidents to order: what arrives, and whether the shop acted."""

from __future__ import annotations

import pytest
import requests

from plugin_server.demo.shopify_shop.faults import (
    ActedThenBroken,
    Broken,
    Html,
    Lost,
    Partial,
    Throttle,
    Throttled,
)
from tests.shopify_shop.conftest import Client

TAG = 'mutation Tag($id: ID!) { tagsAdd(id: $id, tags: ["gold"]) { node { id } userErrors { message } } }'


def gid(shopify: Client) -> str:
    return f"gid://shopify/Customer/{next(iter(shopify.shop.customers))}"


def tags(shopify: Client) -> list[str]:
    return next(iter(shopify.shop.customers.values())).tags


def test_throttling_comes_as_429_and_as_an_error_with_200(shopify: Client) -> None:
    shopify.faults.once("Tag", Throttle(3))
    answer = shopify.post(TAG, {"id": gid(shopify)})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3.0")
    shopify.faults.once("tagsAdd", Throttled(40))
    body = shopify.ask(TAG, id=gid(shopify))
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 40
    assert tags(shopify) == []


@pytest.mark.parametrize(("fault", "acted"), [(Broken(502), False), (ActedThenBroken(502), True)])
def test_a_broken_gateway_says_nothing_about_what_happened(
    shopify: Client, fault: Broken | ActedThenBroken, acted: bool
) -> None:
    shopify.faults.once("Tag", fault)
    assert shopify.post(TAG, {"id": gid(shopify)}).status_code == 502
    assert (tags(shopify) == ["gold"]) is acted


def test_a_lost_answer_leaves_the_deed_done(shopify: Client) -> None:
    shopify.faults.once("Tag", Lost())
    with pytest.raises(requests.RequestException):
        shopify.post(TAG, {"id": gid(shopify)})
    assert tags(shopify) == ["gold"]


def test_html_and_partial_errors_come_with_200(shopify: Client) -> None:
    shopify.faults.once("customers", Html())
    assert shopify.post("{ customers(first: 1) { nodes { id } } }").headers["Content-Type"].startswith("text/html")
    shopify.faults.once("customers", Partial(("customers",)))
    body = shopify.ask("{ shop { id } customers(first: 1) { nodes { id } } }")
    assert body["data"]["customers"] is None
    assert body["data"]["shop"]["id"]
    assert body["errors"][0]["path"] == ["customers"]
