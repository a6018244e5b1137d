"""What happens in a shop all day: orders are placed, paid back, cancelled and deleted, and the webhooks say so."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from plugin_server.demo.shopify_shop.code_rules import Refused, Taken, judge, off_lines, together
from plugin_server.demo.shopify_shop.model import (
    NOTHING,
    Address,
    Checkout,
    Customer,
    LineItem,
    Order,
    Refund,
    RefundLine,
)
from plugin_server.demo.shopify_shop.state import ShopState

FREE_SHIPPING_FROM = Decimal(250_000)
SHIPPING = Decimal(15_000)
MOST_OF_ONE = 99


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs. ``refused`` says why a code was not taken; ``taken`` are those that were."""

    lines: tuple[LineItem, ...]
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    taken: tuple[Taken, ...] = ()
    refused: Refused | None = None

    @property
    def codes(self) -> list[str]:
        """The codes that count."""
        return [one.code.code for one in self.taken]

    @property
    def code(self) -> str | None:
        """The same as one word."""
        return ", ".join(self.codes) or None

    @property
    def total(self) -> Decimal:
        """To be paid."""
        return self.subtotal - self.discount + self.shipping


def quote(shop: ShopState, basket: Mapping[int, int], *, code: str = "", email: str | None = None) -> Quote:
    """Price a basket of {variant id: quantity} with codes (commas between); line ids are 0 until it is ordered."""
    lines = []
    for id, quantity in basket.items():
        variant = shop.variants.get(id)
        product = shop.products.get(variant.product_id) if variant else None
        if variant and product and product.sold and quantity > 0:
            size = None if variant.title == "Default Title" else variant.title
            pieces = min(quantity, MOST_OF_ONE)
            lines.append(
                LineItem(0, product.title, product.id, id, variant.sku, pieces, variant.price, variant_title=size)
            )  # fmt: skip
    subtotal = sum((line.unit_price * line.quantity for line in lines), NOTHING)
    shipping = NOTHING if not lines or subtotal >= FREE_SHIPPING_FROM else SHIPPING
    taken: tuple[Taken, ...] = ()
    refused = None
    if code and lines:
        try:
            taken = together(shop, code, lines, email=email, shipping=shipping)
        except Refused as error:
            refused = error
    for line, off in zip(lines, off_lines(taken, lines), strict=True):
        line.discount = off
    discount = sum((line.discount for line in lines), NOTHING)
    if lines:
        shipping = (
            NOTHING
            if any(one.free_shipping for one in taken) or subtotal - discount >= FREE_SHIPPING_FROM
            else SHIPPING
        )
    return Quote(tuple(lines), subtotal, discount, shipping, taken, refused)


def buyer(shop: ShopState, *, email: str, name: str, subscribes: bool = False) -> Customer:
    """The customer with that address, made where there is none; ticking the box subscribes them."""
    found = shop.customer_by_email(email)
    first, _, last = name.strip().partition(" ")
    if found is None:
        found = Customer(
            shop.next_id("Customer"), email.strip().lower(), shop.now(), shop.now(), first or None, last or None,
            state="DISABLED",
        )  # fmt: skip
        shop.save(found, "CUSTOMERS_CREATE")
    if subscribes and found.email_state != "SUBSCRIBED":
        found.email_state, found.email_level, found.email_updated_at = "SUBSCRIBED", "SINGLE_OPT_IN", shop.now()
        found.updated_at = shop.now()
        shop.save(found, "CUSTOMERS_UPDATE", "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE")
    return found


def place(
    shop: ShopState, priced: Quote, *, email: str, name: str, subscribes: bool = False, guest: bool = False
) -> Order:
    """The paid order of a quote. With ``guest`` no customer record hangs on it. Raises ``Refused`` for a code gone."""
    with shop.lock:
        for one in priced.taken:
            judge(shop, one.code.code, priced.lines, email=email, shipping=priced.shipping or SHIPPING)
        person = None if guest else buyer(shop, email=email, name=name, subscribes=subscribes)
        now = shop.now()
        for line in priced.lines:
            line.id = shop.next_id("LineItem")
        order = Order(
            shop.next_id("Order"), shop.next_id("number"), now, now, now, email, person.id if person else None,
            lines=list(priced.lines), shipping=priced.shipping, codes=priced.codes,
            accepts_marketing=subscribes, token=secrets.token_hex(16), address=Address(0, name=name),
        )  # fmt: skip
        shop.save(order)
        for one in priced.taken:
            one.code.uses[order.id] = email.strip().lower()
            shop.save(one.discount)
        if person is not None:
            person.updated_at = now
            shop.save(person)
    for topic in ("ORDERS_CREATE", "ORDERS_PAID"):
        shop.tell(topic, order)
    if person is not None:
        shop.tell("CUSTOMERS_UPDATE", person)
    return order


def give_back(
    shop: ShopState,
    order: Order,
    amount: Decimal | None = None,
    *,
    line: LineItem | None = None,
    shipping: Decimal | None = None,
) -> Refund:
    """Refund one line, a sum, so much of the shipping, or (with none of these) all that is left."""
    with shop.lock:
        now = shop.now()
        refund = Refund(shop.next_id("Refund"), order.id, now, now, shipping=shipping or NOTHING)
        part = amount is not None or line is not None or shipping is not None
        returned = [line] if line else [] if part else [one for one in order.lines if not one.removed]
        for one in returned:
            refund.lines.append(RefundLine(shop.next_id("RefundLineItem"), one.id, one.quantity, one.discounted))
            one.removed = one.quantity
        if amount is not None:
            refund.adjustment = amount
        elif not part:
            refund.shipping = order.shipping - order.shipping_refunded
        order.refunds.append(refund)
        order.financial = "REFUNDED" if order.refunded >= order.total else "PARTIALLY_REFUNDED"
        order.updated_at = now
        shop.save(order)
    shop.tell("REFUNDS_CREATE", (refund, order))
    shop.tell("ORDERS_UPDATED", order)
    return refund


def charge_back(shop: ShopState, order: Order, status: str = "LOST") -> None:
    """The buyer's bank takes the money back. The order stays paid, no date moves and no webhook of an order tells."""
    order.dispute = status
    shop.save(order)


def cancel(shop: ShopState, order: Order) -> None:
    """The order is called off; what was paid goes back."""
    order.cancelled_at = order.updated_at = shop.now()
    order.cancel_reason = "CUSTOMER"
    order.financial = "VOIDED" if order.financial == "PENDING" else order.financial
    shop.save(order, "ORDERS_CANCELLED", "ORDERS_UPDATED")


def leave(shop: ShopState, priced: Quote, *, email: str) -> Checkout:
    """A basket left at the checkout once the address is known."""
    known = shop.customer_by_email(email)
    id = shop.next_id("AbandonedCheckout")
    made = Checkout(
        id, secrets.token_hex(16), shop.now(), shop.now(), email, known.id if known else None, lines=list(priced.lines)
    )
    shop.save(made, "CHECKOUTS_CREATE")
    return made


def merge(shop: ShopState, kept: Customer, gone: Customer) -> None:
    """Two records of one person become one: the orders move, the second record ends."""
    with shop.lock:
        for order in shop.orders_of(gone.id):
            order.customer_id, order.updated_at = kept.id, shop.now()
            shop.save(order)
        shop.remove(gone)
        kept.updated_at = shop.now()
        shop.save(kept, "CUSTOMERS_UPDATE")
    if shop.grants.has("read_customer_merge"):
        shop.tell("CUSTOMERS_MERGE", (kept.id, gone.id))
    shop.tell("CUSTOMERS_DELETE", gone)
