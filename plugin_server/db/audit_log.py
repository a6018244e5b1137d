"""Who did what: written in the transaction of the act itself, so that neither exists without the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

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


def recent(connection: Connection, *, before: int | None = None, limit: int = 50) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest entries (id, at, actor, action, subject, detail), older than id ``before``."""
    query = select(
        AuditLog.id, AuditLog.at, AuditLog.actor, AuditLog.action, AuditLog.subject, AuditLog.detail
    ).order_by(AuditLog.id.desc())
    if before:
        query = query.where(AuditLog.id < before)
    return connection.execute(query.limit(limit)).all()
