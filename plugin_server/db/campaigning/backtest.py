"""Whom a campaign would have met on past days: events as they happened then, people on the rung of then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Date, Text, Time, column, func, insert, literal, select, table, text

from campaigns.schema import Campaign
from campaigns.triggers import Once, OnEvent
from plugin_server.db.campaigning import audience
from plugin_server.db.campaigning.happened import happened_on
from plugin_server.db.models.ladder import RungChange

_MET: Final = table(
    "backtest_met",
    column("day", Date),
    column("customer_id", BigInteger),
    column("arm", Text),
    column("reason", Text),
)
_MAKE: Final = """
CREATE TEMPORARY TABLE backtest_met (day date, customer_id bigint, arm text, reason text) ON COMMIT DROP
"""
_DAYS: Final = """
SELECT day, arm, coalesce(reason, '') AS reason, count(*) AS n FROM backtest_met GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_PEOPLE: Final = "SELECT count(DISTINCT customer_id) FROM backtest_met WHERE arm = 'treated'"
_SOME: Final = """
SELECT m.customer_id, btrim(c.first_name || ' ' || c.last_name) AS name, c.email, f.rung,
       count(*) AS times, max(m.day) AS last
FROM backtest_met m JOIN customer c ON c.id = m.customer_id JOIN customer_facts f ON f.customer_id = c.id
WHERE m.arm = 'treated' GROUP BY 1, 2, 3, 4 ORDER BY last DESC, m.customer_id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Met:
    """Whom past firings would have met: tallies by day (days that met nobody are left out), people, some of them."""

    days: dict[date, dict[str, Any]]
    people: int
    sample: list[dict[str, Any]]


def met_by_event(
    conn: Connection,
    *,
    merchant_id: int,
    campaign: Campaign,
    campaign_id: int,
    days: Sequence[date],
    now: datetime,
    sample: int = 20,
) -> Met:
    """Tallies of ``meet``, with some of the people."""
    meet(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=campaign_id, days=days, now=now)
    rows: dict[date, list[Any]] = {}
    for row in conn.execute(text(_DAYS)):
        rows.setdefault(row.day, []).append(row)
    some = [{**row, "last": row["last"].isoformat()} for row in conn.execute(text(_SOME), {"limit": sample}).mappings()]
    return Met(
        {day: audience.tally_of(found) for day, found in rows.items()}, int(conn.scalar(text(_PEOPLE)) or 0), some
    )


def anybody(campaign: Campaign) -> Campaign:
    """The campaign for everybody its rule is for, whatever happened to them, on any rung, and never entered before."""
    whom = campaign.audience.model_copy(update={"rungs": "all"})
    return campaign.model_copy(update={"trigger": Once(kind="once"), "audience": whom, "steps": ()})


def _rung(customer_id: Any, moment: Any) -> Any:
    """Where somebody stood at a moment, by the log of moves; null before the first of them."""
    before = select(RungChange.to_rung).where(RungChange.customer_id == customer_id, RungChange.changed_at <= moment)
    return before.order_by(RungChange.changed_at.desc(), RungChange.id.desc()).limit(1).scalar_subquery()


def meet(
    conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, days: Sequence[date], now: datetime
) -> None:
    """Fills the temporary table ``backtest_met`` (day, customer_id, arm, reason) for a campaign on an event.

    One statement finds the events of all days. Rungs are those on which people stood then; rule, consent and draw are
    those of ``now``.
    """
    trigger = campaign.trigger
    if not isinstance(trigger, OnEvent):
        raise TypeError(f"{trigger.kind} is no event")
    of = audience.setting(conn, merchant_id, campaign_id)
    events = happened_on(
        trigger, timezone=of.timezone, days=days, rungs=of.shop.ladder.keys, topic=campaign.audience.topic
    ).subquery("events")
    people = audience.audience(anybody(campaign), of, now).subquery("people")
    found = select(events.c.day, people.c.customer_id, people.c.arm, people.c.reason).join(
        people, people.c.customer_id == events.c.customer_id
    )
    if campaign.audience.rungs != "all":
        moment = func.timezone(of.timezone, events.c.day + literal(trigger.at, Time))
        found = found.where(
            func.coalesce(_rung(people.c.customer_id, moment), people.c.rung).in_(campaign.audience.rungs)
        )
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.backtest_met"))
    conn.execute(text(_MAKE))
    conn.execute(insert(_MET).from_select(["day", "customer_id", "arm", "reason"], found))
