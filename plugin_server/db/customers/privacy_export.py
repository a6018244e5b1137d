"""All we hold of one person, table by table, as they may ask to see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db.customers.erasure import Family
from plugin_server.db.personal import HELD

OURS = {"merchant_id"}
"""Columns that say nothing of the person."""


def export(connection: Connection, of: Family, now: datetime) -> dict[str, Any]:
    """``{"exported_at", "customer": {"ids", "emails"}, "data": {table: [rows]}}``; empty tables are left out."""
    data: dict[str, list[Any]] = {}
    for held in HELD:
        if not held.told:
            continue
        rows = connection.scalars(
            text(f"SELECT to_jsonb(t) FROM {held.table} t WHERE {held.whose} ORDER BY to_jsonb(t)::text"), of.values
        ).all()
        hidden = OURS | held.hidden
        if rows:
            data[held.table] = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
    return {
        "exported_at": now.isoformat(),
        "customer": {"ids": list(of.ids), "emails": list(of.emails)},
        "data": data,
    }
