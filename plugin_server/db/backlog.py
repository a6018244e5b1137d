"""How much work waits, over all merchants, in counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, func, select

from plugin_server.db.models.inbox import InboundEvent
from plugin_server.db.models.message import Message
from plugin_server.db.models.offer import OfferCode
from plugin_server.db.models.periodic import PeriodicJob
from plugin_server.db.session import merchant_ids, tenant

KINDS = {
    "inbound_events": select(func.count()).select_from(InboundEvent).where(InboundEvent.state == "received"),
    "messages": select(func.count()).select_from(Message).where(Message.state == "planned"),
    "codes": select(func.count()).select_from(OfferCode).where(OfferCode.state == "planned"),
}


def waiting(engine: Engine) -> dict[str, int]:
    """Rows that wait for a worker, by kind."""
    found = dict.fromkeys(KINDS, 0)
    for merchant_id in merchant_ids(engine):
        with tenant(engine, merchant_id) as connection:
            for kind, query in KINDS.items():
                found[kind] += connection.scalar(query) or 0
    return found


def last_sweep(connection: Connection) -> datetime | None:
    """When the sweeper last finished; None where it never ran."""
    return connection.scalar(select(PeriodicJob.last_finished).where(PeriodicJob.key == "sweep"))
