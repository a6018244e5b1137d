"""Reading customers, products, collections and abandoned checkouts, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connectors.base import Page
from connectors.shopify import catalog_mapping, mapping
from connectors.shopify.bulk import BulkReader
from connectors.shopify.checkouts import Checkout, checkout, unpaid
from connectors.shopify.client import ShopifyClient, connection
from connectors.shopify.failures import ShopifyRefusal
from connectors.shopify.joining import Joined
from connectors.shopify.orders import Told, changed_since, changed_since_day, in_bulk, sift
from connectors.shopify.values import gid, is_number, text
from connectors.types import Category, Customer, Order, Product

PER_PAGE = 250
PRODUCTS_PER_PAGE = 50
CHECKOUTS_PER_PAGE = 100
CLOSED = {"missing_scope", "protected_data"}
"""Refusals that close one door and leave the others open."""


class CatalogReader:
    """Reads everything of one shop but its orders."""

    def __init__(self, client: ShopifyClient, bulk: BulkReader | None = None) -> None:
        self._client = client
        self._bulk = bulk

    def all_customers(self) -> Iterator[Page[Customer]]:
        """All customers: in bulk where the shop does that, page by page otherwise."""
        now = self._client.clock()
        return in_bulk(
            self._bulk, "customers_bulk", lambda found: [mapping.customer(found.row, now=now)],
            lambda: self.customers(None),
        )  # fmt: skip

    def all_products(self, currency: str) -> Iterator[Page[Product]]:
        """All products with their variants: in bulk where the shop does that, page by page otherwise."""
        now = self._client.clock()

        def read(found: Joined) -> list[Product]:
            below = found.children
            variants, groups = below.get("ProductVariant", ()), below.get("Collection", ())
            return list(
                catalog_mapping.products(found.row, currency=currency, now=now, variants=variants, collections=groups)
            )

        return in_bulk(self._bulk, "products_bulk", read, lambda: self.products(None, currency))

    def customers(self, since: datetime | None) -> Iterator[Page[Customer]]:
        """All customers, or those changed on the day of ``since`` or later, page by page."""
        query = None if since is None else changed_since_day(since, lag=self._client.lag)
        told, now = Told(), self._client.clock()
        for nodes, hidden in self._client.pages("customers", "customers", {"first": PER_PAGE, "query": query}):
            good, faults = sift(nodes, lambda row: [mapping.customer(row, now=now)], "customers")
            yield Page(tuple(good), None, (*faults, *told.faults(hidden)))

    def customer(self, external_id: str) -> Customer | None:
        """One customer afresh; None where the shop does not know him (any more)."""
        if not is_number(external_id):
            return None
        row = self._client.read("customer", {"id": gid("Customer", external_id)}).data.get("customer")
        return None if row is None else mapping.customer(row, now=self._client.clock())

    def customer_id(self, email: str) -> str | None:
        """The id of the customer whose default address is ``email``; None where there is none."""
        row = self._client.read("customer_by_email", {"email": email}).data.get("customerByIdentifier")
        if not isinstance(row, dict):
            return None
        known = text(row.get("defaultEmailAddress") or {}, "emailAddress", 320)
        # Asked by address, yet compared: a code must not end up with somebody else.
        same = not known or known.lower() == email.lower()
        return mapping.customer_of(row) if same else None

    def products(self, since: datetime | None, currency: str) -> Iterator[Page[Product]]:
        """All products with their variants, or those changed since."""
        query = None if since is None else changed_since(since, lag=self._client.lag)
        for nodes, _ in self._client.pages("products", "products", {"first": PRODUCTS_PER_PAGE, "query": query}):
            good, faults = sift(nodes, lambda row: self._read(row, currency), "products")
            yield Page(tuple(good), None, tuple(faults))

    def product(self, external_id: str, currency: str) -> list[Product]:
        """One product with its variants afresh; empty where it is gone."""
        if not is_number(external_id):
            return []
        row = self._client.read("product", {"id": gid("Product", external_id)}).data.get("product")
        return [] if row is None else self._read(row, currency)

    def categories(self) -> Iterator[Page[Category]]:
        """All collections."""
        for nodes, _ in self._client.pages("collections", "collections", {"first": PER_PAGE}):
            good, faults = sift(nodes, lambda row: [catalog_mapping.category(row)], "collections")
            yield Page(tuple(good), None, tuple(faults))

    def abandoned(self, since: datetime | None) -> Iterator[Page[Checkout]]:
        """Checkouts that were begun and left: all that were not recovered, or all that changed since, recovered too."""
        query = "recovery_state:not_recovered" if since is None else changed_since(since, lag=self._client.lag)
        now, told = self._client.clock(), Told()
        ask = {"first": CHECKOUTS_PER_PAGE, "query": query}
        for nodes, hidden in self._client.pages("abandoned_checkouts", "abandonedCheckouts", ask):
            good, faults = sift(nodes, lambda row: [checkout(row, now=now)], "checkouts")
            yield Page(tuple(good), None, (*faults, *told.faults(hidden)))

    def baskets(self, since: datetime | None) -> Iterator[Page[Order]]:
        """The same as unpaid orders. Where the shop does not let us see them, its reason stands as a fault."""
        try:
            for page in self.abandoned(since):
                items = tuple(order for one in page.items if (order := unpaid(one)))
                yield Page(items, page.total, page.faults)
        except ShopifyRefusal as error:
            if error.code not in CLOSED:
                raise
            yield Page((), None, (("checkouts", error.sentence),))

    def _read(self, row: Any, currency: str) -> list[Product]:
        now = self._client.clock()
        variants = row.get("variants") if isinstance(row, dict) else None
        if not isinstance(variants, dict) or not (variants.get("pageInfo") or {}).get("hasNextPage"):
            return list(catalog_mapping.products(row, currency=currency, now=now))
        first = connection(variants, "variants")
        items = list(first.nodes)
        ask = {"id": row.get("id"), "first": PER_PAGE, "after": first.cursor}
        for nodes, _ in self._client.pages("product_variants", "product.variants", ask):
            items += nodes
        return list(catalog_mapping.products(row, currency=currency, now=now, variants=items))
