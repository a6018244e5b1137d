"""What the page of a store shows: the shop, its newest readings, and what it says of our webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.models.inbox import InboundEvent
from plugin_server.db.models.store import Store, SyncRun

RATE_AFTER = 2.0
"""Seconds of reading before a rate says anything."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A reading so far: rows per second, and seconds left where the store said how many rows there are."""

    run: Row[*tuple[Any, ...]]
    rate: float | None
    seconds_left: float | None

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where the store does not say how many there are."""
        return min(self.run.seen / self.run.total, 1.0) if self.run.total else None


def store(connection: Connection, store_id: int) -> Row[*tuple[Any, ...]] | None:
    """The store's row, without its secrets."""
    return connection.execute(
        select(
            Store.id,
            Store.platform,
            Store.name,
            Store.url,
            Store.state,
            Store.state_reason,
            Store.read_only,
            Store.fingerprint,
            Store.told_fingerprint,
            Store.currency,
            Store.timezone,
            Store.version,
            Store.capabilities,
            Store.checks,
            Store.webhooks,
            Store.checked_at,
        ).where(Store.id == store_id)
    ).first()


def progress(connection: Connection, store_id: int, now: datetime) -> Progress | None:
    """The newest reading of the store, with its speed; None where it was never read."""
    run = connection.execute(
        select(
            SyncRun.id,
            SyncRun.kind,
            SyncRun.state,
            SyncRun.phase,
            SyncRun.seen,
            SyncRun.total,
            SyncRun.counters,
            SyncRun.faults,
            SyncRun.error,
            SyncRun.started_at,
            SyncRun.finished_at,
        )
        .where(SyncRun.store_id == store_id)
        .order_by(SyncRun.id.desc())
        .limit(1)
    ).first()
    if run is None:
        return None
    elapsed = ((run.finished_at or now) - run.started_at).total_seconds() if run.started_at else 0.0
    rate = run.seen / elapsed if run.seen and elapsed >= RATE_AFTER else None
    left = (run.total - run.seen) / rate if rate and run.total and run.state == "running" else None
    return Progress(run, rate, max(left, 0.0) if left is not None else None)


def readings(connection: Connection, store_id: int, limit: int = 5) -> list[Row[*tuple[Any, ...]]]:
    """The newest readings."""
    return list(
        connection.execute(
            select(
                SyncRun.id,
                SyncRun.kind,
                SyncRun.state,
                SyncRun.seen,
                SyncRun.counters,
                SyncRun.faults,
                SyncRun.error,
                SyncRun.queued_at,
                SyncRun.finished_at,
            )
            .where(SyncRun.store_id == store_id)
            .order_by(SyncRun.id.desc())
            .limit(limit)
        )
    )


def events(connection: Connection, store_id: int) -> Row[*tuple[Any, ...]]:
    """What reached us by webhook: the newest time, how many wait, how many could not be used."""
    event = InboundEvent
    return connection.execute(
        select(
            select(func.max(event.received_at)).where(event.store_id == store_id).scalar_subquery().label("newest"),
            _how_many("received", store_id).label("waiting"),
            _how_many("failed", store_id).label("failed"),
        )
    ).one()


def held(connection: Connection, store_id: int) -> Row[*tuple[Any, ...]]:
    """What parting with it stops and leaves: active ``campaigns``, and ``codes`` that are out."""
    return connection.execute(_HELD, {"store": store_id}).one()


_HELD = text(
    """SELECT (SELECT count(*) FROM campaign WHERE state = 'active') AS campaigns,
              (SELECT count(*) FROM offer_code WHERE store_id = :store AND state = 'issued') AS codes"""
)


def webhooks_seen(
    connection: Connection, store_id: int, states: Sequence[Mapping[str, str]] | None, trouble: str, now: datetime
) -> None:
    """Keep how our webhooks stand at the shop; where it did not tell (None), what we knew stays, with the trouble."""
    seen: dict[str, Any] = {"at": now.isoformat(), "trouble": trouble}
    if states is not None:
        seen["states"] = [dict(one) for one in states]
    # The merging keeps the older states.
    kept = Store.webhooks.concat(cast(seen, JSONB))
    connection.execute(update(Store).where(Store.id == store_id).values(webhooks=kept))


def _how_many(state: str, store_id: int) -> ScalarSelect[int]:
    event = InboundEvent
    return select(func.count()).where(event.store_id == store_id, event.state == state).scalar_subquery()


def call_it(connection: Connection, store_id: int, name: str) -> None:
    """Use the name the shop gives itself, where we only knew its address."""
    connection.execute(
        update(Store)
        .where(Store.id == store_id, func.strpos(Store.url, Store.name) > 0)
        .values(name=name.strip() or Store.name)
    )
