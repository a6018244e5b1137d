"""The holidays a person added or confirmed."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, delete, select, text
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


def remove(conn: Connection, key: str, year: int) -> date | None:
    """Take a date set by hand away; gives the day it was on, None where there is none."""
    gone = delete(HolidayDate).where(HolidayDate.key == key, HolidayDate.year == year).returning(HolidayDate.day)
    return conn.scalar(gone)


def campaigns_on(conn: Connection) -> dict[str, int]:
    """How many running campaigns hang on each holiday."""
    return {row.key: row.n for row in conn.execute(text(_CAMPAIGNS_ON))}


_CAMPAIGNS_ON = """
SELECT v.definition->'trigger'->>'holiday' AS key, count(*) AS n
FROM campaign c JOIN campaign_version v ON v.campaign_id = c.id AND v.version = c.version
WHERE c.state = 'active' AND v.definition->'trigger'->>'holiday' IS NOT NULL GROUP BY 1
"""
