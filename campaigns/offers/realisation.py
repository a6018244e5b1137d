"""What one shop makes of an offer: the words in which ``campaigns.offers.realise`` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from campaigns.offers.ware import Ware
from campaigns.reasons import Reason
from connectors.offer_types import EVERYTHING, Pack, Reach
from connectors.types import DiscountKind

Goods = Mapping[str, Ware]


@dataclass(frozen=True, slots=True)
class Able:
    """What a shop can do beyond taking something off an order, by its platform and the rights granted.

    ``counts_pieces``: codes that count pieces and may repeat. ``packs``: products can be made. ``credit``: store credit
    that buyers can spend. ``points``: a points programme is in force, in which a point has a worth.
    ``by_line``: percentages are rounded down line by line, instead of the whole to the nearest, and minimums are asked
    of the goods that a code is for, instead of the whole basket. ``mutual``: codes stand beside others only where both
    allow it, and of two for the same goods the better one counts.
    """

    counts_pieces: bool = False
    packs: bool = False
    credit: bool = False
    points: bool = False
    by_line: bool = False
    mutual: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What the codes of the offer are in this shop; ``value`` is left to the reader's rung where ``by_rung`` is set."""

    kind: DiscountKind
    value: Decimal = Decimal(0)
    minimum_minor: int = 0
    products: tuple[str, ...] = ()
    reach: Reach = EVERYTHING
    by_rung: bool = False


Way = Literal["code", "pack", "credit", "later_code", "points", "link", "team", "friend", "refused"]


@dataclass(frozen=True, slots=True)
class Realisation:
    """How a shop carries the offer out: ``told`` says it to the owner, ``shopper`` what his customers must do.

    ``terms`` are those of its codes, None where it needs none; with ``packs`` the codes work on those alone, and their
    numbers are known once they are made. ``url`` is where the goods are.
    """

    way: Way
    told: Reason
    shopper: tuple[Reason, ...] = ()
    terms: Terms | None = None
    packs: tuple[Pack, ...] = ()
    url: str | None = None

    @property
    def refused(self) -> bool:
        """True where the shop cannot do it."""
        return self.way == "refused"


ENTER = Reason("The shopper enters the code at the till, with the address that it was sent to.", "do_enter_code")


def beside(realisation: Realisation, able: Able, *, combine: bool) -> Reason | None:
    """What happens at the till where another code comes into the same order; None where no code is entered."""
    if ENTER not in realisation.shopper:
        return None
    if not combine or realisation.way in ("team", "friend", "later_code"):
        return Reason("The code works alone: beside another one in the same order, only one of them counts.",
                      "code_alone")  # fmt: skip
    if able.mutual:
        return Reason(
            "The code may be used beside other discounts that allow it too; of two for the same goods the better one "
            "counts, and what is taken off the whole order is taken off the rest. The margin guard looks at this offer "
            "alone.",
            "code_beside_mutual",
        )
    return Reason(
        "The code may be used beside other codes that allow it too, and each takes its share of the full price. The "
        "margin guard looks at this offer alone.",
        "code_beside",
    )


def refused(why: Reason) -> Realisation:
    """The shop cannot do it; the reason says why, and what to do instead."""
    return Realisation("refused", why)


def split(wares: list[Ware]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numbers of products, and of sizes of products."""
    return (
        tuple(ware.external_id for ware in wares if ware.parent is None),
        tuple(ware.external_id for ware in wares if ware.parent is not None),
    )
