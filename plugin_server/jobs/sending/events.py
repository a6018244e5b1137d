"""Reports of the mail provider: from the inbox to messages, suppressions and consent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from connectors.errors import BadPayload
from plugin_server import wiring
from plugin_server.db.sending import delivery
from plugin_server.db.session import tenant
from plugin_server.db.shops import inbox
from plugin_server.jobs.queues import awake
from plugin_server.wiring import Services

BATCH: Final = 50


def drain_mail_events(merchant_id: int) -> None:
    """Job: work off what the provider has told us, oldest first."""
    services = wiring.services()
    awake(services.redis, drain_mail_events, merchant_id)
    while drain(services, merchant_id):
        pass


def drain(services: Services, merchant_id: int) -> int:
    """One batch of the inbox; gives how many deliveries it held. What one of them does, it does in one transaction."""
    with tenant(services.engine, merchant_id) as conn:
        rows = inbox.claim(conn, provider=wiring.MAIL_REPORTS, limit=BATCH, now=services.now())
    for row in rows:
        with tenant(services.engine, merchant_id) as conn:
            state, note = _take(conn, merchant_id, row, services.now())
            inbox.settle(conn, [row.id], state, note, now=services.now())
    return len(rows)


def _take(conn: Connection, merchant_id: int, row: Row[Any], now: datetime) -> tuple[str, str]:
    try:
        events = wiring.mail_reports(bytes(row.body), received_at=row.received_at)
    except BadPayload as error:
        return "failed", str(error)
    new = delivery.apply(conn, merchant_id, events, now)
    return "done", f"{new} of {len(events)} reports were new"
