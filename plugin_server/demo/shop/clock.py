"""Shop time. Records hold UTC; answers show local time without offset and the same moment in GMT beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from plugin_server.demo.shop.answers import invalid_param

_REST_DATE = re.compile(r"^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|z|[+-]\d\d(?::\d\d)?)?$")
_LOOSE_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_text(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """``2026-11-22T13:36:42``: shop time without offset."""
    return None if moment is None else moment.astimezone(zone).isoformat()[:19]


def gmt_text(moment: datetime | None) -> str | None:
    """``2026-11-22T06:36:42``: the same moment in GMT, also without offset."""
    return None if moment is None else moment.isoformat()[:19]


def _parts(text: str) -> tuple[datetime, str] | None:
    match = _REST_DATE.match(text)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}"), (match[3] or "").upper()
    except ValueError:
        return None


def _offset(naive: datetime, offset: str) -> datetime:
    text = "+00:00" if offset == "Z" else offset if ":" in offset else f"{offset}:00"
    return datetime.fromisoformat(f"{naive.isoformat()}{text}").astimezone(UTC)


def query_moment(name: str, text: str, *, dates_are_gmt: bool, zone: ZoneInfo) -> datetime:
    """The moment a date filter means; refuses what the REST API refuses (bare dates, words).

    The trap of the real thing is kept: a value with an offset *and* ``dates_are_gmt`` is turned into shop time first
    and that is then read as GMT, which shifts it by the shop's offset.
    """
    parts = _parts(text)
    if parts is None:
        raise invalid_param(name, "Invalid date.", "rest_invalid_date")
    naive, offset = parts
    if not offset:
        return naive.replace(tzinfo=UTC if dates_are_gmt else zone).astimezone(UTC)
    moment = _offset(naive, offset)
    return moment.astimezone(zone).replace(tzinfo=UTC) if dates_are_gmt else moment


def written_moment(text: str, zone: ZoneInfo) -> datetime:
    """A date as written into a record: shop time unless it carries an offset; a bare date is its midnight.

    Garbage becomes 1970, silently, as in the real shop.
    """
    if _LOOSE_DATE.match(text):
        text += "T00:00:00"
    parts = _parts(text)
    if parts is None:
        return EPOCH.replace(tzinfo=zone).astimezone(UTC)
    naive, offset = parts
    return _offset(naive, offset) if offset else naive.replace(tzinfo=zone).astimezone(UTC)
