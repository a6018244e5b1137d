"""Ends doubts by asking the mail provider's log: a mail found there was taken, whatever became of its answer."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from campaigns.mail.fence import HELD
from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.sending import delivery, doubts
from plugin_server.db.sending.doubts import OpenAttempt
from plugin_server.db.session import tenant
from plugin_server.jobs.outside import Outside, outside
from plugin_server.jobs.queues import awake
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
LOGS_AFTER: Final = timedelta(minutes=15)
"""Reports usually settle a doubt sooner, and the log lags behind."""
SPAN: Final = timedelta(minutes=10) + HELD
"""How far the provider's clock and queue may be from ours, and how much earlier a fenced request was taken."""


def ask_log(merchant_id: int) -> None:
    """Job: look for all requests in doubt of a merchant in the provider's log."""
    services = wiring.services()
    awake(services.redis, ask_log, merchant_id)
    look_up(services, outside(services, merchant_id), merchant_id)


def old_enough(attempt: OpenAttempt, now: datetime) -> bool:
    """Whether a request in doubt is worth looking up."""
    return attempt.state == "in_doubt" and now - attempt.since >= LOGS_AFTER


def look_up(services: Services, world: Outside, merchant_id: int) -> int:
    """Confirm what the log holds; gives how many requests that were. No transaction is open while it is asked."""
    now, confirmed = services.now(), 0
    if world.account is None:
        return 0
    with tenant(services.engine, merchant_id) as conn:
        waiting = [one for one in doubts.open_attempts(conn) if old_enough(one, now) and one.backend == world.backend]
        emails = {one.id: _emails(conn, one) for one in waiting}
    for attempt in waiting:
        try:
            taken = world.account.has_taken(
                attempt_id=str(attempt.id), emails=emails[attempt.id], since=attempt.since - SPAN,
                until=attempt.since + LOGS_AFTER,
            )  # fmt: skip
        except ConnectorError as error:
            log.warning("the provider's log cannot be read: %s", error)
            return confirmed
        if taken:
            with tenant(services.engine, merchant_id) as conn:
                delivery.confirm(conn, [attempt.id], [], services.now(), "confirmed by the provider's log")
            confirmed += 1
    return confirmed


def _emails(conn: Connection, attempt: OpenAttempt) -> list[str]:
    found = text("SELECT email FROM message WHERE id = ANY(:ids) ORDER BY id LIMIT 3")
    return list(conn.scalars(found, {"ids": attempt.message_ids}))
