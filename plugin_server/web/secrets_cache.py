"""Webhook secrets, opened once a minute per process and not once per delivery."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import select

from plugin_server.db.models.store import Store
from plugin_server.db.session import merchant_ids, merchant_of_store, tenant
from plugin_server.db.shops import access
from plugin_server.vault import unseal
from plugin_server.wiring import Services

LASTS = 60.0
UNKNOWN_LASTS = 2.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class StoreSecrets:
    """Whose store it is, and what its deliveries may be signed with."""

    store_id: int
    merchant_id: int
    secrets: tuple[str, ...]


class SecretsCache:
    """Per process and application. Unknown stores are remembered shortly too, so that guessing costs us little."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stores: dict[tuple[int, str], tuple[float, StoreSecrets | None]] = {}
        self._addresses: dict[tuple[str, str], tuple[float, tuple[StoreSecrets, ...]]] = {}
        self._merchants: tuple[float, frozenset[int]] = (float("-inf"), frozenset())

    def of_store(self, store_id: int, platform: str, *, not_older: float = LASTS) -> StoreSecrets | None:
        """The store's secrets, read at most ``not_older`` seconds ago; None where there is no such store."""
        now, key = time.monotonic(), (store_id, platform)
        read_at, known = self._stores.get(key, (float("-inf"), None))
        if now - read_at <= (not_older if known else UNKNOWN_LASTS):
            return known
        if len(self._stores) >= MOST:
            self._stores.clear()
        found = self._read(store_id, platform)
        self._stores[key] = (now, found)
        return found

    def at(self, url: str, platform: str, *, not_older: float = LASTS) -> tuple[StoreSecrets, ...]:
        """Every store at this address, read at most ``not_older`` seconds ago; secrets are empty where it has none."""
        now, known = time.monotonic(), self._addresses.get((url, platform))
        if known and now - known[0] <= (not_older if known[1] else UNKNOWN_LASTS):
            return known[1]
        if len(self._addresses) >= MOST:
            self._addresses.clear()
        numbers = access.stores_at(self._services.engine, platform, url)
        found = tuple(filter(None, (self._read(store_id, platform) for _, store_id in numbers)))
        self._addresses[url, platform] = (now, found)
        return found

    def is_merchant(self, merchant_id: int) -> bool:
        """True where there is such a merchant; what is asked within two seconds is answered from memory."""
        now = time.monotonic()
        if merchant_id not in self._merchants[1] and now - self._merchants[0] > UNKNOWN_LASTS:
            self._merchants = (now, frozenset(merchant_ids(self._services.engine)))
        return merchant_id in self._merchants[1]

    def age(self, *, seconds: float) -> None:
        """Let everything remembered become older."""
        self._stores = {key: (read_at - seconds, known) for key, (read_at, known) in self._stores.items()}

    def _read(self, store_id: int, platform: str) -> StoreSecrets | None:
        if store_id >= 2**63:
            return None
        merchant_id = merchant_of_store(self._services.engine, store_id)
        if merchant_id is None:
            return None
        with tenant(self._services.engine, merchant_id) as connection:
            row = connection.execute(
                select(Store.webhook_secrets).where(Store.id == store_id, Store.platform == platform)
            ).first()
        if row is None:
            return None
        opened = unseal(self._services.settings.keys, row[0]) if row[0] else {}
        return StoreSecrets(store_id, merchant_id, tuple(map(str, opened.get("secrets", ()))))
