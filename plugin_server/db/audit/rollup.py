"""The audit kept ready for its page, and how fresh it is.

Made at night and after orders changed. Whoever reads it learns when it was made and whether orders changed since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db import pulse
from plugin_server.db.audit.ahead import ahead
from plugin_server.db.audit.figures import audit

QUICK = 0.5
"""Seconds: an audit that took no longer is made anew for every page that finds it stale."""
SPANS_KEPT = 24
SHAPE = 5
"""Raise it when pages need more of a document than was kept: older ones are then made anew."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An audit as it was made. ``stale_since`` is None while no order changed after it."""

    document: dict[str, Any]
    made_at: datetime
    seconds: float
    stale_since: datetime | None

    @property
    def quick(self) -> bool:
        """Whether it can be made anew while somebody waits."""
        return self.seconds <= QUICK


def name_of(first: date | None, last: date | None) -> str:
    """``all``, or ``2026-01-01..2026-06-30`` with either end left out."""
    return "all" if first is None and last is None else f"{first or ''}..{last or ''}"


def days_of(span: str) -> tuple[date | None, date | None]:
    """The days of a span's name."""
    first, _, last = ("", "", "") if span == "all" else span.partition("..")
    return (date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)


def now_made(conn: Connection, *, merchant: Mapping[str, Any], span: str, now: datetime) -> Ready:
    """The audit of a span as it is at this moment; nothing is kept."""
    began, (first, last) = perf_counter(), days_of(span)
    document = audit(conn, merchant=merchant, date_from=first, date_to=last, now=now)
    return Ready(document, now, perf_counter() - began, None)


def make(conn: Connection, *, merchant: Mapping[str, Any], span: str, now: datetime) -> Ready:
    """Make the audit of a span and keep it. The pulse is read first: what comes in meanwhile shows as stale."""
    beat, _ = pulse.current(conn)
    made = now_made(conn, merchant=merchant, span=span, now=now)
    conn.execute(
        text(
            "INSERT INTO audit_rollup (merchant_id, span, beat, made_at, seconds, document) "
            "VALUES (:m, :span, :beat, :at, :seconds, cast(:document AS jsonb)) "
            "ON CONFLICT (merchant_id, span) DO UPDATE SET beat = excluded.beat, made_at = excluded.made_at, "
            "seconds = excluded.seconds, document = excluded.document WHERE audit_rollup.beat <= excluded.beat"
        ),
        {
            "m": merchant["id"],
            "span": span,
            "beat": beat,
            "at": now,
            "seconds": made.seconds,
            "document": json.dumps({"shape": SHAPE, "audit": made.document}),
        },
    )
    conn.execute(
        text(
            "DELETE FROM audit_rollup WHERE span <> 'all' AND span NOT IN "
            "(SELECT span FROM audit_rollup ORDER BY made_at DESC LIMIT :kept)"
        ),
        {"kept": SPANS_KEPT},
    )
    return made


def kept(conn: Connection, span: str) -> Ready | None:
    """What was made last for a span."""
    row = conn.execute(
        text("SELECT beat, made_at, seconds, document FROM audit_rollup WHERE span = :span"), {"span": span}
    ).one_or_none()
    if row is None or row.document.get("shape") != SHAPE:
        return None
    beat, beaten_at = pulse.current(conn)
    _carry_on(conn, row.document["audit"])
    return Ready(row.document["audit"], row.made_at, row.seconds, beaten_at if beat != row.beat else None)


def _carry_on(conn: Connection, document: dict[str, Any]) -> None:
    """The dashed part of the curve follows the newest forecast, which is made at another hour than the audit."""
    acquired, margin = document["acquisition"], document["margin"]["rate"]
    curve, currency = acquired["ltv"]["curve"], document["revenue"]["currency"]
    acquired["ltv"]["forecast"] = ahead(conn, curve=curve, cac=acquired["cac"], rate=margin, currency=currency)


def is_small(conn: Connection) -> bool:
    """Whether an audit that was never made may be tried while somebody waits: by how many orders there are."""
    found = conn.scalar(text("SELECT count(*) FROM (SELECT 1 FROM shop_order LIMIT 20001) AS few"))
    return bool(found is not None and found <= 20_000)
