"""Connected stores: added, looked up, frozen and thawed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from connectors.types import Check, StoreInfo
from plugin_server.db.models.store import Store


class UnknownStore(LookupError):
    """There is no such store; the sentence says which there are."""


class NothingToConfirm(ValueError):
    """The store does not wait for this address to be confirmed; the sentence says what it waits for, if anything."""


def add(
    connection: Connection,
    *,
    merchant_id: int,
    platform: str,
    name: str,
    url: str,
    credentials: bytes | None = None,
    webhook_secrets: bytes | None = None,
    read_only: bool = False,
    currency: str | None = None,
    timezone: str | None = None,
) -> int:
    """Store a shop; gives its id. ``credentials`` and ``webhook_secrets`` come sealed. The address must be new."""
    row = connection.execute(
        insert(Store)
        .values(
            merchant_id=merchant_id,
            platform=platform,
            name=name,
            url=url,
            credentials=credentials,
            webhook_secrets=webhook_secrets,
            read_only=read_only,
            currency=currency,
            timezone=timezone,
        )
        .returning(Store.id)
    )
    return int(row.scalar_one())


def renew(connection: Connection, *, platform: str, url: str, read_only: bool | None) -> int | None:
    """The shop known at ``url``, which is to get new keys; gives its id, None where none is known there.

    Everything else of it stays: orders, webhook secrets, whether it is frozen. ``read_only`` None: as it was.
    """
    # Of two who connect it at once the second waits here, and finds it known.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:url, 0))"), {"url": url})
    kept = Store.read_only if read_only is None else read_only
    known = update(Store).where(Store.platform == platform, Store.url == url).values(read_only=kept)
    return connection.scalar(known.returning(Store.id))


def get(connection: Connection, store_id: int) -> dict[str, Any]:
    """One store of this merchant, all columns. Raises ``UnknownStore``."""
    row = connection.execute(select(Store.__table__).where(Store.id == store_id)).mappings().one_or_none()
    if row is None:
        raise UnknownStore(f"There is no store {store_id}.")
    return dict(row)


def part(connection: Connection, store_id: int, sentence: str) -> bool:
    """The owner parts with a shop: nothing is read or sent from here on. False where it was disconnected already.

    What opens it is kept until our webhooks there are removed.
    """
    done = connection.execute(
        update(Store)
        .where(Store.id == store_id, Store.state != "disconnected")
        .values(state="disconnected", state_reason=sentence)
    )
    return bool(done.rowcount)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """All stores of this merchant, all columns, oldest first."""
    return [dict(row) for row in connection.execute(select(Store.__table__).order_by(Store.id)).mappings()]


def find(connection: Connection, given: str) -> dict[str, Any]:
    """The store meant by a number, name or address. Raises ``UnknownStore``."""
    known = listed(connection)
    for row in known:
        if given in (str(row["id"]), row["name"], row["url"]):
            return row
    names = ", ".join(f"{row['id']} ({row['name']})" for row in known)
    raise UnknownStore(f"There is no store {given!r}. Known: {names or 'none'}.")


def status(connection: Connection, store_id: int) -> dict[str, Any]:
    """How a store stands: its row, how far it has been read, its last reading, and what waits in the inbox."""
    values = {"store": store_id}
    cursors = connection.execute(text("SELECT resource, since FROM sync_cursor WHERE store_id = :store"), values)
    last = connection.execute(text("SELECT * FROM sync_run WHERE store_id = :store ORDER BY id DESC LIMIT 1"), values)
    waiting = connection.execute(
        text(
            "SELECT count(*) FILTER (WHERE state = 'received') AS waiting, count(*) FILTER (WHERE state = 'failed') AS "
            "failed FROM inbound_event WHERE store_id = :store AND state IN ('received', 'failed')"
        ),
        values,
    )
    found = last.mappings().one_or_none()
    return {
        "store": get(connection, store_id),
        "cursors": {row.resource: row.since for row in cursors},
        "last_run": dict(found) if found else None,
        "inbox": dict(waiting.mappings().one()),
    }


def signs_with(connection: Connection, store_id: int, webhook_secrets: bytes) -> None:
    """The store signs its deliveries with other secrets from now on; they come sealed."""
    connection.execute(update(Store).where(Store.id == store_id).values(webhook_secrets=webhook_secrets))


def told(connection: Connection, store_id: int, info: StoreInfo, now: datetime) -> str | None:
    """Keep what the shop says of itself; gives the reason when it had to be frozen, None else.

    The first address told becomes the fingerprint. When the shop tells another later, it may be a copy of the real
    one, and nobody is to be written to from it until a person confirms. A shop that keeps silent about its address
    proves nothing either way.
    """
    row = get(connection, store_id)
    same = not info.url or row["fingerprint"] in (None, info.url)
    reason = None if same else f"The shop's address changed from {row['fingerprint']} to {info.url}. Is this a copy?"
    values: dict[str, Any] = {
        "currency": info.currency,
        "timezone": info.timezone,
        "version": info.platform_version,
        "capabilities": sorted(info.capabilities),
    }
    if not same:
        values |= {"state": "frozen", "state_reason": reason, "told_fingerprint": info.url}
    elif info.url:
        # A frozen shop that tells its old address again still waits for a person, who now confirms the old one.
        back = info.url if row["state"] == "frozen" else None
        values |= {"fingerprint": info.url, "told_fingerprint": back}
    connection.execute(update(Store).where(Store.id == store_id).values(checked_at=now, **values))
    return reason


def confirm(connection: Connection, store_id: int, *, address: str | None, now: datetime) -> str:
    """A person says that the shop at the newly told address is the real one: it thaws. Gives that address.

    ``address`` is the one the person saw; None stands for whatever was told last. Raises ``NothingToConfirm``.
    """
    row = get(connection, store_id)
    waiting = row["told_fingerprint"] if row["state"] == "frozen" else None
    if waiting is None:
        hint = f" Read it again first: `tangga sync {store_id}`." if row["state"] == "frozen" else ""
        sentence = f"{row['name']} is {row['state']} and tells no new address: nothing is to be confirmed."
        raise NothingToConfirm(sentence + hint)
    if address not in (None, waiting):
        raise NothingToConfirm(f"{row['name']} now tells {waiting}, not {address}. Look again before you confirm.")
    done = connection.execute(
        update(Store)
        .where(Store.id == store_id, Store.state == "frozen", Store.told_fingerprint == waiting)
        .values(fingerprint=waiting, told_fingerprint=None, state="connected", state_reason="", checked_at=now)
    )
    if not done.rowcount:
        raise NothingToConfirm(f"{row['name']} has changed meanwhile. Look again before you confirm.")
    return str(waiting)


def checked(connection: Connection, store_id: int, checks: Sequence[Check], now: datetime) -> None:
    """Keep the findings about the connection; a store that failed one is ``broken`` until they all hold.

    A frozen store stays frozen: that is a person's to end.
    """
    bad = [check.detail for check in checks if not check.ok]
    connection.execute(
        update(Store)
        .where(Store.id == store_id)
        .values(checks={"checks": [asdict(check) for check in checks]}, checked_at=now)
    )
    connection.execute(
        update(Store)
        .where(Store.id == store_id, Store.state.in_(("connected", "broken")))
        .values(state="broken" if bad else "connected", state_reason=" ".join(bad))
    )
