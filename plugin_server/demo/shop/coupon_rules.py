"""When a code may be used, and what it takes off. The same rules serve REST orders and the shop window.

Amounts are Decimals in major units. A refusal is a ``Refused`` with the shop's own sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase

from plugin_server.demo.shop.model import Coupon, Line
from plugin_server.demo.shop.state import ShopState

_HUNDRED = Decimal(100)


class Refused(Exception):
    """A code that may not be used here; ``plain`` is the sentence without HTML."""

    def __init__(self, kind: str, message: str, plain: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.plain = plain or message.replace("&quot;", '"')


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who wants to use a code; ``email`` None while the cart does not know it yet."""

    email: str | None
    customer_id: int = 0

    @property
    def name(self) -> str:
        """How ``used_by`` lists this shopper."""
        return str(self.customer_id) if self.customer_id else (self.email or "").lower()


def find(shop: ShopState, code: str) -> Coupon:
    """The coupon of a code, or a refusal."""
    coupon = shop.coupon(code)
    if coupon is None or coupon.status != "publish":
        raise Refused("unknown", f"Coupon &quot;{code}&quot; cannot be applied because it does not exist.")
    return coupon


def check(shop: ShopState, coupon: Coupon, lines: Sequence[Line], shopper: Shopper, *, spare: int = 0) -> None:
    """Refuse a code that ``shopper`` may not use on ``lines``. ``spare`` is an order whose own use is ignored."""
    _check_limits(coupon, shopper, spare)
    if coupon.expires is not None and shop.now() > coupon.expires:
        raise Refused("expired", f"Coupon &quot;{coupon.code}&quot; has expired.")
    _check_spend(coupon, sum((line.subtotal for line in lines), Decimal(0)))
    _check_goods(shop, coupon, lines)
    check_email(coupon, shopper)


def _check_limits(coupon: Coupon, shopper: Shopper, spare: int) -> None:
    used = [who for order, who in coupon.uses.items() if order != spare]
    reached = Refused("limit", f"Usage limit for coupon &quot;{coupon.code}&quot; has been reached.")
    if coupon.usage_limit and len(used) >= coupon.usage_limit:
        raise reached
    if coupon.usage_limit_per_user and (shopper.email or shopper.customer_id):
        names = {str(shopper.customer_id) if shopper.customer_id else "", (shopper.email or "").lower()} - {""}
        if sum(who.lower() in names for who in used) >= coupon.usage_limit_per_user:
            raise reached


def rupiah(amount: Decimal) -> str:
    """``350.000``."""
    return f"{int(amount):,}".replace(",", ".")


def _check_spend(coupon: Coupon, subtotal: Decimal) -> None:
    for bound, word, outside in (
        (coupon.minimum_amount, "minimum", subtotal < coupon.minimum_amount),
        (coupon.maximum_amount, "maximum", subtotal > coupon.maximum_amount),
    ):
        if bound and outside:
            price = (
                '<span class="woocommerce-Price-amount amount"><bdi><span class="woocommerce-Price-currencySymbol">'
                f"Rp</span>{rupiah(bound)}</bdi></span>"
            )
            start = f"The {word} spend for coupon &quot;{coupon.code}&quot; is "
            raise Refused(word, f"{start}{price}.", f"{start}Rp{rupiah(bound)}.".replace("&quot;", '"'))


def _check_goods(shop: ShopState, coupon: Coupon, lines: Sequence[Line]) -> None:
    restricted = (
        coupon.product_ids or coupon.product_categories or coupon.exclude_sale_items
        or coupon.excluded_product_ids or coupon.excluded_product_categories
    )  # fmt: skip
    if restricted and not any(_eligible(shop, coupon, line) for line in lines):
        raise Refused(
            "goods", f"Sorry, coupon &quot;{coupon.code}&quot; is not applicable to selected products."
        )  # fmt: skip


def _eligible(shop: ShopState, coupon: Coupon, line: Line) -> bool:
    ids = {line.product_id, line.variation_id}
    product = shop.products.get(line.product_id)
    categories = set(product.category_ids) if product else set()
    sold = shop.products.get(line.variation_id) or product
    if coupon.product_ids and not ids & set(coupon.product_ids):
        return False
    if coupon.product_categories and not categories & set(coupon.product_categories):
        return False
    if ids & set(coupon.excluded_product_ids) or categories & set(coupon.excluded_product_categories):
        return False
    return not (coupon.exclude_sale_items and sold is not None and sold.sale_price is not None)


def check_email(coupon: Coupon, shopper: Shopper) -> None:
    """Refuse a code that belongs to other addresses; an unknown address is another one."""
    if not coupon.email_restrictions:
        return
    email = (shopper.email or "").lower()
    if not any(fnmatchcase(email, pattern) for pattern in coupon.email_restrictions):
        raise Refused(
            "email", f"Please enter a valid email at checkout to use coupon code &quot;{coupon.code}&quot;."
        )  # fmt: skip


def discounts(shop: ShopState, coupon: Coupon, lines: Sequence[Line]) -> list[Decimal]:
    """What the code takes off each line, in the order of ``lines``; never more than the line costs."""
    eligible = [at for at, line in enumerate(lines) if _eligible(shop, coupon, line)]
    eligible.sort(key=lambda at: -(lines[at].subtotal / (lines[at].quantity or 1)))
    units = _units(coupon, [(at, lines[at].quantity) for at in eligible])
    if coupon.discount_type == "percent":
        taken = _percent(shop, coupon.amount, lines, units)
    elif coupon.discount_type == "fixed_product":
        taken = {at: min(coupon.amount * count, lines[at].total) for at, count in units}
    else:
        taken = _spread(shop, coupon.amount, lines, [(at, lines[at].quantity) for at in eligible])
    return [taken.get(at, Decimal(0)) for at in range(len(lines))]


def _units(coupon: Coupon, wanted: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """How many units of each line the code reaches, dearest first."""
    left = coupon.limit_usage_to_x_items
    if left is None:
        return wanted
    reached = []
    for at, quantity in wanted:
        count = min(quantity, left)
        left -= count
        if count:
            reached.append((at, count))
    return reached


def _percent(
    shop: ShopState, percent: Decimal, lines: Sequence[Line], units: list[tuple[int, int]]
) -> dict[int, Decimal]:
    """Whole units of money per line, the rest of the rounding given to the first lines."""
    step = Decimal(1).scaleb(-shop.decimals)
    taken: dict[int, Decimal] = {}
    worth = Decimal(0)
    for at, count in units:
        reached = lines[at].subtotal * count / (lines[at].quantity or 1)
        worth += reached
        taken[at] = min((reached * percent / _HUNDRED).quantize(step, ROUND_FLOOR), lines[at].total)
    rest = (worth * percent / _HUNDRED).quantize(step, ROUND_HALF_UP) - sum(taken.values(), Decimal(0))
    for at, given in taken.items():
        more = max(min(rest, lines[at].total - given), Decimal(0))
        taken[at] = given + more
        rest -= more
    return taken


def _spread(
    shop: ShopState, amount: Decimal, lines: Sequence[Line], units: list[tuple[int, int]]
) -> dict[int, Decimal]:
    """An amount off the cart, spread evenly over its units, each line at most down to nothing."""
    step = Decimal(1).scaleb(-shop.decimals)
    taken = {at: Decimal(0) for at, _ in units}
    left = amount
    while left >= step:
        open_units = [(at, count) for at, count in units if lines[at].total - taken[at] > 0]
        pieces = sum(count for _, count in open_units)
        if not pieces:
            break
        each = max((left / pieces).quantize(step, ROUND_FLOOR), step)
        for at, count in open_units:
            part = min(each * count, lines[at].total - taken[at], left)
            taken[at] += part
            left -= part
    return taken
