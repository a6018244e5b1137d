"""Pages of rows: keyset cursors, so that a walk sees what a busy shop really shows."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError

Key = tuple[Any, int]
KeyOf = Callable[[Any], Key]
MOST = 250


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a connection."""

    items: Sequence[Any]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool
    total: int

    @property
    def edges(self) -> list[dict[str, Any]]:
        """The rows with their cursors."""
        return [{"node": item, "cursor": mark} for item, mark in zip(self.items, self.cursors, strict=True)]

    @property
    def nodes(self) -> Sequence[Any]:
        """The rows."""
        return self.items

    @property
    def total_count(self) -> int:
        """How many rows there are on all pages."""
        return self.total

    @property
    def page_info(self) -> dict[str, Any]:
        """Where this page stands."""
        return {
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": self.cursors[0] if self.cursors else None,
            "endCursor": self.cursors[-1] if self.cursors else None,
        }


def _refused(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def cursor(key: Key) -> str:
    """The opaque mark of the row with that key."""
    value, id = key
    told = value.isoformat() if isinstance(value, datetime) else value
    return base64.b64encode(json.dumps({"last_id": id, "last_value": told}).encode()).decode()


def _key(mark: str, like: Key | None) -> Key:
    try:
        told = json.loads(base64.b64decode(mark, validate=True))
        value, id = told["last_value"], int(told["last_id"])
        if like is not None and isinstance(like[0], datetime):
            value = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise _refused("Invalid cursor for current pagination sort.") from None
    return (value, id)


def ordered(rows: Sequence[Any], key: KeyOf) -> list[tuple[Key, Any]]:
    """Rows in ascending order of their keys."""
    return sorted(((key(row), row) for row in rows), key=lambda pair: pair[0])


def page(
    sorted_rows: Sequence[tuple[Key, Any]], *, first: int | None, last: int | None, after: str | None,
    before: str | None, reverse: bool, limited: bool = True,
) -> Rows:  # fmt: skip
    """One page of rows that are in ascending order. ``limited`` False (bulk) gives them all.

    Raises the errors of the real thing for a missing or absurd page size and for a foreign cursor.
    """
    if limited:
        _check_size(first, last)
    rows = list(reversed(sorted_rows)) if reverse else sorted_rows
    low, high = 0, len(rows)
    if after is not None:
        low = _past(sorted_rows, after, reverse=reverse, inclusive=True)
    if before is not None:
        high = max(low, _past(sorted_rows, before, reverse=reverse, inclusive=False))
    start, end = low, high
    if first is not None:
        end = min(high, low + first)
    elif last is not None:
        start = max(low, high - last)
    part = rows[start:end]
    return Rows(
        [row for _, row in part], [cursor(key) for key, _ in part], end < len(rows), start > 0, len(sorted_rows)
    )  # fmt: skip


def _check_size(first: int | None, last: int | None) -> None:
    if first is None and last is None:
        raise _refused("you must provide one of first or last")
    if first is not None and last is not None:
        raise _refused("providing both first and last is not supported")
    for name, size in (("first", first), ("last", last)):
        if size is not None and size < 0:
            raise _refused(f"{name} cannot be negative")
        if size is not None and size > MOST:
            raise GraphQLError(
                f"The {name} argument of {size} is greater than the maximum allowed of {MOST}.",
                extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
            )


def _past(rows: Sequence[tuple[Key, Any]], mark: str, *, reverse: bool, inclusive: bool) -> int:
    """How many rows, in reading order, come up to the mark (itself included or not)."""
    key = _key(mark, rows[0][0] if rows else None)
    keys = [one for one, _ in rows]
    try:
        if reverse:
            at = bisect.bisect_left(keys, key) if inclusive else bisect.bisect_right(keys, key)
            return len(keys) - at
        return bisect.bisect_right(keys, key) if inclusive else bisect.bisect_left(keys, key)
    except TypeError:
        raise _refused("Invalid cursor for current pagination sort.") from None


def listed(rows: Sequence[Any], arguments: dict[str, Any], *, bulk: bool = False) -> Rows:
    """A page of rows that stand in their own order, such as the lines of an order."""
    numbered = [((at, at), row) for at, row in enumerate(rows)]
    return page(
        numbered, first=arguments.get("first"), last=arguments.get("last"), after=arguments.get("after"),
        before=arguments.get("before"), reverse=bool(arguments.get("reverse")), limited=not bulk,
    )  # fmt: skip
