"""A person says that two customers are one, or that they are not: rows, facts, rungs and log in one transaction."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from plugin_server.db import pulse
from plugin_server.db.customers import identity, merges
from plugin_server.db.customers.merges import Rehearsal
from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest.staging import take_turn
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.wiring import Services


def merged(services: Services, merchant_id: int, *, keep: str, other: str, reason: str, by: str) -> dict[str, int]:
    """Make the customer of address ``other`` one with that of ``keep``: ``{"merge", "winner", "loser"}``.

    Raises ``identity.MergeRefused``.
    """
    with tenant(services.engine, merchant_id) as connection:
        take_turn(connection, merchant_id)
        winner, loser = identity.person(connection, keep), identity.person(connection, other)
        return _merge(connection, merchant_id, winner, loser, reason=reason, by=by, now=services.now(), subject=keep)


def pair_merged(
    services: Services, merchant_id: int, *, winner: int, loser: int, reason: str, by: str
) -> dict[str, int]:
    """The same for two customers by their numbers: people without an address can be one, too."""
    with tenant(services.engine, merchant_id) as connection:
        take_turn(connection, merchant_id)
        subject = f"customer {winner}"
        return _merge(connection, merchant_id, winner, loser, reason=reason, by=by, now=services.now(), subject=subject)


def _merge(
    conn: Connection, merchant_id: int, winner: int, loser: int, *, reason: str, by: str, now: datetime, subject: str
) -> dict[str, int]:
    number = identity.merge(conn, winner, loser, reason, by, now)
    _read_anew(conn, merchant_id, [winner, loser], now)
    pulse.beat(conn, merchant_id=merchant_id, now=now)
    document = {"merge": number, "winner": winner, "loser": loser}
    detail = document | {"reason": reason}
    audit_log.record(conn, merchant_id, actor=by, action="customers_merged", subject=subject, detail=detail)
    return document


def rehearsed(services: Services, merchant_id: int, *, winner: int, loser: int) -> Rehearsal:
    """What a merge would do, tried out in a transaction that is taken back. Raises ``identity.MergeRefused``."""
    now = services.now()
    with tenant(services.engine, merchant_id) as connection:
        read = partial(_read_anew, connection, merchant_id, [winner, loser], now)
        return merges.rehearse(connection, winner, loser, now, read)


def _read_anew(conn: Connection, merchant_id: int, both: list[int], now: datetime) -> None:
    """Whether these two bought as friends, and facts and rungs of all whom that concerns."""
    advocates = ingest_links.reconvert(conn, merchant_id=merchant_id, friends=both)
    climb.touched(conn, merchant_id=merchant_id, customer_ids=sorted({*both, *advocates}), now=now)


def taken_apart(services: Services, merchant_id: int, *, which: str, by: str) -> dict[str, int]:
    """Undo a merge, named by its number or by the address that was given up: ``{"merge", "winner", "loser"}``.

    Raises ``identity.MergeRefused``.
    """
    now = services.now()
    with tenant(services.engine, merchant_id) as connection:
        take_turn(connection, merchant_id)
        number = int(which) if which.isdecimal() and len(which) < 19 else identity.last_merge(connection, which)
        winner, loser = identity.unmerge(connection, number, by, now)
        _read_anew(connection, merchant_id, [winner, loser], now)
        pulse.beat(connection, merchant_id=merchant_id, now=now)
        document = {"merge": number, "winner": winner, "loser": loser}
        audit_log.record(
            connection, merchant_id, actor=by, action="customers_unmerged", subject=f"merge {number}", detail=document
        )
    return document
