"""Reading one field of Shopify's answers: strict about meaning, always naming the place.

The schema promises types, but a fake, a proxy or a later version may break the promise: what cannot be read raises
``BadPayload`` with its path. Ids are written by their number alone and become global ids (gid) only at the edge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from connectors.errors import BadPayload
from connectors.types import minor_units

Row = Mapping[str, Any]
GID = re.compile(r"gid://shopify/([A-Za-z]{1,60})/([0-9]{1,19})(?:\?.*)?")
CURRENCY = re.compile(r"[A-Z]{3}")
PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Control characters, lone surrogates, line and direction overrides: no name holds them, databases choke on some.
UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)
LARGEST_DIGITS = 15
NAME = 200


def gid(kind: str, number: str) -> str:
    """The global id of a thing: ``gid://shopify/Order/1``. Raises ``BadPayload`` for what is no number."""
    if not is_number(number):
        raise BadPayload("This is not an id of the shop.", path=kind.lower())
    return f"gid://shopify/{kind}/{number}"


def is_number(text: str) -> bool:
    """True for an id as we keep it: digits alone, at most 19, not zero."""
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) > 0


def obj(value: Any, path: str) -> Row:
    """``value`` as a JSON object."""
    if not isinstance(value, dict):
        raise BadPayload("This is not an object.", path=path)
    return value


def part(row: Row, name: str) -> Row:
    """The object under ``name``; an empty one where it is null or missing."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def rows(row: Row, name: str, path: str) -> list[Any]:
    """The list under ``name``, or the nodes of the connection there; empty where it is missing."""
    value = row.get(name)
    if isinstance(value, dict):
        value = value.get("nodes")
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadPayload("This is not a list.", path=f"{path}.{name}")
    return value


def identity(row: Row, kind: str, path: str) -> str:
    """The number in the row's ``id``, which must be one of a ``kind``."""
    found = number_of(row.get("id"), kind)
    if found is None:
        raise BadPayload(f"This is not the id of a {kind}.", path=f"{path}.id")
    return found


def number_of(value: Any, kind: str | None = None) -> str | None:
    """The number in a global id (of ``kind``, where given) or in a plain id; None where there is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    if match := GID.fullmatch(value):
        return match[2] if kind in (None, match[1]) else None
    return str(int(value)) if is_number(value) else None


def reference(row: Row, name: str, kind: str) -> str | None:
    """The number of the thing under ``name`` (``{"id": gid}``); None where it is null: deleted, or never there."""
    value = part(row, name).get("id")
    # Buyers and goods come again and again, so most of them have been read before.
    return _number_known(value, kind) if isinstance(value, str) else number_of(value, kind)


@lru_cache(maxsize=1 << 12)
def _number_known(value: str, kind: str) -> str | None:
    return number_of(value, kind)


def text(row: Row, name: str, limit: int = NAME) -> str:
    """Text on one line, without unfit characters, cut at ``limit``; "" where it is null or missing."""
    value = row.get(name)
    if not isinstance(value, str):
        return ""
    if len(value) <= limit and value.isprintable() and "  " not in value:
        return value.strip()  # Nearly all texts are fit as they are, and this is asked more often than anything else.
    return clean(value, limit)


def clean(value: str, limit: int = NAME) -> str:
    """``value`` on one line, without unfit characters, at most ``limit`` of them."""
    head = UNFIT.sub(" ", value[: limit * 4])
    return " ".join(head.split())[:limit].rstrip()


def decimal(value: Any, path: str) -> Decimal:
    """An exact number from text or a JSON number; at most 15 digits before the point."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise BadPayload("This is not a number.", path=path)
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError) as error:
        raise BadPayload("This is not a number.", path=path) from error
    if not number.is_finite() or (number and number.adjusted() >= LARGEST_DIGITS):
        raise BadPayload("This number is absurdly large.", path=path)
    return number


def money(row: Row, name: str, currency: str, path: str) -> int:
    """Minor units of a ``MoneyBag``'s amount in the shop's currency; 0 where it is null or missing."""
    bag = row.get(name)
    if bag is None:
        return 0
    try:
        # Prices repeat, so most of them have been read before.
        known = _minor(bag["shopMoney"]["amount"], currency)
    except (KeyError, TypeError):
        known = None
    return _odd_money(bag, currency, f"{path}.{name}") if known is None else known


def _odd_money(bag: Any, currency: str, path: str) -> int:
    value = part(bag, "shopMoney").get("amount") if isinstance(bag, dict) else None
    return 0 if value is None else minor_units(decimal(value, path), currency)


@lru_cache(maxsize=1 << 15)
def _minor(amount: str, currency: str) -> int | None:
    """Minor units of plain text such as ``89.99``; None for what has to be looked at more closely (or TypeError)."""
    return minor_units(Decimal(amount), currency) if PLAIN.fullmatch(amount) else None


def currency(row: Row, name: str, path: str) -> str:
    """An ISO-4217 code."""
    value = row.get(name)
    if not isinstance(value, str) or not CURRENCY.fullmatch(value):
        raise BadPayload("This is not a currency code of three letters.", path=f"{path}.{name}")
    return value


def moment(row: Row, name: str, path: str, now: datetime) -> datetime | None:
    """The UTC instant under ``name``; None where it is null. What cannot be true (see ``EARLIEST``) raises."""
    value = row.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not UTC:
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadPayload(f"{clean(str(value), 40)!r} is not a date and time.", path=f"{path}.{name}") from error
    if not EARLIEST <= found <= now + AHEAD:
        raise BadPayload(f"{clean(str(value), 40)!r} cannot be the time of this.", path=f"{path}.{name}")
    return found


def meta(row: Row, name: str) -> str:
    """The value of the metafield asked for under ``name``; "" where the shop has none."""
    return text(part(row, name), "value")


def day(value: str) -> date | None:
    """A calendar day from a metafield such as ``1990-05-17``; None where it is none."""
    try:
        return date.fromisoformat(value[:10]) if DAY.match(value) else None
    except ValueError:
        return None


def country(row: Row) -> str | None:
    """The ISO-3166 code of an address; None where the shop hides or lacks it (``ZZ`` stands for unknown)."""
    code = text(row, "countryCodeV2", 3)
    return code if len(code) == 2 and code.isalpha() and code != "ZZ" else None


def language(value: str) -> str | None:
    """The language in a locale such as ``id-ID``."""
    code = value.replace("_", "-").partition("-")[0].lower()
    return code if 2 <= len(code) <= 3 and code.isascii() and code.isalpha() else None
