"""The draws of ``campaigns.arms`` for one person, in Python: what the SQL is held against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate


def draw(salt: str, customer_id: int) -> float:
    """A number in [0, 1) that belongs to this customer under this salt."""
    digest = hashlib.md5(f"{salt}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def variant_of(shares: Mapping[str, Decimal], drawn_number: float) -> str:
    """The variant that a number in [0, 1) falls to; ``""`` without variants."""
    keys, bounds = [*shares] or [""], [float(bound) for bound in accumulate(shares.values())]
    return next((key for key, bound in zip(keys[:-1], bounds, strict=False) if drawn_number < bound), keys[-1])
