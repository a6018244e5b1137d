"""A Shopify shop as a ``Store``: the pieces of this folder behind the protocol of ``connectors.base``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connectors.base import Page, TagChange, WebhookState, Written
from connectors.http import Http
from connectors.marketing_types import MarketingActivity, MarketingDay
from connectors.shopify import webhooks
from connectors.shopify.about import capabilities, read_about
from connectors.shopify.bulk import BulkReader
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.checks import Connection, run_checks
from connectors.shopify.client import Clock, ShopifyClient
from connectors.shopify.code_batches import CodeBatches
from connectors.shopify.consent import ConsentWriter
from connectors.shopify.credit import CreditBook
from connectors.shopify.deals import DealMaker
from connectors.shopify.discounts import DiscountMaker
from connectors.shopify.documents import VERSION
from connectors.shopify.marketing import MarketingPage
from connectors.shopify.names import shop_name
from connectors.shopify.orders import OrderReader
from connectors.shopify.pacing import Bucket
from connectors.shopify.rungs import RungWriter
from connectors.shopify.subscriptions import Subscriptions
from connectors.shopify.tags import write_tags
from connectors.types import (
    Category,
    Check,
    CodeResult,
    CodeSpec,
    ConsentChange,
    CreditIntent,
    Customer,
    Deal,
    Order,
    Product,
    Review,
    StoreEvent,
    StoreInfo,
)


def utc_now() -> datetime:
    """The present."""
    return datetime.now(UTC)


def connect(
    shop: str,
    token: Callable[[], str],
    *,
    origin: str | None = None,
    bucket: Bucket | None = None,
    allow_private: bool = False,
    tls_verify: bool = True,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    timeouts: tuple[float, float] = (3.05, 20.0),
    bulk_wait: Callable[[float], None] | None = None,
) -> ShopifyStore:
    """A shop by its name (``toko.myshopify.com``) and access token; nothing is called yet.

    ``token`` is asked for every request, so that a refreshed one is used at once. ``origin`` replaces
    ``https://{shop}`` in development. Without a ``bucket`` this process paces itself alone; ``bulk_wait`` waits so many
    seconds for a bulk operation, or until the shop tells that one has finished. Raises ``ForbiddenHost``
    for what is no name of a shop at Shopify.
    """
    name = shop_name(shop)
    http = Http(allow_private=allow_private, tls_verify=tls_verify, timeouts=timeouts, sleep=sleep)
    client = ShopifyClient(
        name, token, origin=(origin or f"https://{name}").rstrip("/"), http=http, clock=clock, bucket=bucket,
        sleep=sleep,
    )  # fmt: skip
    return ShopifyStore(client, allow_private=allow_private, bulk_wait=bulk_wait)


class ShopifyStore:
    """One Shopify shop. Keeps the ``Store`` protocol; its docstrings hold."""

    def __init__(
        self,
        client: ShopifyClient,
        *,
        allow_private: bool = False,
        bulk_wait: Callable[[float], None] | None = None,
    ) -> None:
        self._client = client
        self._allow_private = allow_private
        self._currency = ""
        bulk = BulkReader(client, client.http, allow_private=allow_private, wait=bulk_wait)
        self._orders = OrderReader(client, bulk)
        self._catalog = CatalogReader(client, bulk)
        self._hooks = Subscriptions(client)
        self._rungs = RungWriter(client)

    def info(self) -> StoreInfo:
        """Name, address, currency, zone and version of the shop; the address is the one that never changes."""
        about = read_about(self._client)
        self._currency = about.currency
        return StoreInfo(
            name=about.name,
            url=f"https://{about.domain}",
            currency=about.currency,
            timezone=about.timezone,
            platform_version=self._client.answered_version or VERSION,
            capabilities=capabilities(about),
        )

    def currency(self) -> str:
        """The shop's currency, asked once. Raises ``ConnectorError``."""
        if not self._currency:
            self._currency = read_about(self._client).currency
        return self._currency

    def checks(self) -> list[Check]:
        """Everything that could be wrong with this connection, each named and with its mend. Never raises."""
        return run_checks(Connection(self._client, self._allow_private))

    def orders(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders, or those changed since. Keep the time *before* the walk as the next ``since``."""
        return self._orders.all() if since is None else self._orders.pages(since)

    def order(self, external_id: str) -> Order | None:
        """One order afresh; None where the store no longer knows it."""
        return self._orders.one(external_id)

    def order_ids(self) -> Iterator[Page[str]]:
        """The ids of all orders the store shows us."""
        return self._orders.ids()

    def customers(self, *, since: datetime | None) -> Iterator[Page[Customer]]:
        """All customers, or those changed on the day of ``since`` or later: Shopify compares whole days here."""
        return self._catalog.all_customers() if since is None else self._catalog.customers(since)

    def customer(self, external_id: str) -> Customer | None:
        """One customer afresh; None where he is gone."""
        return self._catalog.customer(external_id)

    def products(self, *, since: datetime | None) -> Iterator[Page[Product]]:
        """Products and their variants."""
        currency = self.currency()
        return self._catalog.all_products(currency) if since is None else self._catalog.products(since, currency)

    def product(self, external_id: str) -> Product | None:
        """One product afresh; None where it is gone. Its variants are in ``product_family``."""
        return next(iter(self.product_family(external_id)), None)

    def product_family(self, external_id: str) -> list[Product]:
        """One product and all its variants afresh; empty where it is gone."""
        return self._catalog.product(external_id, self.currency())

    def categories(self) -> Iterator[Page[Category]]:
        """Collections."""
        return self._catalog.categories()

    def reviews(self, *, since: datetime | None) -> Iterator[Page[Review]]:  # noqa: ARG002
        """Nothing: Shopify itself keeps no reviews, only apps of others do."""
        return iter(())

    def baskets(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """Baskets left at the till, as unpaid orders; trashed once they were paid."""
        return self._catalog.baskets(since)

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        """Make the codes exist, each for its customer alone; calling twice makes none twice."""
        return DiscountMaker(self._client, self._catalog, self.currency()).create(codes)

    def revoke_codes(self, external_ids: Iterable[str]) -> None:
        """Make the codes worthless; those already gone are fine."""
        DiscountMaker(self._client, self._catalog, "").revoke(external_ids)

    def create_deal(self, deal: Deal) -> str:
        """Make an offer to many exist; gives its id. Calling twice makes none twice."""
        return DealMaker(self._client, self.currency()).create(deal)

    def end_deal(self, external_id: str) -> None:
        """End an offer to many; one that is gone is fine."""
        DealMaker(self._client, "").end(external_id)

    def add_codes(self, deal_id: str, codes: Sequence[str]) -> list[CodeResult]:
        """Make codes exist under an offer that may be passed on, 250 a call; one result each, in their order."""
        return CodeBatches(self._client).add(deal_id, codes)

    def write_rungs(self, rungs: Mapping[str, tuple[str, str]]) -> Written:
        """Write {customer external id: (rung key, rung name)}; again is harmless."""
        return self._rungs.write(rungs)

    def write_tags(self, changes: Mapping[str, TagChange]) -> Written:
        """Put tags on customers, and take others off; again is harmless."""
        return write_tags(self._client, changes)

    def write_consents(self, changes: Sequence[ConsentChange]) -> dict[str, str]:
        """Tell the shop what customers answered; gives {customer external id: sentence} where it was not taken."""
        return ConsentWriter(self._client, self._catalog).write(changes)

    def give_credit(self, intent: CreditIntent) -> str:
        """Give store credit once, however often this is called for one intent; gives the shop's id of it."""
        return CreditBook(self._client).give(intent)

    def show_activity(self, activity: MarketingActivity) -> str:
        """Show a campaign on the shop's marketing page, or change it there."""
        return MarketingPage(self._client).show(activity)

    def report_activity(self, key: str, days: Sequence[MarketingDay]) -> None:
        """Tell the shop what a campaign did, day by day; telling a day again replaces it."""
        MarketingPage(self._client).report(key, days)

    def hide_activity(self, key: str) -> None:
        """Take a campaign off the shop's marketing page; one that is gone is fine."""
        MarketingPage(self._client).hide(key)

    def ensure_webhooks(self, *, url: str, secret: str) -> list[WebhookState]:  # noqa: ARG002
        """Make our webhooks exist at ``url``. Shopify signs them with the app's own secret, whatever ``secret`` is."""
        return self._hooks.ensure(url)

    def ensure_optional_webhooks(self, *, url: str) -> list[WebhookState]:
        """Make those of our webhooks exist at ``url`` that the app's own settings cannot ask of every shop."""
        return self._hooks.ensure_optional(url)

    def webhook_states(self, *, url: str) -> list[WebhookState]:
        """How our webhooks at ``url`` stand."""
        return self._hooks.states(url)

    def remove_webhooks(self, *, url: str) -> None:
        """Delete our webhooks."""
        self._hooks.remove(url)

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> StoreEvent:
        """A stored and verified webhook in our words; what it names is to be read afresh. Raises ``BadPayload``."""
        return webhooks.parse(headers, body, now=self._client.clock())

    def close(self) -> None:
        """Give the pooled connections back."""
        self._client.http.close()
