"""What a code takes off, judged before any shop is asked: most shops round or misread what they cannot hold."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from connectors.types import CodeSpec, DiscountKind

CENT = Decimal("0.01")
LARGEST = Decimal(10) ** 12


def worth_refusal(spec: CodeSpec, currency: str) -> str:
    """Why no shop that counts in ``currency`` may be given these amounts, as a sentence; empty where it may."""
    if spec.currency != currency:
        return f"The shop counts in {currency}, the code in {spec.currency}."
    if spec.minimum_minor < 0:
        return "The minimum cannot be negative."
    if spec.kind not in (DiscountKind.PERCENTAGE, DiscountKind.FIXED):
        return ""
    try:
        exact = spec.value.is_finite() and spec.value == spec.value.quantize(CENT)
    except InvalidOperation:
        exact = False
    if not exact:
        return "The amount has more than two decimals."
    if not 0 < spec.value < LARGEST:
        return "The amount must be above zero."
    if spec.kind is DiscountKind.PERCENTAGE and spec.value > 100:
        return "A discount cannot be more than 100 percent."
    return ""
