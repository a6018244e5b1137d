"""Requests to know and to be forgotten: who asked when, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from plugin_server.db.models.privacy import PrivacyRequest


def opened(
    connection: Connection,
    *,
    merchant_id: int,
    kind: str,
    asked_by: str,
    now: datetime,
    store_id: int | None = None,
    external_id: str | None = None,
    customer_id: int | None = None,
) -> int:
    """Write a request down; the same one of the platform again gives the same number."""
    statement = insert(PrivacyRequest).values(
        merchant_id=merchant_id,
        kind=kind,
        asked_by=asked_by,
        asked_at=now,
        store_id=store_id,
        external_id=external_id,
        customer_id=customer_id,
    )
    made = connection.scalar(statement.on_conflict_do_nothing().returning(PrivacyRequest.id))
    if made is not None:
        return int(made)
    query = select(PrivacyRequest.id).where(
        PrivacyRequest.store_id == store_id, PrivacyRequest.kind == kind, PrivacyRequest.external_id == external_id
    )
    return int(connection.execute(query).scalar_one())


def answered(
    connection: Connection,
    number: int,
    *,
    outcome: str,
    now: datetime,
    document: bytes | None = None,
    customer_id: int | None = None,
) -> None:
    """Close a request with what came of it; ``document`` is the sealed export."""
    values: dict[str, Any] = {"answered_at": now, "outcome": outcome, "document": document}
    if customer_id is not None:
        values["customer_id"] = customer_id
    connection.execute(update(PrivacyRequest).where(PrivacyRequest.id == number).values(**values))


def listed(connection: Connection, limit: int = 50) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest requests, without their documents."""
    return connection.execute(
        text(
            "SELECT r.id, r.kind, r.asked_by, r.asked_at, r.answered_at, r.outcome, r.customer_id, "
            "r.document IS NOT NULL AS has_document, s.name AS store FROM privacy_request r "
            "LEFT JOIN store s ON s.id = r.store_id ORDER BY r.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    ).all()


def document(connection: Connection, number: int) -> bytes | None:
    """The sealed export of a request; None where there is none."""
    found = connection.scalar(select(PrivacyRequest.document).where(PrivacyRequest.id == number))
    return bytes(found) if found is not None else None
