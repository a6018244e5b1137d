"""Keys for programs: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, insert, select, text, update

from plugin_server.db.merchant import audit_log
from plugin_server.db.models.api_key import ApiKey
from plugin_server.db.session import system, tenant

SCOPES: Final = ("read", "write")
START: Final = "tangga_"
LONGEST_NAME: Final = 80
NOTICED: Final = timedelta(minutes=1)
"""How exactly the last use is kept."""


class BadKey(ValueError):
    """A key that cannot be made; ``field`` says what is wrong with it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


@dataclass(frozen=True, slots=True)
class Holder:
    """Who calls: a key of a merchant, with what it may do."""

    key_id: int
    merchant_id: int
    name: str
    scopes: frozenset[str]


def make(connection: Connection, merchant_id: int, *, name: str, scopes: Collection[str], by: str) -> tuple[int, str]:
    """(id, the key in full: it is not kept, and nobody can show it again). Raises ``BadKey``.

    ``write`` without ``read`` is no scope of its own: whoever may write may read.
    """
    title = " ".join(name.split())[:LONGEST_NAME]
    if not title:
        raise BadKey("name")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadKey("scopes")
    granted = [scope for scope in SCOPES if scope == "read" or scope in scopes]
    key = START + secrets.token_urlsafe(32)
    made: int = connection.execute(
        insert(ApiKey)
        .values(
            merchant_id=merchant_id,
            name=title,
            hash=_hash(key),
            begins=key[: len(START) + 4],
            scopes=granted,
            created_by=by,
        )
        .returning(ApiKey.id)
    ).scalar_one()
    detail = {"scopes": granted}
    audit_log.record(connection, merchant_id, actor=by, action="api_key_made", subject=title, detail=detail)
    return made, key


def _hash(key: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(key.encode()).hexdigest()


def everyone(connection: Connection) -> list[Row[Any]]:
    """All keys, the newest first, without their hashes."""
    columns = (
        ApiKey.id, ApiKey.name, ApiKey.begins, ApiKey.scopes, ApiKey.created_at, ApiKey.created_by, ApiKey.used_at,
        ApiKey.revoked_at, ApiKey.revoked_by,
    )  # fmt: skip
    return list(connection.execute(select(*columns).order_by(ApiKey.id.desc())))


def revoke(connection: Connection, merchant_id: int, key_id: int, *, by: str, now: datetime) -> bool:
    """End a key at once; False where there is none, or it was ended before."""
    name = connection.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=by)
        .returning(ApiKey.name)
    )
    if name is None:
        return False
    audit_log.record(connection, merchant_id, actor=by, action="api_key_revoked", subject=name)
    return True


def holder(engine: Engine, key: str, now: datetime) -> Holder | None:
    """Who holds this key; None for one that nobody made, or that was revoked. Notes the use."""
    if not key.startswith(START) or len(key) > 100:
        return None
    with system(engine) as connection:
        merchant_id = connection.scalar(text("SELECT tangga_api_key_merchant(:hash)"), {"hash": _hash(key)})
    if merchant_id is None:
        return None
    with tenant(engine, merchant_id) as connection:
        row = connection.execute(
            select(ApiKey.id, ApiKey.name, ApiKey.scopes, ApiKey.used_at).where(
                ApiKey.hash == _hash(key), ApiKey.revoked_at.is_(None)
            )
        ).one_or_none()
        if row is None:
            return None
        if row.used_at is None or now - row.used_at > NOTICED:
            connection.execute(update(ApiKey).where(ApiKey.id == row.id).values(used_at=now))
    return Holder(row.id, merchant_id, row.name, frozenset(row.scopes))
