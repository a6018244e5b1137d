"""The holidays a person added or confirmed."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from campaigns.calendar import Override
from plugin_server.db.models.calendar import HolidayDate


def overrides(conn: Connection) -> tuple[Override, ...]:
    """All dates set by hand, oldest first."""
    rows = conn.execute(select(HolidayDate).order_by(HolidayDate.day)).all()
    return tuple(
        Override(row.key, row.year, row.day, row.status == "confirmed", tuple(row.names.items())) for row in rows
    )


def put(
    conn: Connection, *, merchant_id: int, key: str, year: int, day: date, confirmed: bool, names: dict[str, str]
) -> None:
    """Set or correct one date. Campaigns that hang on it move with it, for their firings are computed, not stored."""
    values = {"day": day, "status": "confirmed" if confirmed else "estimated", "names": names}
    statement = insert(HolidayDate).values(merchant_id=merchant_id, key=key, year=year, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["merchant_id", "key", "year"], set_=values))
