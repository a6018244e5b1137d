"""Readings of a store: one at a time, with progress anyone can look at, and how far each resource has been read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

LOCK = 7_410_003
"""With the store's number: the advisory lock that lets one reading of a store run at a time."""

PAID = "paid"
"""Among the counters of a failed reading: whatever came in, its facts and rungs were read before it failed."""

KINDS = ("incremental", "full", "reconcile")
"""Each does all that the one before it does."""
TRIES = 5
"""So many readings of a store may die in a row, killed from outside or out of memory, until none is begun unasked."""
GIVEN_UP = (
    "The process that read the shop was ended {times} times in a row before it was through, so the shop is read only "
    "at night now. Mostly the server has too little memory, or was restarted again and again. Mend that, then read "
    "everything again here."
)


class AlreadyRunning(RuntimeError):
    """Another reading of this store is going on; the sentence says so."""


@contextmanager
def alone(engine: Engine, store_id: int) -> Iterator[None]:
    """Be the only reading of this store, for as long as this process lives. Raises ``AlreadyRunning``."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"lock": LOCK, "store": store_id}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock, :store)"), key):
            raise AlreadyRunning("This store is being read already. Wait for that reading to end, then try again.")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock, :store)"), key)


def queue(connection: Connection, *, merchant_id: int, store_id: int, kind: str, now: datetime) -> int:
    """Ask for a reading; gives its id, or that of an equal one that waits already."""
    waiting: int | None = connection.scalar(
        text("SELECT id FROM sync_run WHERE store_id = :store AND kind = :kind AND state = 'queued'"),
        {"store": store_id, "kind": kind},
    )
    return waiting or _add(connection, merchant_id, store_id, kind, "queued", now)


def promise(connection: Connection, *, merchant_id: int, store_id: int, now: datetime) -> None:
    """Write down that a store that was never read will be: pages say so from its first moment on."""
    known = connection.scalar(text("SELECT EXISTS (SELECT FROM sync_run WHERE store_id = :store)"), {"store": store_id})
    if not known:
        queue(connection, merchant_id=merchant_id, store_id=store_id, kind="full", now=now)


def forgo(connection: Connection, store_id: int) -> None:
    """Take back what was promised to a store that cannot be read as it stands."""
    connection.execute(text("DELETE FROM sync_run WHERE store_id = :store AND state = 'queued'"), {"store": store_id})


def begin(connection: Connection, *, merchant_id: int, store_id: int, kind: str, now: datetime) -> tuple[int, str]:
    """Start a reading (the one queued, if there is one); gives its id and kind.

    What killed ones left is closed as failed, and done here: where one of them was to read more, so does this one.
    """
    values: dict[str, Any] = {"store": store_id, "now": now}
    killed = connection.scalars(
        text(
            "UPDATE sync_run SET state = 'failed', finished_at = :now, deaths = deaths + 1, "
            "error = 'It was interrupted, and begun again.' WHERE store_id = :store AND state = 'running' "
            "RETURNING kind"
        ),
        values,
    ).all()
    values["kind"] = kind = max((kind, *killed), key=KINDS.index)
    deaths = connection.scalar(text(f"SELECT coalesce(({_DEATHS}), 0)"), values)
    queued: int | None = connection.scalar(
        text(
            "UPDATE sync_run SET state = 'running', started_at = :now, beat_at = :now WHERE id = (SELECT min(id) FROM "
            "sync_run WHERE store_id = :store AND kind = :kind AND state = 'queued') RETURNING id"
        ),
        values,
    )
    run_id = queued or _add(connection, merchant_id, store_id, kind, "running", now)
    connection.execute(text("UPDATE sync_run SET deaths = :deaths WHERE id = :id"), {"deaths": deaths, "id": run_id})
    return run_id, kind


_DEATHS = """
    SELECT deaths FROM sync_run WHERE store_id = :store AND finished_at IS NOT NULL
    ORDER BY finished_at DESC, id DESC LIMIT 1
"""


def broken_off(connection: Connection, store_id: int) -> bool:
    """Whether the last reading of the store that ended may have left undone what follows from its rows."""
    found: bool | None = connection.scalar(
        text(
            "SELECT state = 'failed' AND NOT counters ? :paid FROM sync_run WHERE store_id = :store "
            "AND finished_at IS NOT NULL ORDER BY finished_at DESC, id DESC LIMIT 1"
        ),
        {"store": store_id, "paid": PAID},
    )
    return bool(found)


def _add(connection: Connection, merchant_id: int, store_id: int, kind: str, state: str, now: datetime) -> int:
    made: int = connection.execute(
        text(
            "INSERT INTO sync_run (merchant_id, store_id, kind, state, queued_at, started_at, beat_at) "
            "VALUES (:merchant, :store, :kind, :state, :now, CASE WHEN :state = 'running' THEN :now END, "
            "CASE WHEN :state = 'running' THEN :now END) RETURNING id"
        ),
        {"merchant": merchant_id, "store": store_id, "kind": kind, "state": state, "now": now},
    ).scalar_one()
    return made


def beat(
    connection: Connection,
    run_id: int,
    *,
    phase: str,
    seen: int,
    total: int | None,
    counters: dict[str, Any],
    now: datetime,
) -> None:
    """Say how far a reading is. ``total`` None: the store does not tell."""
    connection.execute(
        text(
            "UPDATE sync_run SET phase = :phase, seen = :seen, total = :total, counters = CAST(:counters AS jsonb), "
            "beat_at = :now WHERE id = :id"
        ),
        {"id": run_id, "phase": phase, "seen": seen, "total": total, "counters": json.dumps(counters), "now": now},
    )


def finish(
    connection: Connection,
    run_id: int,
    *,
    counters: dict[str, Any],
    faults: list[tuple[str, str]],
    error: str = "",
    now: datetime,
) -> None:
    """Close a reading: ``done``, or ``failed`` with a sentence. The first 200 unreadable rows are kept by place."""
    connection.execute(
        text(
            "UPDATE sync_run SET state = :state, phase = '', counters = CAST(:counters AS jsonb), "
            "faults = CAST(:faults AS jsonb), error = :error, finished_at = :now, beat_at = :now, deaths = 0 "
            "WHERE id = :id"
        ),
        {
            "id": run_id,
            "state": "failed" if error else "done",
            "counters": json.dumps(counters),
            "faults": json.dumps({"count": len(faults), "first": faults[:200]}),
            "error": error,
            "now": now,
        },
    )


def since(connection: Connection, store_id: int, resource: str) -> datetime | None:
    """Up to when a resource has been read; None where it never was."""
    found: datetime | None = connection.scalar(
        text("SELECT since FROM sync_cursor WHERE store_id = :store AND resource = :resource"),
        {"store": store_id, "resource": resource},
    )
    return found


def move(connection: Connection, *, merchant_id: int, store_id: int, resource: str, to: datetime) -> None:
    """Keep how far a resource has been read; never backwards."""
    connection.execute(
        text(
            "INSERT INTO sync_cursor (merchant_id, store_id, resource, since) "
            "VALUES (:merchant, :store, :resource, :to) "
            "ON CONFLICT (store_id, resource) DO UPDATE SET since = greatest(sync_cursor.since, excluded.since)"
        ),
        {"merchant": merchant_id, "store": store_id, "resource": resource, "to": to},
    )


def to_resume(connection: Connection) -> list[tuple[int, str]]:
    """(store id, kind) of readings that wait, and of those whose process died: for the sweeper to wake."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT store_id, kind FROM sync_run WHERE state = 'queued' "
            f"OR (state = 'running' AND deaths + 1 < :tries AND {_DEAD}) ORDER BY 1, 2"
        ),
        {"lock": LOCK, "tries": TRIES},
    )
    return [(row.store_id, row.kind) for row in rows]


def give_up(connection: Connection, now: datetime) -> int:
    """Close the readings that died once too often; gives how many. Another, when it is asked for, is tried once.

    A shop that fills the memory kills every process that reads it: begun again and again, it would keep a worker from
    all the others for ever.
    """
    return connection.execute(
        text(
            "UPDATE sync_run SET state = 'failed', finished_at = :now, deaths = deaths + 1, error = :error "
            f"WHERE state = 'running' AND deaths + 1 >= :tries AND {_DEAD}"
        ),
        {"lock": LOCK, "tries": TRIES, "now": now, "error": GIVEN_UP.format(times=TRIES)},
    ).rowcount


def given_up(connection: Connection) -> set[int]:
    """The stores whose readings died once too often: only a person, or the night, has them read again."""
    return set(connection.scalars(text(LOST), {"tries": TRIES}))


LOST = """SELECT s.id FROM store s WHERE :tries <= (SELECT deaths FROM sync_run r WHERE r.store_id = s.id
    ORDER BY r.id DESC LIMIT 1)"""

# Who reads holds the store's lock, from before the reading is written down until after its end; the dead hold none.
_DEAD = """NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = :lock
    AND objid = store_id AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"""
