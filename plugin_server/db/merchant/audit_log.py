"""Who did what: written in the transaction of the act itself, so that neither exists without the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from plugin_server.db.models.audit_log import AuditLog


def record(
    connection: Connection,
    merchant_id: int,
    *,
    actor: str,
    action: str,
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write down that ``actor`` (an address, or ``system``) did ``action`` to ``subject``."""
    connection.execute(
        insert(AuditLog).values(
            merchant_id=merchant_id, actor=actor, action=action, subject=subject, detail=detail or {}
        )
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """Which acts: of one person, of one kind, since and until some moment (not included). None means all."""

    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def recent(
    connection: Connection, wish: Wish = Wish(), *, before: int | None = None, limit: int = 50
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest entries (id, at, actor, action, subject, detail), older than id ``before``."""
    query = select(
        AuditLog.id, AuditLog.at, AuditLog.actor, AuditLog.action, AuditLog.subject, AuditLog.detail
    ).order_by(AuditLog.id.desc())
    if before:
        query = query.where(AuditLog.id < before)
    if wish.actor:
        query = query.where(AuditLog.actor == wish.actor)
    if wish.action:
        query = query.where(AuditLog.action == wish.action)
    if wish.since:
        query = query.where(AuditLog.at >= wish.since)
    if wish.until:
        query = query.where(AuditLog.at < wish.until)
    return connection.execute(query.limit(limit)).all()


_EACH = """
    WITH RECURSIVE each AS (
        (SELECT {column} AS word FROM audit_log ORDER BY {column} LIMIT 1)
        UNION ALL
        SELECT (SELECT {column} FROM audit_log WHERE {column} > each.word ORDER BY {column} LIMIT 1)
        FROM each WHERE each.word IS NOT NULL)
    SELECT word FROM each WHERE word IS NOT NULL ORDER BY word LIMIT 200"""


def actors(connection: Connection) -> list[str]:
    """Everybody who ever did something; jumps from one to the next in the index, however long the log is."""
    return list(connection.scalars(text(_EACH.format(column="actor"))))


def actions(connection: Connection) -> list[str]:
    """Every kind of act that was ever done."""
    return list(connection.scalars(text(_EACH.format(column="action"))))
