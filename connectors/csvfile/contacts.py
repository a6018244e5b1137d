"""Contacts of a file, row by row, each either understood whole or refused with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from connectors.csvfile.countries import country
from connectors.csvfile.reading import CsvFile
from connectors.types import Customer

YES = frozenset({"yes", "y", "true", "1", "subscribed", "ya", "ja", "opt-in", "on"})
NO = frozenset({"no", "n", "false", "0", "unsubscribed", "tidak", "nee", "opt-out", "off"})
OTHER = frozenset({"pending", "unknown"})
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]+")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken, and why. ``row`` counts records; the header is row 1."""

    row: int
    reason: str


def contacts(
    file: CsvFile, places: Mapping[str, int], *, timezone: tzinfo, now: datetime
) -> Iterator[tuple[int, Customer | Rejected]]:
    """(row, contact or refusal) of each row. The e-mail, in lower case, stands for the external id."""
    for row, fields in file.rows():
        told = {name: fields[place].strip() if place < len(fields) else "" for name, place in places.items()}
        try:
            yield row, _contact(told, timezone, now, too_many=len(fields) > len(file.header))
        except ValueError as error:
            yield row, Rejected(row, str(error))


def _contact(told: Mapping[str, str], timezone: tzinfo, now: datetime, *, too_many: bool) -> Customer:
    if too_many:
        raise ValueError("there are more fields than columns; put text that holds the delimiter in quotes")
    email = told.get("email", "")
    if not EMAIL.fullmatch(email) or len(email) > 254:
        raise ValueError(f"email: {email[:80]!r} is not an address" if email else "email: it is empty")
    first, _, last = told.get("name", "").partition(" ")
    birthday = _day("birthday", told.get("birthday", ""))
    if birthday and not date(1900, 1, 1) <= birthday <= now.date():
        raise ValueError(f"birthday: {birthday} cannot be")
    return Customer(
        external_id=email.lower(),
        email=email,
        first_name=first,
        last_name=last.strip(),
        phone=told.get("phone") or None,
        country=country(told.get("country", "")) or None,
        language=told.get("language") or None,
        birthday=birthday,
        consent=_consent(told.get("consent", "")),
        consent_at=_time(told.get("consent_at", ""), timezone, now),
        consent_source=told.get("consent_source") or None,
        tags=tuple(tag.strip() for tag in re.split(r"[,;|]", told.get("tags", "")) if tag.strip()),
    )


def _consent(word: str) -> str | None:
    plain = word.casefold()
    if plain in YES:
        return "subscribed"
    if plain in NO:
        return "unsubscribed"
    if plain in OTHER or not plain:
        return plain or None
    raise ValueError(f"consent: {word[:40]!r} is neither yes nor no")


def _day(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise ValueError(f"{name}: {text[:40]!r} is not a date such as 1990-12-31") from error


def _time(text: str, timezone: tzinfo, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        told = datetime.fromisoformat(text)
        at = (told if told.tzinfo else told.replace(tzinfo=timezone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"consent_at: {text[:40]} cannot be") from error
    except ValueError as error:
        raise ValueError(f"consent_at: {text[:40]!r} is not a time such as 2024-12-31 14:30") from error
    if not datetime(1970, 1, 2, tzinfo=UTC) <= at <= now:
        raise ValueError(f"consent_at: {text[:40]} cannot be")
    return at
