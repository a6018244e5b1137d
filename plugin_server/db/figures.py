"""Figures of a whole shop that take its database a while: kept ready, with when they were made and whether that holds.

A figure is stale when orders changed after it was made, or when it is older than ``OLD``: rungs and activity change by
the mere passing of time, and consent without any order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Final

from sqlalchemy import Connection, text

from plugin_server.db import pulse

QUICK: Final = 0.1
"""Seconds: what takes no longer is made anew for every page, and not kept."""
OLD: Final = timedelta(minutes=15)
DAY: Final = timedelta(days=1)
"""How long a figure is kept that was asked for once: one with a colon in its name."""
SHAPE: Final = 6
"""Raise it when a page needs more of a document than was kept: older ones then count as none."""

Make = Callable[[Connection], Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was made. ``stale``: it would be another now, as far as we know."""

    document: Any
    made_at: datetime
    seconds: float
    stale: bool

    @property
    def quick(self) -> bool:
        """Whether it can be made anew while somebody waits."""
        return self.seconds <= QUICK


def now_made(conn: Connection, make: Make, now: datetime) -> Figure:
    """The figure of this moment; nothing is kept."""
    began = perf_counter()
    document = make(conn)
    return Figure(document, now, perf_counter() - began, stale=False)


def keep(conn: Connection, *, merchant_id: int, name: str, make: Make, now: datetime) -> Figure:
    """Make a figure and keep it. The pulse is read first: what comes in meanwhile makes it stale."""
    beat, _ = pulse.current(conn)
    made = now_made(conn, make, now)
    conn.execute(
        text(
            "INSERT INTO kept_figure (merchant_id, name, beat, made_at, seconds, document) "
            "VALUES (:m, :name, :beat, :at, :seconds, CAST(:document AS jsonb)) "
            "ON CONFLICT (merchant_id, name) DO UPDATE SET beat = excluded.beat, made_at = excluded.made_at, "
            "seconds = excluded.seconds, document = excluded.document WHERE kept_figure.beat <= excluded.beat"
        ),
        {
            "m": merchant_id,
            "name": name,
            "beat": beat,
            "at": now,
            "seconds": made.seconds,
            "document": json.dumps({"shape": SHAPE, "figure": made.document}),
        },
    )
    conn.execute(text("DELETE FROM kept_figure WHERE strpos(name, ':') > 0 AND made_at < :day"), {"day": now - DAY})
    return made


def forget(conn: Connection, name: str | None = None) -> None:
    """What was kept (of one name, or all) is no longer so: rules changed, and not only rows."""
    conn.execute(text("DELETE FROM kept_figure WHERE CAST(:name AS text) IS NULL OR name = :name"), {"name": name})


def age(conn: Connection, *names: str) -> None:
    """What is kept of these names (``outcome:*``: of all that begin so) is shown until it is made anew, at once."""
    conn.execute(
        text("UPDATE kept_figure SET beat = -1 WHERE beat >= 0 AND name LIKE ANY(CAST(:names AS text[]))"),
        {"names": [name.replace("_", r"\_").replace("*", "%") for name in names]},
    )


def is_small(conn: Connection) -> bool:
    """Whether a figure that was never made may be tried while somebody waits: by how many customers there are."""
    found = conn.scalar(text("SELECT count(*) FROM (SELECT 1 FROM customer_facts LIMIT 20001) AS few"))
    return bool(found is not None and found <= 20_000)


def kept(conn: Connection, name: str, now: datetime) -> Figure | None:
    """What was kept last; None where nothing was."""
    row = conn.execute(
        text("SELECT beat, made_at, seconds, document FROM kept_figure WHERE name = :name"), {"name": name}
    ).one_or_none()
    if row is None or row.document.get("shape") != SHAPE:
        return None
    beat, _ = pulse.current(conn)
    if beat and not row.beat:
        # Made while the shop was still empty: that is no figure to show.
        return None
    return Figure(row.document["figure"], row.made_at, row.seconds, beat != row.beat or now - row.made_at > OLD)
