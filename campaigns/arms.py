"""Who gets a campaign and who is held out, by hashes alone: asked again, the answer is the same.

The draw is made in SQL, over whole audiences.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Float, case, cast, func, literal
from sqlalchemy.dialects.postgresql import BIT

SPAN = 2**32


def quarter(day: date) -> str:
    """``2027q1``: the merchant's lasting holdout is drawn anew each quarter."""
    return f"{day.year}q{(day.month - 1) // 3 + 1}"


def lasting_salt(merchant_id: int, day: date) -> str:
    """What the merchant-wide holdout of a day's quarter is drawn by."""
    return f"holdout:{merchant_id}:{quarter(day)}"


def campaign_salt(campaign_id: int) -> str:
    """What a campaign's own holdout is drawn by; all its runs hold the same people out."""
    return f"campaign:{campaign_id}"


def variant_salt(campaign_id: int) -> str:
    """What variants are drawn by: another draw than the holdout's, and the same in all runs of a campaign."""
    return f"variant:{campaign_id}"


def variant_drawn(shares: Mapping[str, Decimal], salt: str, customer_id: ColumnElement[Any]) -> ColumnElement[str]:
    """The variant that each customer gets, as SQL over a column of their ids; ``""`` without variants."""
    keys, number = list(shares), drawn(salt, customer_id)
    if not keys:
        return literal("")
    bounds = [float(bound) for bound in accumulate(shares.values())]
    steps = [(number < bound, literal(key)) for key, bound in zip(keys[:-1], bounds, strict=False)]
    return case(*steps, else_=literal(keys[-1]))


def own_share(total: Decimal, lasting: Decimal) -> Decimal:
    """The share to draw among those outside the lasting holdout, so that ``total`` are held out in all."""
    return (total - lasting) / (1 - lasting) if total > lasting else Decimal(0)


def drawn(salt: str, customer_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """A number in [0, 1) that belongs to each customer under this salt, as SQL over a column of their ids."""
    digest = func.substr(func.md5(func.concat(literal(f"{salt}:"), customer_id)), 1, 8)
    return cast(cast(cast(func.concat("x", digest), BIT(32)), BigInteger), Float) / float(SPAN)
