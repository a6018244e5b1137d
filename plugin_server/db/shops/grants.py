"""One-time values for connecting a shop; only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, select, text, update

from plugin_server.db.models.grant import StoreGrant
from plugin_server.db.session import system

LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a one-time value stands for."""

    merchant_id: int
    url: str
    begun_by: str


def begin(connection: Connection, merchant_id: int, *, url: str, by: str, now: datetime) -> str:
    """A fresh one-time value for connecting the shop at ``url``, good for an hour."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(StoreGrant).values(
            merchant_id=merchant_id, token_hash=_hash(token), url=url, begun_by=by, expires_at=now + LASTS
        )
    )
    return token


def merchant_of(engine: Engine, token: str) -> int | None:
    """Whose value this is; None where it is nobody's."""
    with system(engine) as connection:
        found: int | None = connection.scalar(text("SELECT tangga_grant_merchant(:hash)"), {"hash": _hash(token)})
        return found


def use(connection: Connection, token: str, now: datetime) -> Grant | None:
    """Use the value up; None where it was used already or is too old. Part of the caller's transaction."""
    row = connection.execute(
        update(StoreGrant)
        .where(StoreGrant.token_hash == _hash(token), StoreGrant.used_at.is_(None), StoreGrant.expires_at > now)
        .values(used_at=now)
        .returning(StoreGrant.merchant_id, StoreGrant.url, StoreGrant.begun_by)
    ).first()
    return Grant(*row) if row else None


def connected(connection: Connection, token: str, store_id: int) -> None:
    """Remember which store came of it, so that the returning browser can be shown it."""
    connection.execute(update(StoreGrant).where(StoreGrant.token_hash == _hash(token)).values(store_id=store_id))


def store_of(connection: Connection, token: str) -> int | None:
    """The store that came of this value; None as long as there is none."""
    return connection.scalar(select(StoreGrant.store_id).where(StoreGrant.token_hash == _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
