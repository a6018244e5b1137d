"""Reading orders page by page: everything, or what changed, with lines and refunds.

Pages are asked for by cursor, in the order of the last change. An order that changes during the walk moves on towards
its end and is met again; a new one comes last; one that is deleted takes nothing with it. So nothing is lost while the
list changes. What the shop commits late is covered by the overlap of the next walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from connectors.base import Page
from connectors.errors import BadPayload
from connectors.shopify import mapping
from connectors.shopify.bulk import BulkReader, BulkRefused
from connectors.shopify.client import ShopifyClient, connection
from connectors.shopify.joining import Joined
from connectors.shopify.values import gid, is_number, number_of
from connectors.types import Order
from connectors.windows import exclusive_start

T = TypeVar("T")
PER_PAGE = 50
LINES_PER_PAGE = 250
IDS_PER_PAGE = 250
HIDDEN = (
    "Shopify hides {fields} from the app. Ask for protected customer data in the Partner Dashboard under API access, "
    "then read the shop again in full."
)


def changed_since(since: datetime, *, lag: timedelta) -> str:
    """The search "changed at or after ``since``", begun a little earlier; Shopify wants its time in single quotes."""
    return f"updated_at:>='{exclusive_start(since, lag=lag):%Y-%m-%dT%H:%M:%SZ}'"


def changed_since_day(since: datetime, *, lag: timedelta) -> str:
    """The same where the shop compares whole days only: from the day before, so that no zone can lose any."""
    start = exclusive_start(since, lag=lag).astimezone(UTC).replace(hour=0, minute=0, second=0) - timedelta(days=1)
    return f"updated_at:>='{start:%Y-%m-%dT%H:%M:%SZ}'"


def sift(rows: Iterable[Any], read: Callable[[Any], Iterable[T]], kind: str) -> tuple[list[T], list[tuple[str, str]]]:
    """(what could be read, faults as (place, sentence)) of raw rows: one bad row never costs the others."""
    good: list[T] = []
    faults: list[tuple[str, str]] = []
    for row in rows:
        try:
            good.extend(read(row))
        except BadPayload as error:
            number = number_of(row.get("id")) if isinstance(row, dict) else None
            faults.append((error.path or f"{kind}/{number or '?'}", error.sentence))
    return good, faults


def in_bulk(
    bulk: BulkReader | None, name: str, read: Callable[[Joined], list[T]], paged: Callable[[], Iterator[Page[T]]]
) -> Iterator[Page[T]]:
    """The pages of a bulk query; where the shop refuses that, its reason as a fault and then ``paged`` instead."""
    if bulk is not None:
        try:
            yield from bulk.pages(name, read)
            return
        except BulkRefused as error:
            yield Page((), None, (("bulk", error.sentence),))
    yield from paged()


class Told:
    """Says once in a walk which personal data the shop hides."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()

    def faults(self, hidden: frozenset[str]) -> list[tuple[str, str]]:
        """A fault for the fields not named before."""
        new = hidden - self._known
        self._known |= hidden
        return [("personal data", HIDDEN.format(fields=", ".join(sorted(new))))] if new else []


class OrderReader:
    """Reads the orders of one shop, page by page."""

    def __init__(self, client: ShopifyClient, bulk: BulkReader | None = None) -> None:
        self._client = client
        self._bulk = bulk

    def all(self) -> Iterator[Page[Order]]:
        """All orders: in bulk where the shop does that, page by page otherwise.

        What changes while the shop collects them changed after the start, and is in the walk that begins there.
        """
        return in_bulk(self._bulk, "orders_bulk", self._joined, lambda: self.pages(None))

    def _joined(self, found: Joined) -> list[Order]:
        order = mapping.order(found.row, now=self._client.clock(), lines=found.children.get("LineItem", ()))
        if any(refund.external_id.endswith(mapping.REST) for refund in order.refunds):
            # The order names money that its refunds do not account for: asked alone, it tells all of them.
            return [self.one(order.external_id) or order]
        return [order]

    def pages(self, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders, or those changed at or after ``since``, page by page."""
        query = None if since is None else changed_since(since, lag=self._client.lag)
        told = Told()
        for nodes, hidden in self._client.pages("orders", "orders", {"first": PER_PAGE, "query": query}):
            good, faults = sift(nodes, lambda row: [self.read(row)], "orders")
            yield Page(tuple(good), None, (*faults, *told.faults(hidden)))

    def one(self, external_id: str) -> Order | None:
        """One order afresh; None where the shop does not know it."""
        if not is_number(external_id):
            return None
        row = self._client.read("order", {"id": gid("Order", external_id)}).data.get("order")
        return None if row is None else self.read(row)

    def ids(self) -> Iterator[Page[str]]:
        """The ids of all orders the shop shows us."""
        for nodes, _ in self._client.pages("order_ids", "orders", {"first": IDS_PER_PAGE}):
            good, faults = sift(nodes, _row_id, "orders")
            yield Page(tuple(good), None, tuple(faults))

    def read(self, row: Any) -> Order:
        """One raw order; the rest of its lines is fetched where it has more than came with it."""
        lines = row.get("lineItems") if isinstance(row, dict) else None
        if not isinstance(lines, dict) or not (lines.get("pageInfo") or {}).get("hasNextPage"):
            return mapping.order(row, now=self._client.clock())
        first = connection(lines, "line items")
        ask = {"id": row.get("id"), "first": LINES_PER_PAGE, "after": first.cursor}
        items = list(first.nodes)
        for nodes, _ in self._client.pages("order_lines", "order.lineItems", ask):
            items += nodes
        return mapping.order(row, now=self._client.clock(), lines=items)


def _row_id(row: Any) -> list[str]:
    number = mapping.order_of(row)
    if number is None:
        raise BadPayload("This row has no id.", path="orders")
    return [number]
