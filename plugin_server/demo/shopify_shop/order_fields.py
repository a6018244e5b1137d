"""Orders, their lines and refunds, and checkouts left behind, as the schema shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from plugin_server.demo.shopify_shop.connections import Rows, listed
from plugin_server.demo.shopify_shop.fields import Context, bag, field_of, fields, money
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.lists import Catalogue, connection, found
from plugin_server.demo.shopify_shop.metafield_fields import hung_on
from plugin_server.demo.shopify_shop.model import NOTHING, Checkout, LineItem, Order, Refund, RefundLine
from plugin_server.demo.shopify_shop.search import Searchable

_STATES = {
    "PAID": "paid", "PENDING": "pending", "REFUNDED": "refunded", "PARTIALLY_REFUNDED": "partially_refunded",
    "VOIDED": "voided", "AUTHORIZED": "authorized", "PARTIALLY_PAID": "partially_paid", "EXPIRED": "expired",
}  # fmt: skip


def _status(order: Order) -> list[str]:
    if order.cancelled_at:
        return ["cancelled", "any"]
    return ["closed", "any", "not_closed"] if order.closed_at else ["open", "any", "not_closed"]


def _seen(order: Order, context: Context) -> bool:
    return context.hidden_before is None or order.created_at >= context.hidden_before


ORDERS = Catalogue(
    "orders",
    lambda shop: shop.orders.values(),
    lambda _shop: {
        "id": Searchable("number", lambda order: order.id),
        "name": Searchable("text", lambda order: f"#{order.number}"),
        "email": Searchable("text", lambda order: order.email),
        "created_at": Searchable("time", lambda order: order.created_at),
        "updated_at": Searchable("time", lambda order: order.updated_at),
        "processed_at": Searchable("time", lambda order: order.processed_at),
        "customer_id": Searchable("number", lambda order: order.customer_id),
        "financial_status": Searchable("states", lambda order: [_STATES.get(order.financial, order.financial)]),
        "fulfillment_status": Searchable("states", lambda order: [_shipped(order.fulfillment), order.fulfillment]),
        "status": Searchable("states", _status),
        "test": Searchable("flag", lambda order: order.test),
        "tag": Searchable("words", lambda order: order.tags),
        "source_name": Searchable("text", lambda order: order.source),
        # Only the first code of an order can be searched for, as in the real thing.
        "discount_code": Searchable("text", lambda order: order.codes[0] if order.codes else None),
    },
    {
        "ID": lambda order: order.id,
        "CREATED_AT": lambda order: order.created_at,
        "UPDATED_AT": lambda order: order.updated_at,
        "PROCESSED_AT": lambda order: order.processed_at,
        "ORDER_NUMBER": lambda order: order.number,
        "TOTAL_PRICE": lambda order: order.total,
    },
    _seen,
)

CHECKOUTS = Catalogue(
    "abandonedCheckouts",
    lambda shop: shop.checkouts.values(),
    lambda _shop: {
        "id": Searchable("number", lambda checkout: checkout.id),
        "created_at": Searchable("time", lambda checkout: checkout.created_at),
        "updated_at": Searchable("time", lambda checkout: checkout.updated_at),
        "status": Searchable("states", lambda checkout: ["closed" if checkout.completed_at else "open"]),
        "recovery_state": Searchable(
            "states", lambda checkout: ["recovered" if checkout.completed_at else "not_recovered"]
        ),
    },
    {"ID": lambda checkout: checkout.id, "CREATED_AT": lambda checkout: checkout.created_at},
)


def _shipped(fulfillment: str) -> str:
    return {"FULFILLED": "shipped", "UNFULFILLED": "unshipped"}.get(fulfillment, "partial")


def _bag(order: Order, context: Context, amount: Decimal) -> dict[str, Any]:
    return bag(context, amount, order.currency)


def order_by_gid(context: Context, id: str) -> Order | None:
    """The order with that global id, None where it is gone or too old for the app to see."""
    order = context.shop.orders.get(number(id, "Order") or 0)
    return order if order is not None and _seen(order, context) else None


fields(
    "QueryRoot",
    {
        "orders": lambda _root, context, **args: connection(ORDERS, context, **args),
        "order": lambda _root, context, id: order_by_gid(context, id),
        "refund": lambda _root, context, id: _refund(context, id),
        "ordersCount": lambda _root, context, query=None, limit=10_000: counted(
            len(found(ORDERS, context, query)), limit
        ),
        "abandonedCheckouts": lambda _root, context, **args: connection(CHECKOUTS, context, **args),
    },
)


def counted(count: int, limit: int | None) -> dict[str, Any]:
    """A Count; beyond ``limit`` it is AT_LEAST."""
    if limit is not None and count > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": count, "precision": "EXACT"}


def _refund(context: Context, id: str) -> Refund | None:
    wanted = number(id, "Refund")
    orders = context.shop.orders.values()
    return next((one for order in orders for one in order.refunds if one.id == wanted and _seen(order, context)), None)


def _current_goods(order: Order) -> Decimal:
    """The lines after returns; nothing of a cancelled order stands."""
    if order.cancelled_at:
        return NOTHING
    return order.goods - sum((line.subtotal for refund in order.refunds for line in refund.lines), NOTHING)


def _current_total(order: Order) -> Decimal:
    """The total after returns. Mere sums given back do not change what was sold: they only show as refunded."""
    if order.cancelled_at:
        return NOTHING
    return _current_goods(order) + order.shipping - order.shipping_refunded + order.tax


fields(
    "Fulfillment",
    {
        "id": lambda order, _: gid("Fulfillment", order.id),
        "status": lambda _order, _: "SUCCESS",
        "displayStatus": lambda order, _: order.tracking,
        "createdAt": lambda order, _: order.sent_at or order.closed_at or order.updated_at,
        "deliveredAt": lambda order, _: order.arrived_at,
    },
)
"""The one parcel of an order; no carrier tracks it unless ``tracking`` says so."""

fields(
    "Order",
    {
        "fulfillments": lambda order, _, **_args: [order] if order.fulfillment == "FULFILLED" else [],
        "id": lambda order, _: gid("Order", order.id),
        "legacyResourceId": lambda order, _: order.id,
        "name": lambda order, _: f"#{order.number}",
        "displayFinancialStatus": lambda order, _: order.financial,
        "displayFulfillmentStatus": lambda order, _: order.fulfillment,
        "currencyCode": lambda order, context: order.currency or context.shop.currency,
        "presentmentCurrencyCode": lambda order, context: order.currency or context.shop.currency,
        "customerLocale": lambda order, _: order.locale,
        "customer": lambda order, context: context.shop.customers.get(order.customer_id or 0),
        "totalPriceSet": lambda order, context: _bag(order, context, order.total),
        "originalTotalPriceSet": lambda order, context: _bag(order, context, order.total),
        "currentTotalPriceSet": lambda order, context: _bag(order, context, _current_total(order)),
        "subtotalPriceSet": lambda order, context: _bag(order, context, order.goods),
        "currentSubtotalPriceSet": lambda order, context: _bag(order, context, _current_goods(order)),
        "totalDiscountsSet": lambda order, context: _bag(order, context, order.discounts),
        "totalShippingPriceSet": lambda order, context: _bag(order, context, order.shipping),
        "totalTaxSet": lambda order, context: _bag(order, context, order.tax),
        "currentTotalTaxSet": lambda order, context: _bag(order, context, order.tax),
        "totalRefundedSet": lambda order, context: _bag(order, context, order.refunded),
        "totalRefundedShippingSet": lambda order, context: _bag(order, context, order.shipping_refunded),
        "refundDiscrepancySet": lambda order, context: _bag(
            order, context, -sum((refund.adjustment for refund in order.refunds), NOTHING)
        ),
        "totalReceivedSet": lambda order, context: _bag(order, context, order.paid),
        "disputes": lambda order, _: [order] if order.dispute else [],
        "netPaymentSet": lambda order, context: _bag(order, context, order.paid - order.refunded),
        "discountCodes": lambda order, _: order.codes,
        "discountCode": lambda order, _: order.codes[0] if order.codes else None,
        "sourceName": lambda order, _: order.source,
        "app": lambda order, _: {"id": gid("App", 580_111), "name": "Online Store"} if order.source == "web" else None,
        "publication": lambda order, _: {"id": gid("Publication", 1)} if order.source == "web" else None,
        "attribution": lambda _order, _: {"handle": "online_store", "displayName": "Online Store"},
        "billingAddress": lambda order, _: order.address,
        "shippingAddress": lambda order, _: order.address,
        "closed": lambda order, _: order.closed_at is not None,
        "customerAcceptsMarketing": lambda order, _: order.accepts_marketing,
        **hung_on("Order"),
        "confirmed": lambda _order, _: True,
        "edited": lambda _order, _: False,
        "fullyPaid": lambda order, _: order.financial == "PAID",
        "unpaid": lambda order, _: order.financial in {"PENDING", "VOIDED"},
        "customAttributes": lambda order, _: [{"key": key, "value": value} for key, value in order.attributes.items()],
        "lineItems": lambda order, context, **args: listed(order.lines, args, bulk=context.bulk),
        "refunds": lambda order, _, first=None: order.refunds[:first],
        "paymentGatewayNames": lambda _order, _: ["manual"],
        "checkoutToken": lambda order, _: order.token or None,
    },
)


fields(
    "OrderDisputeSummary",
    {
        "id": lambda order, _: gid("OrderDisputeSummary", order.id),
        "initiatedAs": lambda _order, _: "CHARGEBACK",
        "status": lambda order, _: order.dispute,
    },
)


@field_of("Order", "customerJourneySummary")
def _journey(order: Order, _: Context) -> dict[str, Any] | None:
    if order.source != "web":
        return None
    visit = None
    if order.landing_page or order.utm:
        utm = {name: order.utm.get(name) for name in ("source", "medium", "campaign", "content", "term")}
        visit = {"landingPage": order.landing_page, "utmParameters": utm if order.utm else None, "referralCode": None}
    return {"ready": True, "lastVisit": visit, "firstVisit": visit}


fields(
    "LineItem",
    {
        "id": lambda line, _: gid("LineItem", line.id),
        "name": lambda line, _: f"{line.title} - {line.variant_title}" if line.variant_title else line.title,
        "currentQuantity": lambda line, _: line.quantity - line.removed,
        "isGiftCard": lambda _line, _: False,
        "vendor": lambda _line, context: context.shop.name,
        "product": lambda line, context: context.shop.products.get(line.product_id or 0),
        "variant": lambda line, context: context.shop.variants.get(line.variant_id or 0),
        "originalUnitPriceSet": lambda line, context: bag(context, line.unit_price),
        "originalTotalSet": lambda line, context: bag(context, line.unit_price * line.quantity),
        "discountedTotalSet": lambda line, context, withCodeDiscounts=False: bag(
            context, line.discounted if withCodeDiscounts else line.unit_price * line.quantity
        ),
        "totalDiscountSet": lambda line, context: bag(context, line.discount),
        "priceAfterAllDiscountsBeforeTaxesSet": lambda line, context: bag(context, line.discounted),
        "customAttributes": lambda _line, _: [],
    },
)


def _line(context: Context, refund_line: RefundLine) -> LineItem | None:
    orders = context.shop.orders.values()
    return next((line for order in orders for line in order.lines if line.id == refund_line.line_id), None)


def _adjustments(refund: Refund) -> list[dict[str, Any]]:
    if not refund.adjustment:
        return []
    return [{"id": refund.id * 10, "reason": "REFUND_DISCREPANCY", "amount": refund.adjustment}]


def _shipping(refund: Refund) -> list[dict[str, Any]]:
    return [{"id": refund.id * 10 + 1, "amount": refund.shipping}] if refund.shipping else []


def _transactions(refund: Refund) -> list[dict[str, Any]]:
    return [{"id": refund.id * 10 + 2, "kind": "REFUND", "status": "SUCCESS", "amount": refund.total}]


def _page(rows: list[Any], args: dict[str, Any], context: Context) -> Rows:
    return listed(rows, args, bulk=context.bulk)


fields(
    "Refund",
    {
        "id": lambda refund, _: gid("Refund", refund.id),
        "legacyResourceId": lambda refund, _: refund.id,
        "updatedAt": lambda refund, _: refund.created_at,
        "order": lambda refund, context: context.shop.orders[refund.order_id],
        "totalRefundedSet": lambda refund, context: bag(context, refund.total),
        "refundLineItems": lambda refund, context, **args: _page(refund.lines, args, context),
        "refundShippingLines": lambda refund, context, **args: _page(_shipping(refund), args, context),
        "orderAdjustments": lambda refund, context, **args: _page(_adjustments(refund), args, context),
        "transactions": lambda refund, context, **args: _page(_transactions(refund), args, context),
    },
)
fields(
    "RefundLineItem",
    {
        "id": lambda line, _: gid("RefundLineItem", line.id),
        "restockType": lambda _line, _: "RETURN",
        "lineItem": lambda line, context: _line(context, line),
        "subtotalSet": lambda line, context: bag(context, line.subtotal),
        "totalTaxSet": lambda _line, context: bag(context, NOTHING),
    },
)
fields(
    "RefundShippingLine",
    {
        "id": lambda line, _: gid("RefundShippingLine", line["id"]),
        "subtotalAmountSet": lambda line, context: bag(context, line["amount"]),
    },
)
fields(
    "OrderAdjustment",
    {
        "id": lambda one, _: gid("OrderAdjustment", one["id"]),
        "amountSet": lambda one, context: bag(context, one["amount"]),
    },
)
fields(
    "OrderTransaction",
    {
        "id": lambda one, _: gid("OrderTransaction", one["id"]),
        "amountSet": lambda one, context: bag(context, one["amount"]),
    },
)


def _worth(checkout: Checkout) -> Decimal:
    return sum((line.unit_price * line.quantity for line in checkout.lines), NOTHING)


fields(
    "AbandonedCheckout",
    {
        "id": lambda checkout, _: gid("AbandonedCheckout", checkout.id),
        "name": lambda checkout, _: f"#{checkout.id}",
        "abandonedCheckoutUrl": lambda checkout, context: (
            f"{context.shop.base}/{context.shop.shop_id}/checkouts/ac/{checkout.token}/recover?key={checkout.token}"
        ),
        "discountCodes": lambda checkout, _: checkout.codes,
        "customer": lambda checkout, context: (
            context.shop.customers.get(checkout.customer_id or 0) or context.shop.customer_by_email(checkout.email)
        ),
        "subtotalPriceSet": lambda checkout, context: bag(context, _worth(checkout)),
        "totalPriceSet": lambda checkout, context: bag(context, _worth(checkout)),
        "lineItems": lambda checkout, context, **args: listed(checkout.lines, args, bulk=context.bulk),
    },
)
fields(
    "AbandonedCheckoutLineItem",
    {
        "id": lambda line, _: gid("AbandonedCheckoutLineItem", line.id),
        "product": lambda line, context: context.shop.products.get(line.product_id or 0),
        "variant": lambda line, context: context.shop.variants.get(line.variant_id or 0),
        "image": lambda _line, _: None,
        "originalTotalPriceSet": lambda line, context: bag(context, line.unit_price * line.quantity),
        "originalUnitPriceSet": lambda line, context: bag(context, line.unit_price),
        "discountedTotalPriceSet": lambda line, context: bag(context, line.discounted),
    },
)


def spent(context: Context, customer_id: int) -> dict[str, Any]:
    """What a customer has spent net of refunds."""
    orders = [order for order in context.shop.orders_of(customer_id) if not order.cancelled_at]
    return money(context, sum((order.paid - order.refunded for order in orders), NOTHING))
