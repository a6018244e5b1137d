"""Which of a reader's goods run out: those of the day that the campaign listens for, else the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.calendar import day_of
from campaigns.schema import Campaign
from campaigns.triggers import OnEvent
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.sending.ledger import Claimed


def told(conn: Connection, run: Run, readers: Sequence[Claimed], zone: str, now: datetime) -> list[Claimed]:
    """The readers with what runs out for them. Who has reordered since is told of nothing by name."""
    found = _found(conn, [reader.customer_id for reader in readers], _day(run), now.astimezone(ZoneInfo(zone)).date())
    return [replace(reader, supply=found.get(reader.customer_id)) for reader in readers]


def example(conn: Connection, campaign: Campaign, customer_id: int | None, now: datetime) -> tuple[str, date] | None:
    """For a preview: what this customer has at home, or any of the shop's goods that get used up."""
    today = now.date()
    if customer_id is not None:
        return _found(conn, [customer_id], None, today).get(customer_id)
    named = conn.scalar(text(_ANY))
    return (str(named), today + timedelta(days=_before(campaign))) if named else None


def _before(campaign: Campaign) -> int:
    trigger = campaign.trigger
    return -trigger.after_days if isinstance(trigger, OnEvent) and trigger.event == "supply_ends" else 5


def _day(run: Run) -> date | None:
    trigger, day = run.campaign.trigger, day_of(run.occasion)
    if day is None or run.step is not None or not isinstance(trigger, OnEvent) or trigger.event != "supply_ends":
        return None
    return day - timedelta(days=trigger.after_days)


def _found(conn: Connection, ids: list[int], on: date | None, today: date) -> dict[int, tuple[str, date]]:
    rows: Any = conn.execute(text(_ENDS), {"ids": ids, "on": on, "today": today})
    return {row.customer_id: (row.products, row.day) for row in rows}


_ENDS: Final = """
SELECT h.customer_id, s.day, string_agg(s.product, ', ' ORDER BY s.product) AS products
FROM customer_habits h CROSS JOIN LATERAL unnest(h.supply_products, h.supply_dates) AS s(product, day)
WHERE h.customer_id = ANY(:ids) AND s.day = coalesce(CAST(:on AS date), (
    SELECT min(day) FROM unnest(h.supply_dates) AS day WHERE day >= CAST(:today AS date)))
GROUP BY h.customer_id, s.day
"""
_ANY: Final = "SELECT title FROM product WHERE active AND days_of_supply > 0 ORDER BY id LIMIT 1"
