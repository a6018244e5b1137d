"""Reading one field of foreign JSON: strict about meaning, tolerant about form, always naming the place.

``row`` is always the JSON object, ``path`` where it stands (``orders/17``), and what cannot be read raises
``BadPayload`` with the field's path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from html import unescape
from typing import Any

from connectors.errors import BadPayload
from connectors.types import minor_units

Row = Mapping[str, Any]
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)
LARGEST_DIGITS = 15
NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?")
DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ].*)?")
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
# Control characters, NUL, lone surrogates, line and direction overrides: no name holds them, databases choke on some.
UNFIT = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ufffe\\uffff]")
CURRENCY = re.compile(r"[A-Z]{3}")
NAME, LONG = 200, 1000


def obj(value: Any, path: str) -> Row:
    """``value`` as a JSON object."""
    if not isinstance(value, dict):
        raise BadPayload("This is not an object.", path=path)
    return value


def part(row: Row, name: str) -> Row:
    """The object under ``name``; an empty one where it is missing (PHP writes an empty object as a list)."""
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def objects(row: Row, name: str, path: str) -> Iterator[tuple[Row, str]]:
    """The objects in the list under ``name``, each with its path."""
    value = row.get(name)
    if value is None:
        return
    if not isinstance(value, list):
        raise BadPayload("This is not a list.", path=f"{path}.{name}")
    for index, item in enumerate(value):
        yield obj(item, f"{path}.{name}[{index}]"), f"{path}.{name}[{index}]"


def identity(row: Row, path: str, name: str = "id") -> str:
    """A positive whole number, as text."""
    found = reference(row, name)
    if found is None:
        raise BadPayload("This is not an id.", path=f"{path}.{name}")
    return found


def reference(row: Row, name: str) -> str | None:
    """An id as text; None where it is missing, 0 or something else (a deleted product becomes 0)."""
    value = row.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if 0 < value < 1 << 63 else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return str(int(value)) if int(value) else None
    return None


def text(row: Row, name: str, limit: int = NAME) -> str:
    """Text on one line, without control characters, lone surrogates and NUL, cut at ``limit``; "" where missing."""
    value = row.get(name)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    return clean(value, limit) if isinstance(value, str) else ""


def clean(value: str, limit: int = NAME) -> str:
    """``value`` on one line, without unfit characters, at most ``limit`` of them."""
    # Cut first: a name of 10 MB must not cost 10 MB of work. What is cut away was never a name.
    head = value[: limit * 4]
    return " ".join(UNFIT.sub(" ", head).split())[:limit].rstrip()


def title(row: Row, name: str, limit: int = NAME) -> str:
    """Text that WordPress hands out as HTML ("Gula &amp; Aren <b>500g</b>"), as plain text."""
    value = row.get(name)
    return clean(unescape(TAG.sub("", value[: limit * 8])), limit) if isinstance(value, str) else ""


def email(row: Row, name: str = "email") -> str | None:
    """An address as typed (letter case kept); None where there is none. Whether it can work is not judged here."""
    found = text(row, name, 320)
    return found if "@" in found else None


def decimal(value: Any, path: str) -> Decimal:
    """An exact number from text, integer or fraction; at most 15 digits before the point."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        raise BadPayload("This is not a number.", path=path)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadPayload("This is not a number.", path=path)
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, ValueError) as error:
        raise BadPayload("This is not a number.", path=path) from error
    if not number.is_finite() or (number and number.adjusted() >= LARGEST_DIGITS):
        raise BadPayload("This number is absurdly large.", path=path)
    return number if number.adjusted() > -20 else Decimal(0)


def money(row: Row, name: str, currency: str, path: str, *, required: bool = False) -> int:
    """Minor units of the amount under ``name``; 0 where it is missing or empty, unless ``required``."""
    value = row.get(name)
    if value is None or value == "":
        if required:
            raise BadPayload("The amount is missing.", path=f"{path}.{name}")
        return 0
    return minor_units(decimal(value, f"{path}.{name}"), currency)


def currency(row: Row, path: str, name: str = "currency") -> str:
    """An ISO-4217 code."""
    value = row.get(name)
    if not isinstance(value, str) or not CURRENCY.fullmatch(value):
        raise BadPayload("This is not a currency code of three letters.", path=f"{path}.{name}")
    return value


def moment(row: Row, name: str, path: str, now: datetime) -> datetime | None:
    """The UTC instant under ``name`` (naive GMT as WooCommerce writes it); None where it is null or empty.

    Before 1990 or more than two days after ``now`` it cannot be true, and raises.
    """
    value = row.get(name)
    if value is None or value == "":
        return None
    where = f"{path}.{name}"
    if not isinstance(value, str) or not MOMENT.fullmatch(value.removesuffix("Z")):
        raise BadPayload(f"{clean(str(value), 40)!r} is not a date and time.", path=where)
    try:
        found = datetime.fromisoformat(value.removesuffix("Z")[:19]).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadPayload(f"{value[:40]!r} is not a date and time.", path=where) from error
    if not EARLIEST <= found <= now + AHEAD:
        raise BadPayload(f"{value[:40]!r} cannot be the time of this: correct it in the shop.", path=where)
    return found


def instant(value: str | None, now: datetime) -> datetime | None:
    """The UTC instant in free text such as ``2026-01-31T10:00:00+07:00`` (no zone: UTC); None where it is none."""
    try:
        found = datetime.fromisoformat(value) if value else None
    except ValueError:
        return None
    if found is None:
        return None
    try:
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None
    return found if EARLIEST <= found <= now + AHEAD else None


def day(value: str | None) -> date | None:
    """A calendar day from free text such as ``1990-05-17``; None where it is none (anybody may write meta data)."""
    match = DAY.fullmatch(value.strip()) if value else None
    try:
        return date.fromisoformat(match.group(1)) if match else None
    except ValueError:
        return None


def meta(row: Row, limit: int = LONG) -> dict[str, str]:
    """The plain values of ``meta_data`` by key; objects and lists in it are left out."""
    found: dict[str, str] = {}
    entries = row.get("meta_data")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            value = entry.get("value")
            if isinstance(value, bool):
                value = "1" if value else "0"
            if isinstance(value, str | int | Decimal | float):
                found[entry["key"]] = clean(str(value), limit)
    return found
