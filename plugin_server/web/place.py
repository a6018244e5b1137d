"""Where a page of a list ended, in an address: ``2026-11-22T10:00:00+00:00_17``, or ``_17`` without an order."""

from __future__ import annotations

from datetime import datetime

from plugin_server.db.customers.finding import Place


def read(given: str) -> Place | None:
    """None for what is no place: then the list begins anew."""
    at, _, number = given.rpartition("_")
    return Place(moment(at), min(int(number), 2**62)) if number.isdecimal() else None


def written(at: datetime | None, customer_id: int) -> str:
    """As ``read`` takes it."""
    return f"{at.isoformat() if at else ''}_{customer_id}"


def moment(given: str | None) -> datetime | None:
    """A time with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(given) if given else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None
