"""Orders as rows for staging, laid out without a connection: the next ones while the database writes the last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connectors.types import Order, Refund
from plugin_server.db.ingest.staging import Sheet, array, cut, sheet

ORDER = (
    "seq bigint", "external_id text NOT NULL", "number text NOT NULL", "status text", "raw_status text NOT NULL",
    "paid boolean", "test boolean", "placed_at timestamptz", "updated_at timestamptz", "currency text",
    "total_minor bigint", "refunded_minor bigint", "discount_minor bigint", "shipping_minor bigint", "tax_minor bigint",
    "coupon_codes text[]", "email text", "name text", "phone text", "country text", "language text", "source text",
    "referred_by text", "customer_external_id text", "content text", "delivered_at timestamptz", "way_back text",
    "way_back_until timestamptz",
)  # fmt: skip
LINE = (
    "seq bigint", "position int", "product_external_id text", "variant_external_id text", "sku text", "title text",
    "quantity numeric", "total_minor bigint", "discount_minor bigint",
)  # fmt: skip
REFUND = (
    "seq bigint", "external_id text NOT NULL", "amount_minor bigint", "refunded_at timestamptz",
    "shipping_minor bigint",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A batch of orders, each once, as sheets for ``in_order``, ``in_line`` and ``in_refund``; ``given`` came."""

    given: int
    sheets: tuple[Sheet, ...]


def lay_out(orders: Iterable[Order]) -> LaidOut:
    """The newest version of each order, ready to be staged."""
    given = list(orders)
    newest = _newest(given)
    rows = (_order(seq, order) for seq, order in enumerate(newest))
    return LaidOut(
        len(given),
        (
            sheet("in_order", ORDER, rows, joined="seq, external_id, customer_external_id, email, referred_by"),
            sheet("in_line", LINE, _lines(newest), joined="seq"),
            sheet("in_refund", REFUND, _refunds(newest)),
        ),
    )


def _newest(orders: Sequence[Order]) -> list[Order]:
    kept: dict[str, Order] = {}
    for order in orders:
        known = kept.get(order.external_id)
        if known and known.updated_at and order.updated_at and order.updated_at < known.updated_at:
            continue
        kept[order.external_id] = order
    return list(kept.values())


def _order(seq: int, order: Order) -> tuple[Any, ...]:
    return (
        seq, order.external_id[:200], cut(order.number) or "", order.status.value, cut(order.raw_status) or "",
        order.paid, order.test, order.placed_at, order.updated_at, order.currency, order.total_minor,
        sum(refund.amount_minor for refund in order.refunds), order.discount_minor, order.shipping_minor,
        order.tax_minor, array(order.coupon_codes), cut(order.email, 254), cut(order.name), cut(order.phone, 60),
        cut(order.country, 60), cut(order.language, 20), cut(order.source), cut(order.referred_by, 254),
        cut(order.customer_external_id, 200), _content(order), order.delivered_at,
        *(order.way_back or _NO_WAY_BACK),
    )  # fmt: skip


_NO_WAY_BACK = (None, None)


def _content(order: Order) -> str:
    """A hash of all that the store says, save when it was changed. Refunds and codes have no order of their own."""
    told = (
        order.number, order.status.value, order.raw_status, order.paid, order.test, _stamp(order.placed_at),
        order.currency, order.total_minor, order.discount_minor, order.shipping_minor, order.tax_minor,
        sorted(order.coupon_codes), order.email, order.name, order.phone, order.country, order.language, order.source,
        order.referred_by, order.customer_external_id,
        [
            (line.product_external_id, line.variant_external_id, line.sku, line.title, _shortest(line.quantity),
             line.total_minor, line.discount_minor)
            for line in order.lines
        ],
        sorted(_back(refund) for refund in order.refunds),
    )  # fmt: skip
    return hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _back(refund: Refund) -> tuple[str | int, ...]:
    # Nothing for shipping is left out, so that orders read before it was known keep their hash.
    shipping = (refund.shipping_minor,) if refund.shipping_minor else ()
    return refund.external_id, refund.amount_minor, _stamp(refund.refunded_at), *shipping


def _stamp(at: datetime | None) -> str:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat() if at else ""


@lru_cache(maxsize=1 << 10)
def _shortest(quantity: Decimal) -> str:
    """The same text for 1 and 1.00; most lines are of one or two."""
    return f"{quantity.normalize():f}"


def _lines(orders: Iterable[Order]) -> Iterator[tuple[Any, ...]]:
    for seq, order in enumerate(orders):
        for position, line in enumerate(order.lines):
            yield (
                seq, position, cut(line.product_external_id), cut(line.variant_external_id), cut(line.sku),
                cut(line.title), line.quantity, line.total_minor, line.discount_minor,
            )  # fmt: skip


def _refunds(orders: Iterable[Order]) -> Iterator[tuple[Any, ...]]:
    for seq, order in enumerate(orders):
        for refund in order.refunds:
            yield seq, cut(refund.external_id) or "", refund.amount_minor, refund.refunded_at, refund.shipping_minor
