"""Reading accounts, products with their variations, categories and reviews."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.base import Page
from connectors.types import Category, Customer, Product, Review
from connectors.woocommerce import catalog_mapping, mapping
from connectors.woocommerce.client import WooClient, WooRefusal
from connectors.woocommerce.orders import changed_since, gone, sift
from connectors.woocommerce.values import obj
from connectors.woocommerce.walk import AT_ONCE, by_id, by_page

# A review is approved days after it was written, and only its writing has a date: look back far enough.
REVIEW_LOOK_BACK = timedelta(days=30)


class CatalogReader:
    """Reads everything of one shop but its orders."""

    def __init__(self, client: WooClient) -> None:
        self._client = client

    def customers(self) -> Iterator[Page[Customer]]:
        """All accounts but those of staff. The shop cannot tell which changed, so it is always all of them."""
        params = {"role": "all", "_fields": mapping.CUSTOMER_FIELDS}
        for raw in by_id(self._client, "customers", params):
            now = self._client.clock()
            rows = [row for row in raw.rows if not mapping.is_staff(row)]
            good, faults = sift(rows, partial(mapping.customer, now=now), "customers")
            yield Page(tuple(good), raw.total, tuple(faults))

    def customer(self, external_id: str) -> Customer | None:
        """One account afresh; None where it is gone or belongs to staff."""
        row = self._one(f"customers/{external_id}", mapping.CUSTOMER_FIELDS) if external_id.isdigit() else None
        return None if row is None or mapping.is_staff(row) else mapping.customer(row, now=self._client.clock())

    def products(self, since: datetime | None, currency: str) -> Iterator[Page[Product]]:
        """Products, each followed by its variations."""
        filters = {} if since is None else changed_since(self._client, since)
        params = {**filters, "status": "any", "_fields": catalog_mapping.PRODUCT_FIELDS}
        for raw in by_id(self._client, "products", params):
            now = self._client.clock()
            read = partial(catalog_mapping.product, currency=currency, now=now)
            parents, faults = sift(raw.rows, partial(_with_row, read), "products")
            items: list[Product] = []
            for parent, (variations, more) in zip(parents, self._variations(parents, currency), strict=True):
                items += [parent[0], *variations]
                faults += more
            yield Page(tuple(items), raw.total, tuple(faults))

    def product(self, external_id: str, currency: str) -> Product | None:
        """One product or variation afresh; None where it is gone (a shop says "deleted" of any post)."""
        row = self._one(f"products/{external_id}", catalog_mapping.PRODUCT_FIELDS) if external_id.isdigit() else None
        return None if row is None else catalog_mapping.product(row, currency=currency, now=self._client.clock())

    def categories(self) -> Iterator[Page[Category]]:
        """Product categories."""
        params = {"orderby": "id", "order": "asc", "_fields": "id,name,parent"}
        for raw in by_page(self._client, "products/categories", params):
            good, faults = sift(raw.rows, catalog_mapping.category, "categories")
            yield Page(tuple(good), raw.total, tuple(faults))

    def reviews(self, since: datetime | None) -> Iterator[Page[Review]]:
        """Product reviews, approved or not. The shop knows no "changed since", only "written after"."""
        params = {"status": "all", "orderby": "id", "order": "asc"}
        if since is not None:
            params["after"] = (since - REVIEW_LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%S")
        for raw in by_page(self._client, "products/reviews", params):
            now = self._client.clock()
            good, faults = sift(raw.rows, partial(catalog_mapping.review, now=now), "reviews")
            yield Page(tuple(good), raw.total, tuple(faults))

    def _one(self, path: str, fields: str) -> Any:
        try:
            # An empty answer is no word of the shop about it: only a refusal says that it is gone.
            return obj(self._client.get(path, {"_fields": fields}).data, path)
        except WooRefusal as error:
            if gone(error):
                return None
            raise

    def _variations(
        self, parents: list[tuple[Product, Any]], currency: str
    ) -> Iterator[tuple[list[Product], list[tuple[str, str]]]]:
        """The variations of each parent, two parents at a time."""
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="variations") as pool:
            yield from pool.map(lambda pair: self._variations_of(pair[0], pair[1], currency), parents)

    def _variations_of(self, parent: Product, row: Any, currency: str) -> tuple[list[Product], list[tuple[str, str]]]:
        listed = row.get("variations")
        if row.get("type") not in ("variable", "variable-subscription") and not listed:
            return [], []
        read = partial(catalog_mapping.product, currency=currency, now=self._client.clock(), parent=parent)
        good: list[Product] = []
        faults: list[tuple[str, str]] = []
        params = {"_fields": catalog_mapping.PRODUCT_FIELDS}
        try:
            for raw in by_id(self._client, f"products/{parent.external_id}/variations", params, at_once=1):
                some, more = sift(raw.rows, read, "variations")
                good += some
                faults += more
        except WooRefusal as error:
            if not gone(error):
                raise
        return good, faults


def _with_row(read: Callable[[Any], Product], row: Any) -> tuple[Product, Any]:
    return read(row), row
