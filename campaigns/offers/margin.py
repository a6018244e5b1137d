"""What an offer costs, and whether anything is left of the margin. Money in minor units, shares as fractions of 1."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from campaigns.schema import Offer
from connectors.types import minor_units


@dataclass(frozen=True, slots=True)
class Trade:
    """What is known of the shop's trade: average order and shipping (minor units), margin share and its coverage.

    ``margin`` is 1 − cost ÷ price over what was sold and has a unit cost; None where no unit cost is known.
    ``covered`` is the share of sales that has one.
    """

    average_order_minor: int
    average_shipping_minor: int
    margin: Decimal | None
    covered: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """The margin guard's finding. ``uplift`` is how much more must be sold to earn the same: d ÷ (m − d)."""

    ok: bool
    sentence: str
    discount: Decimal
    margin: Decimal | None
    uplift: Decimal | None


def liability(offer: Offer, currency: str, average_minor: int) -> int:
    """What one code of the offer is expected to cost if used, in minor units; at least 1 so that budgets always end.

    ``average_minor`` is the customer's usual order (for free shipping: the shop's usual shipping).
    """
    if offer.kind == "fixed":
        return minor_units(offer.value or 0, currency)
    if offer.kind == "free_shipping":
        return max(average_minor, 1)
    basis = max(average_minor, minor_units(offer.minimum or 0, currency))
    cost = Decimal(basis) * (offer.value or Decimal(0)) / 100
    return max(int(cost.to_integral_value(rounding=ROUND_HALF_UP)), 1)


def depth(offer: Offer, currency: str, trade: Trade) -> Decimal:
    """The share of an order that the offer gives away: the deepest that its minimum lets happen for fixed amounts."""
    if offer.kind == "percentage":
        return (offer.value or Decimal(0)) / 100
    basis = Decimal(minor_units(offer.minimum or 0, currency) or trade.average_order_minor)
    given = trade.average_shipping_minor if offer.kind == "free_shipping" else minor_units(offer.value or 0, currency)
    return min(Decimal(given) / basis, Decimal(1)) if basis else Decimal(0)


def judge(offer: Offer, currency: str, trade: Trade) -> Verdict:
    """Whether the offer leaves something of the margin, in a sentence that says what it would take."""
    d, m = depth(offer, currency, trade), trade.margin
    if m is None:
        return Verdict(True, "No unit costs are known, so nobody can say what this offer leaves you.", d, None, None)
    if d >= m:
        sentence = f"You give away {_percent(d)} of an order but earn {_percent(m)}: every order would lose money."
        return Verdict(False, f"{sentence} Give less, raise the minimum, or set margin_floor to null.", d, m, None)
    uplift = d / (m - d)
    sentence = f"Giving {_percent(d)} of a margin of {_percent(m)} pays off from {_percent(uplift)} more sales on."
    return Verdict(True, sentence, d, m, uplift)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(Decimal('0.1'))} %".replace(".0 %", " %")
