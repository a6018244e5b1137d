"""The numbers of the first screen: who stands where, what moved, what is being read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from plugin_server.db.models.facts import CustomerFacts
from plugin_server.db.models.ladder import RungChange
from plugin_server.db.models.store import Store, SyncRun


@dataclass(frozen=True, slots=True)
class Standing:
    """Customers of one rung: all, by activity, and how many of the active and cooling (``cooling``) agreed to mails."""

    count: int = 0
    activity: Counter[str] = field(default_factory=Counter)
    reachable: int = 0
    cooling: int = 0


def tally(connection: Connection) -> list[list[Any]]:
    """[rung, activity, customers, those who may be written to] in one pass over the facts."""
    facts = CustomerFacts
    subscribed = func.count().filter(facts.consent_promotions == "subscribed")
    rows = connection.execute(
        select(facts.rung, facts.activity, func.count(), subscribed)
        .where(facts.rung.is_not(None))
        .group_by(facts.rung, facts.activity)
    )
    return [list(row) for row in rows]


def standings(rows: list[list[Any]]) -> dict[str, Standing]:
    """Every rung with somebody on it, from a ``tally``."""
    found: dict[str, Standing] = {}
    for rung, activity, count, willing in rows:
        old = found.get(rung, Standing())
        found[rung] = Standing(
            old.count + count,
            old.activity + Counter({activity: count}),
            old.reachable + (willing if activity != "lapsed" else 0),
            old.cooling + (willing if activity == "cooling" else 0),
        )
    return found


def movement(connection: Connection, since: datetime) -> dict[str, int]:
    """By rung: how many came to stand on it since then, less those who left it."""
    moves = RungChange
    rows = connection.execute(
        select(moves.from_rung, moves.to_rung, func.count())
        .where(moves.changed_at >= since)
        .group_by(moves.from_rung, moves.to_rung)
    )
    net: Counter[str] = Counter()
    for origin, to, count in rows:
        net[to] += count
        if origin:
            net[origin] -= count
    return dict(net)


def reading(connection: Connection) -> Row[*tuple[Any, ...]] | None:
    """The reading of a store that is under way or waits, if any."""
    return connection.execute(
        select(SyncRun, Store.name.label("store_name"))
        .join(Store, Store.id == SyncRun.store_id)
        .where(SyncRun.state.in_(("queued", "running")))
        .order_by(SyncRun.state.desc(), SyncRun.id.desc())
        .limit(1)
    ).first()


def stores(connection: Connection) -> list[Row[*tuple[Any, ...]]]:
    """The stores with when each was last read to the end."""
    last = (
        select(func.max(SyncRun.finished_at))
        .where(SyncRun.store_id == Store.id, SyncRun.state == "done")
        .scalar_subquery()
    )
    return list(
        connection.execute(
            select(
                Store.id,
                Store.name,
                Store.url,
                Store.platform,
                Store.state,
                Store.state_reason,
                last.label("synced_at"),
            )
            .where(Store.state != "disconnected")
            .order_by(Store.id)
        )
    )
