"""Keeps our list of addresses that must not be mailed and the mail provider's own lists in step, both ways."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy import Connection, text

from connectors.base import MailAccount
from connectors.errors import ConnectorError
from connectors.mail_types import DeliveryKind, Suppressed
from plugin_server import wiring
from plugin_server.db.customers import consents
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.outside import outside
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
OVERLAP: Final = timedelta(days=1)
EPOCH: Final = datetime(2009, 7, 1, tzinfo=UTC)
"""Before the provider existed: the first reading takes everything."""
BATCH: Final = 1_000
SOURCE: Final = "mail provider"


def exchange_all(services: Services) -> None:
    """Wake one exchange for each merchant."""
    for merchant_id in merchant_ids(services.engine):
        if wiring.mail_account(services, merchant_id) is not None:
            wake(services.redis, exchange_suppressions, merchant_id, on="bulk", hold=600)


def exchange_suppressions(merchant_id: int) -> None:
    """Job: read what is new on the provider's lists, and tell it what is new on ours."""
    services = wiring.services()
    awake(services.redis, exchange_suppressions, merchant_id)
    account = outside(services, merchant_id).account
    if account is None:
        return
    try:
        exchange(services, account, merchant_id)
    except ConnectorError as error:
        log.warning("the provider's lists cannot be read: %s", error)


def exchange(services: Services, account: MailAccount, merchant_id: int) -> tuple[int, int]:
    """(Addresses of this merchant's customers found on the provider's lists, addresses told to the provider).

    Where it was left off is written down only after both ways were gone, so that a failure repeats all of it.
    """
    now = services.now()
    with tenant(services.engine, merchant_id) as conn:
        since = _since(conn)
        ours = list(
            conn.scalars(
                text("SELECT email_norm FROM suppression WHERE since >= :since AND source <> :source"),
                {"since": since, "source": SOURCE},
            )
        )
    found, rows = 0, account.suppressed(since=since)
    while batch := list(islice(rows, BATCH)):
        with tenant(services.engine, merchant_id) as conn:
            found += _take(conn, merchant_id, batch, now)
    account.suppress(ours)
    with tenant(services.engine, merchant_id) as conn:
        conn.execute(
            text(
                "UPDATE merchant SET settings = settings || jsonb_build_object('suppressions_read', CAST(:at AS text))"
            ),
            {"at": now.isoformat()},
        )
    return found, len(ours)


def _since(conn: Connection) -> datetime:
    told = conn.scalar(text("SELECT settings->>'suppressions_read' FROM merchant"))
    return datetime.fromisoformat(told) - OVERLAP if told else EPOCH


def _take(conn: Connection, merchant_id: int, rows: Sequence[Suppressed], now: datetime) -> int:
    """The account may serve several businesses: only addresses this one knows are written down."""
    known = {
        row.email_norm: row.id
        for row in conn.execute(
            text(
                "SELECT id, email_norm FROM customer WHERE merged_into IS NULL AND erased_at IS NULL "
                "AND email_norm = ANY(:emails)"
            ),
            {"emails": [row.email.strip().lower() for row in rows]},
        )
    }
    mine = [row for row in rows if row.email.strip().lower() in known]
    gone = {row.email: f"{row.kind.value}: {row.reason}".rstrip(": ") for row in mine if _for_good(row)}
    consents.suppress(conn, merchant_id, gone, SOURCE, now)
    no = (DeliveryKind.UNSUBSCRIBED, DeliveryKind.COMPLAINED)
    people = sorted({known[row.email.strip().lower()] for row in mine if row.kind in no})
    if people:
        consents.unsubscribe_many(conn, merchant_id, people, SOURCE, now, topic="promotions")
    return len(mine)


def _for_good(row: Suppressed) -> bool:
    return row.kind is not DeliveryKind.UNSUBSCRIBED
