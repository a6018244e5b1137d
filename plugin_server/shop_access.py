"""The token for a shop whose rights end: read from the vault, renewed in time, by one process at a time.

The pair is replaced by one statement, so that a process that dies in between leaves the old pair, which the shop still
takes. Where the shop has ended our rights for good, the store is marked and nothing calls it until a person has been
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine, text

from connectors.errors import ConnectorError
from connectors.shopify.auth import SENTENCES, Grant
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.db.shops.access import Terms
from plugin_server.vault import seal, unseal

EARLY = timedelta(minutes=5)
"""A token is renewed when less than this is left of it."""
BARELY = timedelta(seconds=30)
"""While another process renews the token, the old one serves as long as this is left of it."""
LOCK = 7_410_004
"""With the store's number: the advisory lock that lets one process at a time renew its token."""

FINAL = {
    "invalid_grant": SENTENCES["invalid_grant"],
    access.UNINSTALLED: "Tangga was removed from this shop. Install it again to go on; until then nothing is read, and "
    "nothing is sent.",
    access.PARTED: "This shop was disconnected here. Connect it again to go on; until then nothing is read, and "
    "nothing is sent.",
}
"""What only a person can mend, by code, with the sentence for the owner."""


class Refresher(Protocol):
    """Whoever gives the next pair of tokens for a refresh token."""

    def refresh(self, shop: str, refresh_token: str, now: datetime) -> Grant:
        """The next pair. Raises ``ConnectorError``; code ``invalid_grant`` ends it."""


@dataclass(frozen=True)
class Vault:
    """Where grants lie, and what opens them."""

    engine: Engine
    keys: tuple[str, ...]
    now: Callable[[], datetime]


def keep(vault: Vault, merchant_id: int, store_id: int, grant: Grant, *, installed: bool | None = None) -> None:
    """Write a grant into the vault in the old one's place, in a transaction of its own."""
    with tenant(vault.engine, merchant_id) as connection:
        write(connection, vault, merchant_id, store_id, grant, installed=installed)


def write(
    connection: Connection, vault: Vault, merchant_id: int, store_id: int, grant: Grant, *, installed: bool | None
) -> None:
    """The same in the caller's transaction."""
    access.keep(
        connection,
        merchant_id=merchant_id,
        store_id=store_id,
        sealed=seal(vault.keys, grant.as_json()),
        terms=Terms(grant.scopes, grant.expires_at, grant.refresh_expires_at),
        now=vault.now(),
        installed=installed,
    )


class TokenSource:
    """Gives one store's token as often as it is asked; calls the shop only when the token is about to end."""

    def __init__(self, vault: Vault, refresher: Refresher, merchant_id: int, store_id: int, shop: str) -> None:
        self._vault, self._refresher, self._shop = vault, refresher, shop
        self._merchant_id, self._store_id = merchant_id, store_id
        self._grant: Grant | None = None

    def __call__(self) -> str:
        """A token that is good for minutes. Raises ``ConnectorError``, permanent where only a person can help."""
        if self._grant is None or not self._lasts(self._grant, EARLY):
            self._grant = self._read()
        if not self._lasts(self._grant, EARLY):
            self._grant = self.renewed()
        return self._grant.token

    def renewed(self, *, older_than: datetime | None = None) -> Grant:
        """The grant after a renewal, by us or by whoever was faster.

        ``older_than`` renews also a token that still lasts, where it was got before then.
        """
        with self._alone() as ours:
            grant, refreshed_at = self._read_with_age()
            stale = older_than is not None and (refreshed_at is None or refreshed_at < older_than)
            if grant.refresh_token is None or (self._lasts(grant, EARLY) and not stale) or not ours:
                return grant
            try:
                fresh = self._refresher.refresh(self._shop, grant.refresh_token, self._vault.now())
            except ConnectorError as error:
                self._mark(error)
                raise
            keep(self._vault, self._merchant_id, self._store_id, fresh)
            return fresh

    def _lasts(self, grant: Grant, margin: timedelta) -> bool:
        return grant.expires_at is None or self._vault.now() + margin < grant.expires_at

    def _read(self) -> Grant:
        return self._read_with_age()[0]

    def _read_with_age(self) -> tuple[Grant, datetime | None]:
        with tenant(self._vault.engine, self._merchant_id) as connection:
            row, terms = stores.get(connection, self._store_id), access.of(connection, self._store_id)
        if terms is not None and terms.trouble in FINAL:
            raise ConnectorError(FINAL[terms.trouble], code=terms.trouble)
        if row["credentials"] is None:
            raise ConnectorError(FINAL[access.UNINSTALLED], code=access.UNINSTALLED)
        grant = Grant.from_json(unseal(self._vault.keys, bytes(row["credentials"])))
        return grant, terms.refreshed_at if terms is not None else None

    def _mark(self, error: ConnectorError) -> None:
        if error.code in FINAL:
            with tenant(self._vault.engine, self._merchant_id) as connection:
                access.trouble(connection, self._store_id, error.code, FINAL[error.code], self._vault.now())

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """True where we are the one who renews; False where another does and the old token will do meanwhile."""
        key = {"lock": LOCK, "store": self._store_id}
        with self._vault.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            ours = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:lock, :store)"), key))
            if not ours and self._lasts(self._read(), BARELY):
                yield False
                return
            if not ours:
                connection.execute(text("SELECT pg_advisory_lock(:lock, :store)"), key)
            try:
                yield True
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:lock, :store)"), key)
