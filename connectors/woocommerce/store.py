"""A WooCommerce shop as a ``Store``: the pieces of this folder behind the protocol of ``connectors.base``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from connectors.base import Page, TagChange, WebhookState, Written
from connectors.errors import ConnectorError
from connectors.http import CONNECT_SECONDS, READ_SECONDS, Http, guard_url
from connectors.offer_types import Pack, PackResult
from connectors.types import (
    Category,
    Check,
    CodeResult,
    CodeSpec,
    Customer,
    Order,
    Product,
    Review,
    StoreEvent,
    StoreInfo,
)
from connectors.woocommerce import webhooks
from connectors.woocommerce.about import read_about, read_currency
from connectors.woocommerce.auth import KeyPair
from connectors.woocommerce.catalog import CatalogReader
from connectors.woocommerce.checks import Connection, run_checks
from connectors.woocommerce.client import Clock, WooClient
from connectors.woocommerce.coupons import CouponMaker
from connectors.woocommerce.orders import OrderReader
from connectors.woocommerce.packs import PackMaker
from connectors.woocommerce.rungs import write_rungs, write_tags

TAILS = ("/wp-admin", "/wp-json", "/wp-login.php")


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


def shop_address(url: str, *, allow_private: bool) -> str:
    """The shop's address from what an owner pastes (``toko.example/wp-admin/`` too). Raises ``ForbiddenHost``."""
    guarded = guard_url(url, allow_private=allow_private, resolve=False)
    for tail in TAILS:
        guarded = guarded.partition(tail)[0]
    return guarded.rstrip("/")


def connect(
    url: str,
    key: str,
    secret: str,
    *,
    allow_private: bool = False,
    tls_verify: bool = True,
    timezone: str | None = None,
    currency: str | None = None,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
) -> WooStore:
    """A shop by its address and key pair; nothing is called yet.

    ``allow_private`` and ``tls_verify=False`` are for development. ``timezone`` is the merchant's, compared in
    ``checks``; ``currency`` saves one request where it is known. Raises ``ForbiddenHost`` for an address we may not
    call; a name that leads to a private network is found out on the first call.
    """
    http = Http(allow_private=allow_private, tls_verify=tls_verify, timeouts=timeouts, sleep=sleep)
    client = WooClient(
        shop_address(url, allow_private=allow_private), KeyPair(key.strip(), secret.strip()), http=http, clock=clock
    )
    return WooStore(client, allow_private=allow_private, timezone=timezone, currency=currency)


class WooStore:
    """One WooCommerce shop. Keeps the ``Store`` protocol; its docstrings hold."""

    def __init__(
        self,
        client: WooClient,
        *,
        allow_private: bool = False,
        timezone: str | None = None,
        currency: str | None = None,
    ) -> None:
        self._client = client
        self._allow_private = allow_private
        self._timezone = timezone
        self._currency = currency
        self._orders = OrderReader(client)
        self._catalog = CatalogReader(client)
        self._hooks = webhooks.WebhookKeeper(client)

    def info(self) -> StoreInfo:
        """Name, address, currency, zone and version of the shop."""
        about = read_about(self._client)
        self._currency = about.currency or self._currency
        capabilities = {"tags", "hpos"} if about.hpos else {"tags"}
        return StoreInfo(
            name=about.name or self._client.url.partition("://")[2],
            url=about.home.rstrip("/"),
            currency=self.currency(),
            timezone=about.timezone or self._timezone or "UTC",
            platform_version=about.version,
            capabilities=frozenset(capabilities | ({"unit_cost"} if about.costs else set())),
        )

    def currency(self) -> str:
        """The shop's currency, asked once. Raises ``ConnectorError`` where the shop does not tell."""
        if not self._currency:
            self._currency = read_currency(self._client)
        if not self._currency:
            raise ConnectorError("The shop tells no currency. Set it in WooCommerce → Settings.", code="no_currency")
        return self._currency

    def checks(self) -> list[Check]:
        """Everything that could be wrong with this connection, each named and with its mend. Never raises."""
        pair = self._client.pair
        return run_checks(Connection(self._client, pair, self._allow_private, self._timezone))

    def orders(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders, or those changed since, trash included. Keep the time *before* the walk as the next ``since``."""
        return self._orders.pages(since)

    def order(self, external_id: str) -> Order | None:
        """One order afresh; None where the store no longer knows it."""
        return self._orders.one(external_id)

    def order_ids(self) -> Iterator[Page[str]]:
        """The ids of all orders the store still knows (not trashed)."""
        return self._orders.ids()

    def customers(self, *, since: datetime | None) -> Iterator[Page[Customer]]:  # noqa: ARG002
        """All accounts but staff's: WooCommerce cannot tell which changed, whatever ``since``."""
        return self._catalog.customers()

    def customer(self, external_id: str) -> Customer | None:
        """One account afresh; None where it is gone."""
        return self._catalog.customer(external_id)

    def products(self, *, since: datetime | None) -> Iterator[Page[Product]]:
        """Products and variations. A change of a variation alone is told by webhook, or by a full read."""
        return self._catalog.products(since, self.currency())

    def product(self, external_id: str) -> Product | None:
        """One product or variation afresh; None where it is gone. For events that ask to be read again."""
        return self._catalog.product(external_id, self.currency())

    def categories(self) -> Iterator[Page[Category]]:
        """Product categories."""
        return self._catalog.categories()

    def reviews(self, *, since: datetime | None) -> Iterator[Page[Review]]:
        """Product reviews."""
        return self._catalog.reviews(since)

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        """Make the codes exist exactly as asked; calling twice makes none twice."""
        return CouponMaker(self._client, self.currency()).create(codes)

    def revoke_codes(self, external_ids: Iterable[str]) -> None:
        """Make the codes worthless; those already gone are fine."""
        CouponMaker(self._client, "").revoke(external_ids)

    def ensure_packs(self, packs: Sequence[Pack]) -> list[PackResult]:
        """Make the packs exist exactly as asked, out of sight of the catalogue; calling twice makes none twice."""
        return PackMaker(self._client, self.currency()).ensure(packs)

    def write_rungs(self, rungs: Mapping[str, tuple[str, str]]) -> Written:
        """Write {customer external id: (rung key, rung name)}; again is harmless."""
        return write_rungs(self._client, rungs)

    def write_tags(self, changes: Mapping[str, TagChange]) -> Written:
        """Write the tags of customers as meta data; again is harmless."""
        return write_tags(self._client, changes)

    def ensure_webhooks(self, *, url: str, secret: str) -> list[WebhookState]:
        """Make our webhooks exist and be active at ``url`` with ``secret``; disabled ones are replaced."""
        if not secret:
            raise ConnectorError("A webhook without a secret could be forged by anybody.", code="no_secret")
        return self._hooks.ensure(url, secret)

    def webhook_states(self, *, url: str) -> list[WebhookState]:
        """How our webhooks at ``url`` stand."""
        return self._hooks.states(url)

    def remove_webhooks(self, *, url: str) -> None:
        """Delete our webhooks."""
        self._hooks.remove(url)

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> StoreEvent:
        """A stored and verified webhook in our words. Raises ``BadPayload``."""
        event = webhooks.parse(headers, body, now=self._client.clock(), currency=self.currency)
        return replace(event, source=webhooks.lower(headers).get("x-wc-webhook-source"))

    def close(self) -> None:
        """Give the pooled connections back."""
        self._client.http.close()
