"""The nightly re-reading of the ladder: what time alone changes, and whatever an increment might have missed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from plugin_server.db.ladder import facts, first_reading, known, rungs
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.jobs.series.leaving import leave_at_once
from plugin_server.wiring import Services, services


def recomputed(using: Services, merchant_id: int) -> dict[str, int]:
    """Recompute all facts, the shop's rhythm and all rungs of a merchant; gives how many rows each changed."""
    with tenant(using.engine, merchant_id) as conn:
        done = everybody(conn, merchant_id=merchant_id, now=using.now())
    with tenant(using.engine, merchant_id) as conn:
        known.catch_up(conn, merchant_id=merchant_id, now=using.now())
    return done


def everybody(conn: Connection, *, merchant_id: int, now: datetime) -> dict[str, int]:
    """The whole shop in the caller's transaction."""
    beside(conn, merchant_id=merchant_id, customer_ids=None)
    first = first_reading.read(conn, merchant_id=merchant_id, now=now)
    if first is not None:
        return {"facts": first, "rungs": first}
    refreshed, new = first_reading.read_on(conn, merchant_id=merchant_id, now=now)
    climbed = ladder.climb(conn, merchant_id=merchant_id, customer_ids=None, now=now)
    return {"facts": refreshed + new, "rungs": climbed + new}


def touched(
    conn: Connection,
    *,
    merchant_id: int,
    customer_ids: list[int] | None,
    now: datetime,
    read: Collection[int] = frozenset(),
) -> dict[str, int]:
    """What an ingest calls for the customers it touched (None: all): facts, then rungs, then who leaves a series.

    The facts of those in ``read`` are up to date already.
    """
    if customer_ids is None:
        return everybody(conn, merchant_id=merchant_id, now=now)
    beside(conn, merchant_id=merchant_id, customer_ids=customer_ids)
    unread = [customer for customer in customer_ids if customer not in read]
    refreshed = facts.refresh(conn, merchant_id=merchant_id, customer_ids=unread, now=now)
    climbed = ladder.climb(conn, merchant_id=merchant_id, customer_ids=customer_ids, now=now)
    leave_at_once(conn, merchant_id, customer_ids, now)
    return {"facts": refreshed + len(read), "rungs": climbed}


def beside(conn: Connection, *, merchant_id: int, customer_ids: list[int] | None) -> None:
    """Habits and contact: at once what the ladder asks for, the rest within a minute (``catch_up``)."""
    if known.note_due(conn, merchant_id=merchant_id, customer_ids=customer_ids):
        wanted = known.groups_of(rungs.shop(conn, merchant_id).asked)
        known.refresh(conn, merchant_id=merchant_id, customer_ids=customer_ids, groups=wanted)


def catch_up(merchant_id: int) -> None:
    """Job: read anew the habits and contact that are due."""
    using = services()
    awake(using.redis, catch_up, merchant_id)
    with tenant(using.engine, merchant_id) as conn:
        known.catch_up(conn, merchant_id=merchant_id, now=using.now())
