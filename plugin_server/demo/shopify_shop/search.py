"""Shopify's search query language, as far as shops are asked in it: ``updated_at:>='…' AND (status:open OR tag:x)``.

An unknown key does not fail: it matches everything and leaves a warning, exactly the trap the real thing sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

Test = Callable[[Any], bool]
_TOKEN = re.compile(r"""\(|\)|-(?=[\w(])|[\w.]+:(?:<=|>=|<|>)?(?:'[^']*'|"[^"]*"|[^\s()]*)|'[^']*'|"[^"]*"|[^\s()]+""")
_TERM = re.compile(r"""^([\w.]+):(<=|>=|<|>)?(.*)$""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Searchable:
    """One search key: how its value is read from a record, and of what sort it is.

    Sorts: ``time`` (an instant), ``day`` (whole days, as on customers), ``number``, ``text``, ``words`` (a list such as
    tags), ``flag``, ``states`` (a record matches each word in the list it gives).
    """

    sort: str
    read: Callable[[Any], Any]


class _BadValue(Exception):
    """A value that its key cannot mean."""


@dataclass(slots=True)
class Search:
    """A parsed query. ``warnings`` are (field, message, code)."""

    test: Test
    warnings: list[tuple[str, str, str]]


def search(query: str | None, keys: Mapping[str, Searchable], zone: str) -> Search:
    """Parse a query against the keys of a connection; an empty one matches everything."""
    reader = _Reader(_TOKEN.findall(query or ""), keys, ZoneInfo(zone))
    return Search(reader.alternatives() if query else _everything, reader.warnings)


def _everything(_: Any) -> bool:
    return True


class _Reader:
    """Recursive descent over the tokens; AND binds tighter than OR and may be left out."""

    def __init__(self, tokens: Sequence[str], keys: Mapping[str, Searchable], zone: ZoneInfo) -> None:
        self._tokens = list(tokens)
        self._keys = keys
        self._zone = zone
        self.warnings: list[tuple[str, str, str]] = []

    def _peek(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def alternatives(self) -> Test:
        parts = [self._together()]
        while self._peek() == "OR":
            self._tokens.pop(0)
            parts.append(self._together())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _together(self) -> Test:
        parts: list[Test] = []
        while (word := self._peek()) is not None and word not in {")", "OR"}:
            if word == "AND":
                self._tokens.pop(0)
                continue
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Test:
        word = self._tokens.pop(0)
        if word in {"-", "NOT"}:
            inner = self._one() if self._tokens else _everything
            return lambda row: not inner(row)
        if word == "(":
            inner = self.alternatives()
            if self._peek() == ")":
                self._tokens.pop(0)
            return inner
        return self._term(word)

    def _term(self, word: str) -> Test:
        match = _TERM.match(word)
        if match is None:
            return self._default(_bare(word))
        name, operator, value = match[1], match[2] or "", _bare(match[3])
        key = self._keys.get(name)
        if key is None:
            self.warnings.append((name, "Invalid search field for this query.", "invalid_field"))
            return _everything
        try:
            return _comparison(key, operator, value, self._zone)
        except _BadValue:
            self.warnings.append((name, f"Input `{value}` is not an accepted value.", "invalid_value"))
            return _everything

    def _default(self, word: str) -> Test:
        texts = [key for key in self._keys.values() if key.sort == "text"]
        return lambda row: any(word.lower() in str(key.read(row) or "").lower() for key in texts)


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda held, wanted: bool(held == wanted),
    "<": lambda held, wanted: bool(held < wanted),
    "<=": lambda held, wanted: bool(held <= wanted),
    ">": lambda held, wanted: bool(held > wanted),
    ">=": lambda held, wanted: bool(held >= wanted),
}


def _comparison(key: Searchable, operator: str, value: str, zone: ZoneInfo) -> Test:
    if value == "*":
        return lambda row: key.read(row) not in (None, "", [], ())
    if key.sort in {"text", "words", "states", "flag"}:
        return _wording(key, value)
    wanted = _wanted(key.sort, value, zone)
    compare = _COMPARE[operator]
    if key.sort == "time" and operator == "" and len(value) == 10:  # a bare date means that whole day
        return lambda row: (held := key.read(row)) is not None and held.astimezone(zone).date() == wanted.date()
    if key.sort == "day":
        return lambda row: (held := key.read(row)) is not None and compare(held.astimezone(zone).date(), wanted)
    return lambda row: (held := key.read(row)) is not None and compare(held, wanted)


def _wording(key: Searchable, value: str) -> Test:
    choices = {one.strip().lower() for one in value.split(",")}
    if key.sort == "flag":
        if not choices <= {"true", "false"}:
            raise _BadValue
        return lambda row: str(bool(key.read(row))).lower() in choices
    if key.sort in {"words", "states"}:
        return lambda row: bool(choices & {str(one).lower() for one in key.read(row)})
    if value.endswith("*"):
        start = value[:-1].lower()
        return lambda row: str(key.read(row) or "").lower().startswith(start)
    return lambda row: str(key.read(row) or "").lower() in choices | {value.lower()}


def _wanted(sort: str, value: str, zone: ZoneInfo) -> Any:
    try:
        if sort == "number":
            return Decimal(value.rpartition("/")[2])
        moment = _moment(value, zone)
        return moment.astimezone(zone).date() if sort == "day" else moment
    except (ValueError, InvalidOperation):
        raise _BadValue from None


def _moment(value: str, zone: ZoneInfo) -> datetime:
    if len(value) == 10:
        return datetime.combine(date.fromisoformat(value), time(), zone)
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
