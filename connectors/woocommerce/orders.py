"""Reading orders: everything, or what changed, with refunds and trash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from connectors.base import Page
from connectors.errors import BadPayload, ConnectorError
from connectors.types import Order
from connectors.windows import Seen, exclusive_start
from connectors.woocommerce import mapping
from connectors.woocommerce.client import WooClient, WooRefusal
from connectors.woocommerce.mapping import RefundTold
from connectors.woocommerce.values import reference
from connectors.woocommerce.walk import RawPage, by_id, by_page

T = TypeVar("T")
# ``any`` leaves out the trash, and "any,trash" means just ``any``: two walks, the trash last, because that is the way
# an order moves while we read.
STATUSES = ("any", "trash")
FEW = 5


def sift(rows: Iterable[Any], read: Callable[[Any], T], kind: str) -> tuple[list[T], list[tuple[str, str]]]:
    """(what could be read, faults as (place, sentence)) of raw rows: one bad row never costs the others."""
    good: list[T] = []
    faults: list[tuple[str, str]] = []
    for row in rows:
        try:
            good.append(read(row))
        except BadPayload as error:
            number = reference(row, "id") if isinstance(row, dict) else None
            faults.append((error.path or f"{kind}/{number or '?'}", error.sentence))
    return good, faults


def gone(error: WooRefusal) -> bool:
    """True where the shop says that a thing does not exist (any more)."""
    return error.status == 404 and error.code == "not_found"


def changed_since(client: WooClient, since: datetime) -> dict[str, str]:
    """The filter "changed at or after ``since``": naive GMT with its flag, the one form that is never shifted."""
    start = exclusive_start(since, lag=client.lag)
    return {"modified_after": start.strftime("%Y-%m-%dT%H:%M:%S"), "dates_are_gmt": "true"}


class OrderReader:
    """Reads the orders of one shop."""

    def __init__(self, client: WooClient) -> None:
        self._client = client

    def pages(self, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders, or those changed since, trash included.

        A full walk ends with what changed while it ran, so that a mid-walk update or trashing is in it too. A refund
        taken back does not count as a change to the shop: only a full walk sees it.
        """
        started = self._client.clock()
        told = RefundsTold(self._client, everything=since is None)
        if since is not None:
            self._client.get("orders", {"per_page": 1, "_fields": "id"})  # Tells how far the shop's clock is behind.
            yield from self._walk(changed_since(self._client, since), told, Seen())
            return
        seen = Seen()
        yield from self._walk({}, told, seen, remember_from=started)
        told.forget()
        yield from self._walk(changed_since(self._client, started), told, seen, repeats=True)

    def one(self, external_id: str) -> Order | None:
        """One order afresh, trashed ones included; None where the shop does not know it."""
        if not external_id.isdigit():
            return None
        try:
            row = self._client.get(f"orders/{external_id}", {"_fields": mapping.ORDER_FIELDS}).data
        except WooRefusal as error:
            if gone(error):
                return None
            raise
        told = RefundsTold(self._client, everything=False).of([row])
        return mapping.order(row, now=self._client.clock(), refunds_told=told)

    def ids(self) -> Iterator[Page[str]]:
        """The ids of all orders that are not in the trash."""
        for raw in by_id(self._client, "orders", {"status": "any", "_fields": "id"}):
            good, faults = sift(raw.rows, _row_id, "orders")
            yield Page(tuple(good), raw.total, tuple(faults))

    def _walk(
        self,
        filters: dict[str, str],
        told: RefundsTold,
        seen: Seen,
        *,
        remember_from: datetime | None = None,
        repeats: bool = False,
    ) -> Iterator[Page[Order]]:
        before = 0
        for status in STATUSES:
            total = 0
            for raw in by_id(self._client, "orders", {**filters, "status": status, "_fields": mapping.ORDER_FIELDS}):
                total = raw.total or total
                page = self._read(raw, told, None if repeats or raw.total is None else before + raw.total)
                if repeats:
                    fresh = tuple(order for order in page.items if seen.fresh(order.external_id, order))
                    page = Page(fresh, None, page.faults)
                elif remember_from is not None:
                    self._remember(page, seen, remember_from)
                if page.items or page.faults:
                    yield page
            before += total

    def _remember(self, page: Page[Order], seen: Seen, started: datetime) -> None:
        # Only what the closing pass can meet again is kept: the rest of a million orders need not be in memory.
        edge = exclusive_start(started, lag=self._client.lag)
        for order in page.items:
            if order.updated_at is not None and order.updated_at >= edge:
                seen.fresh(order.external_id, order)

    def _read(self, raw: RawPage, told: RefundsTold, total: int | None) -> Page[Order]:
        now, known = self._client.clock(), told.of(raw.rows)
        good, faults = sift(raw.rows, lambda row: mapping.order(row, now=now, refunds_told=known), "orders")
        return Page(tuple(good), total, tuple(faults))


def _row_id(row: Any) -> str:
    number = reference(row, "id") if isinstance(row, dict) else None
    if number is None:
        raise BadPayload("This row has no id.", path="orders")
    return number


class RefundsTold:
    """When refunds were made, and what for. An order only names them (id, reason, total): the rest is read apart.

    For many orders the shop-wide list is read once; for a few, the refunds of each. A shop that shows neither tells
    their amounts all the same.
    """

    def __init__(self, client: WooClient, *, everything: bool) -> None:
        self._client = client
        self._whole = everything
        self._listed = True
        self._known: dict[str, RefundTold] = {}

    def of(self, rows: Iterable[Any]) -> dict[str, RefundTold]:
        """By refund id, for the refunds of these raw orders, as far as the shop tells."""
        wanted = {owner: ids for row in rows if isinstance(row, dict) for owner, ids in _refunds_of(row)}
        missing = [owner for owner, ids in wanted.items() if not ids <= self._known.keys()]
        if missing and self._listed and (self._whole or len(missing) > FEW):
            self._whole = False
            self._listed = self._learn("refunds")
            missing = [owner for owner in missing if not wanted[owner] <= self._known.keys()]
        for owner in missing[:FEW]:
            self._learn(f"orders/{owner}/refunds")
        return self._known

    def forget(self) -> None:
        """The list read at the start no longer stands: refunds of orders met from here on are read one by one."""
        self._whole = False

    def _learn(self, path: str) -> bool:
        now = self._client.clock()
        try:
            for page in by_page(self._client, path, {"_fields": mapping.REFUND_FIELDS}):
                for row in page.rows:
                    number = reference(row, "id") if isinstance(row, dict) else None
                    made = _told(row, now) if number else None
                    if number and made:
                        self._known[number] = made
        except ConnectorError as error:
            if isinstance(error, WooRefusal) or error.code == "no_paging":
                return False  # Older shops have no shop-wide list; amounts come with the order all the same.
            raise
        return True


def _refunds_of(row: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    owner, entries = reference(row, "id"), row.get("refunds")
    ids = (
        {reference(entry, "id") for entry in entries if isinstance(entry, dict)} if isinstance(entries, list) else set()
    )
    known = {number for number in ids if number}
    if owner and known:
        yield owner, known


def _told(row: dict[str, Any], now: datetime) -> RefundTold | None:
    try:
        return mapping.refund_told(row, now)
    except BadPayload:
        return None
