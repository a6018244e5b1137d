"""How long we may call a store, and what is wrong where we may not: beside the sealed tokens of the store's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from connectors.errors import LOCKED_OUT
from plugin_server.db.models.store import Store, StoreAccess, StoreStaff
from plugin_server.db.session import system

UNINSTALLED = "uninstalled"
"""The trouble of a store whose owner removed us."""
PARTED = "parted"
"""The trouble of a store that was disconnected here."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of a grant without opening it."""

    scopes: tuple[str, ...]
    expires_at: datetime | None
    refresh_expires_at: datetime | None


def keep(
    connection: Connection,
    *,
    merchant_id: int,
    store_id: int,
    sealed: bytes,
    terms: Terms,
    now: datetime,
    installed: bool | None = None,
) -> None:
    """Put a new grant in the old one's place, pair and terms at once; what was wrong before is over.

    ``installed`` None leaves as it is how the store was connected. A purge that waited is called off.
    """
    values: dict[str, Any] = {
        "scopes": list(terms.scopes),
        "expires_at": terms.expires_at,
        "refresh_expires_at": terms.refresh_expires_at,
        "refreshed_at": now,
        "trouble": "",
        "troubled_at": None,
        "told_at": None,
        "uninstalled_at": None,
        "purge_at": None,
    }
    if installed is not None:
        values["installed"] = installed
    connection.execute(
        insert(StoreAccess)
        .values(merchant_id=merchant_id, store_id=store_id, **values)
        .on_conflict_do_update(index_elements=["store_id"], set_=values)
    )
    connection.execute(update(Store).where(Store.id == store_id).values(credentials=sealed))
    connection.execute(
        update(Store)
        .where(Store.id == store_id, Store.state.in_(("disconnected", "broken")))
        .values(state="connected", state_reason="")
    )


def of(connection: Connection, store_id: int) -> Row[*tuple[Any, ...]] | None:
    """Everything about our rights at a store; None where they cannot end."""
    return connection.execute(select(StoreAccess.__table__).where(StoreAccess.store_id == store_id)).one_or_none()


def trouble(connection: Connection, store_id: int, code: str, sentence: str, now: datetime) -> bool:
    """Only a person can go on: the store is broken, and its owner is to be told. False where that was known already."""
    changed = connection.execute(
        update(StoreAccess)
        .where(StoreAccess.store_id == store_id, StoreAccess.trouble != code, StoreAccess.uninstalled_at.is_(None))
        .values(trouble=code, troubled_at=now, told_at=None)
    ).rowcount
    if changed:
        connection.execute(
            update(Store)
            .where(Store.id == store_id, Store.state.in_(("connected", "broken")))
            .values(state="broken", state_reason=sentence)
        )
    return bool(changed)


def locked_out(
    connection: Connection, *, merchant_id: int, store_id: int, code: str, sentence: str, now: datetime
) -> bool:
    """The same for any store, also one of which no terms are kept: its key was revoked, its door is shut."""
    keep_known(connection, merchant_id=merchant_id, store_id=store_id, now=now)
    return trouble(connection, store_id, code, sentence, now)


def let_in_again(connection: Connection, store_id: int) -> None:
    """The store answers: what locked us out is over. Other trouble stays."""
    over = connection.execute(
        update(StoreAccess)
        .where(StoreAccess.store_id == store_id, StoreAccess.trouble.in_(LOCKED_OUT))
        .values(trouble="", troubled_at=None, told_at=None)
    ).rowcount
    if over:
        connection.execute(
            update(Store)
            .where(Store.id == store_id, Store.state == "broken")
            .values(state="connected", state_reason="")
        )


def granted(connection: Connection, store_id: int, scopes: Sequence[str]) -> None:
    """The shop granted or took back scopes."""
    connection.execute(update(StoreAccess).where(StoreAccess.store_id == store_id).values(scopes=list(scopes)))


def keep_known(connection: Connection, *, merchant_id: int, store_id: int, now: datetime) -> None:
    """Begin to keep terms for a store that was connected without any."""
    connection.execute(
        insert(StoreAccess)
        .values(merchant_id=merchant_id, store_id=store_id, refreshed_at=now)
        .on_conflict_do_nothing(index_elements=["store_id"])
    )


def leave(
    connection: Connection,
    store_id: int,
    sentence: str,
    now: datetime,
    purge_at: datetime | None,
    *,
    code: str = UNINSTALLED,
) -> bool:
    """The shop and we part: its keys are forgotten, data stays until ``purge_at`` (None: until somebody deletes it).

    ``code`` says who parted. False where that was known already.
    """
    left = connection.execute(
        update(StoreAccess)
        .where(StoreAccess.store_id == store_id, StoreAccess.uninstalled_at.is_(None))
        .values(
            trouble=code,
            troubled_at=now,
            # Whoever parts here need not be told so by mail.
            told_at=now if code == PARTED else None,
            uninstalled_at=now,
            purge_at=purge_at,
        )
    ).rowcount
    if left:
        connection.execute(
            update(Store)
            .where(Store.id == store_id)
            .values(state="disconnected", state_reason=sentence, credentials=None)
        )
    return bool(left)


def parting(connection: Connection) -> list[int]:
    """Stores that are to be disconnected and still have what opens them: their webhooks may be there yet."""
    rows = select(Store.id).where(Store.state == "disconnected", Store.credentials.is_not(None))
    return list(connection.scalars(rows.order_by(Store.id)))


def dormant(connection: Connection, since: datetime) -> list[int]:
    """Stores whose rights want renewing: nobody has used them since then, and unused they end."""
    rows = connection.scalars(
        select(StoreAccess.store_id)
        .where(
            StoreAccess.refresh_expires_at.is_not(None),
            StoreAccess.trouble == "",
            StoreAccess.refreshed_at < since,
        )
        .order_by(StoreAccess.store_id)
    )
    return list(rows)


def untold(connection: Connection) -> Sequence[Row[*tuple[Any, ...]]]:
    """(store_id, name, trouble, state_reason) of stores in trouble whose owner does not know it yet."""
    return connection.execute(
        select(StoreAccess.store_id, Store.name, StoreAccess.trouble, Store.state_reason)
        .join(Store, Store.id == StoreAccess.store_id)
        .where(StoreAccess.trouble != "", StoreAccess.told_at.is_(None))
        .order_by(StoreAccess.store_id)
    ).all()


def claim_telling(connection: Connection, store_id: int, now: datetime) -> bool:
    """Take it upon us to tell the owner; False where another process did. A lost mail is better than two."""
    return bool(
        connection.execute(
            update(StoreAccess)
            .where(StoreAccess.store_id == store_id, StoreAccess.told_at.is_(None), StoreAccess.trouble != "")
            .values(told_at=now)
        ).rowcount
    )


def due_for_purge(connection: Connection, now: datetime, *, lock: int | None = None) -> list[int]:
    """Stores that were left, whose time to come back is over. ``lock``: this one only, and nobody else changes it."""
    query = select(StoreAccess.store_id).where(StoreAccess.purge_at <= now)
    if lock is not None:
        query = query.where(StoreAccess.store_id == lock).with_for_update()
    return list(connection.scalars(query))


def stores_at(engine: Engine, platform: str, url: str) -> list[tuple[int, int]]:
    """(merchant, store) of every store at this address, before it is known whose it is."""
    with system(engine) as connection:
        given = {"platform": platform, "url": url}
        rows = connection.execute(text("SELECT * FROM tangga_stores_at(:platform, :url)"), given)
        return [(int(merchant), int(store)) for merchant, store in rows]


def staff(connection: Connection, store_id: int, external_id: str) -> int | None:
    """Which of our people this member of the shop's staff is; None for somebody new."""
    return connection.scalar(
        select(StoreStaff.user_id).where(StoreStaff.store_id == store_id, StoreStaff.external_id == external_id)
    )


def know_staff(connection: Connection, *, merchant_id: int, store_id: int, external_id: str, user_id: int) -> None:
    """Remember who this member of the shop's staff is."""
    connection.execute(
        insert(StoreStaff)
        .values(merchant_id=merchant_id, store_id=store_id, external_id=external_id, user_id=user_id)
        .on_conflict_do_update(index_elements=["store_id", "external_id"], set_={"user_id": user_id})
    )
