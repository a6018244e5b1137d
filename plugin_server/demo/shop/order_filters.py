"""Which orders a list shows, and in what order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from plugin_server.demo.shop.answers import invalid_param, not_one_of
from plugin_server.demo.shop.clock import query_moment
from plugin_server.demo.shop.listing import Page, Query, choice_param, flag_param, id_list, list_param
from plugin_server.demo.shop.model import ORDER_STATUSES, Order
from plugin_server.demo.shop.state import ShopState

_ORDERINGS = ("date", "id", "include", "title", "slug", "modified")
_STATUS_CHOICES = ("any", "trash", *ORDER_STATUSES)
_HIDDEN_FROM_ANY = {"trash", "auto-draft"}
Test = Callable[[Order], bool]


def wanted_statuses(query: Query, shop: ShopState) -> Callable[[str], bool]:
    """A test for the status: ``any`` swallows everything else in the list and never shows the trash."""
    asked = list_param(query, "status") or ["any"]
    for at, status in enumerate(asked):
        if status not in _STATUS_CHOICES:
            raise not_one_of("status", f"status[{at}]", _STATUS_CHOICES)
    if shop.legacy and asked == ["auto-draft"]:
        return lambda status: status != "trash"  # 10.0 with posts answers this one with everything
    if "any" in asked:
        return lambda status: status not in _HIDDEN_FROM_ANY
    return lambda status: status in asked


def _date_tests(query: Query, shop: ShopState) -> list[Test]:
    """The four date filters; all of them exclude the second they name."""
    gmt = flag_param(query, "dates_are_gmt")
    tests: list[Test] = []
    for name, attribute, later in (
        ("after", "created", True),
        ("before", "created", False),
        ("modified_after", "modified", True),
        ("modified_before", "modified", False),
    ):
        if query.get(name):
            limit = query_moment(name, query[name], dates_are_gmt=gmt, zone=shop.zone)
            tests.append(_date_test(attribute, limit, later=later))
    return tests


def _date_test(attribute: str, limit: datetime, *, later: bool) -> Test:
    if attribute == "created":
        return (lambda order: order.created > limit) if later else (lambda order: order.created < limit)
    return (lambda order: order.modified > limit) if later else (lambda order: order.modified < limit)


def _search(text: str) -> Test:
    needle = text.lower()

    def found(order: Order) -> bool:
        billing = order.billing
        names = f"{billing.get('first_name', '')} {billing.get('last_name', '')}"
        hay = f"{order.id} {names} {billing.get('email', '')} {billing.get('phone', '')}".lower()
        return needle in hay or any(needle in line.name.lower() for line in order.lines)

    return found


def _tests(query: Query, shop: ShopState) -> list[Test]:
    status = wanted_statuses(query, shop)
    tests: list[Test] = [lambda order: status(order.status), *_date_tests(query, shop)]
    if include := set(id_list(query, "include")):
        tests.append(lambda order: order.id in include)
    if exclude := set(id_list(query, "exclude")):
        tests.append(lambda order: order.id not in exclude)
    if query.get("customer"):
        if not query["customer"].isdigit():
            raise invalid_param(
                "customer", "customer is not of type integer.", "rest_invalid_type", {"param": "customer"}
            )  # fmt: skip
        customer = int(query["customer"])
        tests.append(lambda order: order.customer_id == customer)
    if query.get("product", "").isdigit():
        product = int(query["product"])
        tests.append(lambda order: any(product in (line.product_id, line.variation_id) for line in order.lines))
    if query.get("created_via"):
        via = list_param(query, "created_via")
        tests.append(lambda order: order.created_via in via)
    if query.get("search"):
        tests.append(_search(query["search"]))
    return tests


def matching(query: Query, shop: ShopState) -> list[Order]:
    """The orders of a list, filtered and sorted, all pages."""
    ordering = choice_param(query, "orderby", "date", _ORDERINGS)
    descending = choice_param(query, "order", "desc", ("asc", "desc")) == "desc"
    tests = _tests(query, shop)
    found = [order for order in shop.orders.values() if all(test(order) for test in tests)]
    if ordering == "include" and query.get("include"):
        place = {id: at for at, id in enumerate(id_list(query, "include"))}
        return sorted(found, key=lambda order: place[order.id])
    if ordering == "modified":
        tie = _loose_tie(query) if shop.legacy else (lambda order: order.id)
        return sorted(found, key=lambda order: (order.modified, tie(order)), reverse=descending)
    if ordering == "date":
        return sorted(found, key=lambda order: (order.created, order.id), reverse=descending)
    return sorted(found, key=lambda order: order.id, reverse=descending)


def _loose_tie(query: Query) -> Callable[[Order], int]:
    """Orders of the same second come in another order on every page, as a database without tie-break may give them."""
    start = Page(query).start

    def tie(order: Order) -> int:
        return int.from_bytes(hashlib.blake2b(f"{order.id} {start}".encode(), digest_size=6).digest(), "big")

    return tie
