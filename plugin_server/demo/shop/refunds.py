"""/orders/ID/refunds and the store-wide /refunds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask import Blueprint

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError
from plugin_server.demo.shop.listing import number_param, page_answer
from plugin_server.demo.shop.model import Order, Refund
from plugin_server.demo.shop.order_writing import OrderWriter
from plugin_server.demo.shop.orders import the_order
from plugin_server.demo.shop.routes import address_of, body, floor, query, rest

refunds = Blueprint("refunds", __name__)


@rest(refunds, "GET", "/orders/<int:id>/refunds", "view")
def list_refunds(id: int) -> Answer:
    """The refunds of one order; an unknown order simply has none."""
    here, asked = floor(), query()
    order = here.shop.orders.get(id)
    rows = sorted(order.refunds, key=lambda refund: -refund.id) if order else []
    places = number_param(asked, "dp", here.shop.decimals)

    def shown(refund: Refund) -> JsonObject:
        assert order is not None  # rows come from it  # noqa: S101
        return here.view.refund(order, refund, places)

    return page_answer(rows, shown, address_of(f"orders/{id}/refunds"), asked)


@rest(refunds, "GET", "/refunds", "view")
def list_all_refunds() -> Answer:
    """Every refund of the shop, newest first, with the id of its order."""
    here, asked = floor(), query()
    places = number_param(asked, "dp", here.shop.decimals)
    rows = [(order, refund) for order in here.shop.orders.values() if order.status != "trash"
            for refund in order.refunds]  # fmt: skip
    rows.sort(key=lambda row: -row[1].id)

    def shown(row: tuple[Order, Refund]) -> JsonObject:
        whole = here.view.refund(row[0], row[1], places)
        return {"id": whole.pop("id"), "parent_id": row[0].id, **whole}

    return page_answer(rows, shown, address_of("refunds"), asked, extra=[("dp", str(here.shop.decimals))])


@rest(refunds, "POST", "/orders/<int:id>/refunds", "create")
def create_refund(id: int) -> Answer:
    """Give money back: date_modified moves, a full refund makes the order refunded, order.updated is sent."""
    here, given, order = floor(), body(), the_order(id)
    amount = _amount(given.get("amount"))
    left = here.view.total(order) - sum((refund.amount for refund in order.refunds), Decimal(0))
    if amount <= 0 or amount > left:
        raise RestError(400, "woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.")
    now = here.shop.now()
    refund = Refund(
        here.shop.next_id(), now, amount, str(given.get("reason", "")), full=amount == left,
        shipping=_for_shipping(order, given.get("line_items")),
    )  # fmt: skip
    order.refunds.append(refund)
    order.modified = max(now, order.modified)
    if refund.full:
        OrderWriter(here.shop, here.view).set_status(order, "refunded")
    here.shop.save(order)
    here.shop.tell("order.updated", order.id)
    # The placeholder in the address is how the real thing answers.
    location = address_of("orders/(?P<order_id>[\\d]+)/refunds/") + str(refund.id)
    return Answer(here.view.refund(order, refund, here.shop.decimals), 201, {"Location": location})


@rest(refunds, "DELETE", "/orders/<int:id>/refunds/<int:refund_id>", "delete")
def delete_refund(id: int, refund_id: int) -> Answer:
    """Take a refund back: neither date_modified nor a webhook tells of it."""
    here, order = floor(), the_order(id)
    found = next((refund for refund in order.refunds if refund.id == refund_id), None)
    if found is None:
        raise RestError(404, "woocommerce_rest_invalid_id", "Invalid ID.")
    gone = here.view.refund(order, found, here.shop.decimals)
    order.refunds.remove(found)
    here.shop.save(order)
    return Answer(gone)


def _for_shipping(order: Order, lines: object) -> Decimal:
    """What the given lines give back for shipping; a line names what it is for by its id."""
    ids = {line.id for line in order.shipping_lines}
    asked = [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    return sum((_amount(line.get("refund_total")) for line in asked if line.get("id") in ids), Decimal(0))


def _amount(given: object) -> Decimal:
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)
