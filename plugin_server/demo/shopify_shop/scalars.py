"""How values that come in are read: a wrong date is refused with Shopify's own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLError

_OFFSET = re.compile(r"^[+-]\d\d:\d\d$")


def moment(value: Any) -> datetime:
    """A DateTime; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise GraphQLError(f"invalid DateTime '{value}'") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def day(value: Any) -> str:
    """A Date as it was written."""
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise GraphQLError(f"invalid Date '{value}'") from None


def amount(value: Any) -> Decimal:
    """A Decimal or Money."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(value, bool) or not found.is_finite():
        raise GraphQLError(f"invalid decimal '{value}'")
    return found


def unsigned(value: Any) -> int:
    """An UnsignedInt64, which travels as text."""
    if isinstance(value, bool) or not str(value).isdigit():
        raise GraphQLError(f"invalid UnsignedInt64 '{value}'")
    return int(value)


def offset(value: Any) -> str:
    """A UtcOffset."""
    if not _OFFSET.match(str(value)):
        raise GraphQLError(f"invalid UtcOffset '{value}'")
    return str(value)


READERS: dict[str, Callable[[Any], Any]] = {
    "DateTime": moment, "Date": day, "Decimal": amount, "Money": amount, "UnsignedInt64": unsigned,
    "UtcOffset": offset, "URL": str, "HTML": str,
}  # fmt: skip
