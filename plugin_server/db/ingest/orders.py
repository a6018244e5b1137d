"""Orders come in as a set: refused only when older than what we have, compared by content otherwise.

Two versions of one order never leave a mixture: lines and refunds of a changed order are replaced whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from connectors.types import Order, Refund
from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest import people as ingest_people
from plugin_server.db.ingest.addresses import STORE
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.room import Room
from plugin_server.db.ingest.staging import codes, cut, stage, staged, take_turn
from plugin_server.db.models.order import COUNTS

ORDER = (
    "seq bigint", "external_id text", "number text", "status text", "raw_status text", "paid boolean", "test boolean",
    "placed_at timestamptz", "updated_at timestamptz", "currency text", "total_minor bigint", "refunded_minor bigint",
    "discount_minor bigint", "shipping_minor bigint", "tax_minor bigint", "coupon_codes text[]", "email text",
    "name text", "phone text", "country text", "language text", "source text", "referred_by text",
    "customer_external_id text", "content text", "delivered_at timestamptz", "way_back text",
    "way_back_until timestamptz",
)  # fmt: skip
LINE = (
    "seq bigint", "position int", "product_external_id text", "variant_external_id text", "sku text", "title text",
    "quantity numeric", "total_minor bigint", "discount_minor bigint",
)  # fmt: skip
REFUND = (
    "seq bigint", "external_id text", "amount_minor bigint", "refunded_at timestamptz", "shipping_minor bigint",
)  # fmt: skip

# What is to be written. A newer version of equal content is written too: its time keeps versions in between out.
# LIMIT: known orders are looked up one by one. Joined as a table, all of the shop would be gone through for each batch.
_CHANGES = f"""
    SELECT s.seq, coalesce(o.id, nextval((SELECT pg_get_serial_sequence('shop_order', 'id')::regclass))) AS order_id,
           o.id IS NULL AS fresh, o.content IS DISTINCT FROM s.content AS differs, o.customer_id AS was,
           coalesce(a.customer_id, m.customer_id) AS customer_id
    FROM in_order s
    LEFT JOIN LATERAL (SELECT id, content, customer_id, provider_updated_at FROM shop_order
                       WHERE store_id = {STORE} AND external_id = s.external_id LIMIT 1) AS o ON true
    LEFT JOIN in_account a ON a.external_id = s.customer_external_id
    LEFT JOIN in_mail m ON s.customer_external_id IS NULL AND m.email = s.email
    WHERE o.id IS NULL
       OR ((s.updated_at IS NULL OR o.provider_updated_at IS NULL OR s.updated_at >= o.provider_updated_at)
           AND (o.content <> s.content OR s.updated_at IS DISTINCT FROM o.provider_updated_at))
"""

_INSERT = """
    INSERT INTO shop_order (id, merchant_id, store_id, external_id, number, customer_id, status, raw_status, paid, test,
        placed_at, provider_updated_at, currency, total_minor, refunded_minor, discount_minor, shipping_minor,
        tax_minor, coupon_codes, email, name, country, source, referred_by, content, delivered_at, way_back,
        way_back_until, synced_at)
    SELECT c.order_id, :merchant, :store, s.external_id, s.number, c.customer_id, s.status, s.raw_status, s.paid,
        s.test, s.placed_at, s.updated_at, s.currency, s.total_minor, s.refunded_minor, s.discount_minor,
        s.shipping_minor, s.tax_minor, s.coupon_codes, s.email, s.name, s.country, s.source, s.referred_by, s.content,
        s.delivered_at, s.way_back, s.way_back_until, :now
    FROM in_change c JOIN in_order s USING (seq) WHERE c.fresh ORDER BY s.external_id
"""

_MAPPED = """
    in_order s LEFT JOIN in_account a ON a.external_id = s.customer_external_id
    LEFT JOIN in_mail m ON m.email = CASE WHEN s.customer_external_id IS NULL THEN s.email END
"""

_INSERT_ALL = (
    _INSERT.replace("c.order_id", ":first_id + s.seq")
    .replace("c.customer_id, s.status", "coalesce(a.customer_id, m.customer_id), s.status")
    .replace("in_change c JOIN in_order s USING (seq) WHERE c.fresh ORDER BY s.external_id", _MAPPED)
)

_SHOWN = f"""
    CREATE TEMP TABLE shop_order ON COMMIT DROP AS
    SELECT customer_id, store_id, placed_at, currency, total_minor - refunded_minor AS net_minor, refunded_minor,
        discount_minor, coupon_codes, {COUNTS} AS counts
    FROM (SELECT s.*, coalesce(a.customer_id, m.customer_id) AS customer_id, CAST(:store AS bigint) AS store_id
          FROM {_MAPPED}) AS mapped
"""
"""Orders that are not written yet, as far as facts are read from them."""

_REFUNDS_ALL = """
    INSERT INTO order_refund (merchant_id, order_id, external_id, amount_minor)
    SELECT :merchant, id, 'refund', refunded_minor FROM shop_order WHERE store_id = :store AND refunded_minor > 0
"""

_LINES_ALL = """
    INSERT INTO order_line (merchant_id, order_id, position, product_external_id, variant_external_id, sku, title,
                            quantity, total_minor, discount_minor)
    SELECT :merchant, :first_id + l.seq, l.position, l.product_external_id, l.variant_external_id, l.sku,
           coalesce(l.title, ''), l.quantity, l.total_minor, l.discount_minor
    FROM {lines} l
"""

# A parcel told to have come may prove to come later, once: what was said first stays known, and any third word is
# not heard. So nobody is asked twice how an order was liked (see "order_delivered" in ``campaigning.happened``).
_MOVED = "o.delivery_told_at IS NULL AND s.delivered_at > o.delivered_at"
_UPDATE = f"""
    UPDATE shop_order o SET number = s.number, customer_id = c.customer_id, status = s.status,
        raw_status = s.raw_status, paid = s.paid, test = s.test, placed_at = s.placed_at,
        provider_updated_at = coalesce(s.updated_at, o.provider_updated_at), currency = s.currency,
        total_minor = s.total_minor, refunded_minor = s.refunded_minor, discount_minor = s.discount_minor,
        shipping_minor = s.shipping_minor, tax_minor = s.tax_minor, coupon_codes = s.coupon_codes, email = s.email,
        name = s.name, country = s.country, source = s.source, referred_by = s.referred_by, content = s.content,
        delivered_at = CASE WHEN o.delivered_at IS NULL OR {_MOVED} THEN s.delivered_at ELSE o.delivered_at END,
        delivery_told_at = CASE WHEN {_MOVED} THEN o.delivered_at ELSE o.delivery_told_at END,
        delivery_moved_at = CASE WHEN {_MOVED} THEN :now ELSE o.delivery_moved_at END,
        way_back = s.way_back, way_back_until = s.way_back_until, synced_at = :now
    FROM in_change c JOIN in_order s USING (seq) WHERE o.id = c.order_id AND NOT c.fresh
"""

_PARTS = (
    "DELETE FROM order_line WHERE order_id IN (SELECT order_id FROM in_change WHERE differs AND NOT fresh)",
    "DELETE FROM order_refund WHERE order_id IN (SELECT order_id FROM in_change WHERE differs AND NOT fresh)",
    """INSERT INTO order_line (merchant_id, order_id, position, product_external_id, variant_external_id, sku, title,
                               quantity, total_minor, discount_minor)
       SELECT :merchant, c.order_id, l.position, l.product_external_id, l.variant_external_id, l.sku,
              coalesce(l.title, ''), l.quantity, l.total_minor, l.discount_minor
       FROM in_line l JOIN in_change c USING (seq) WHERE c.differs""",
    """INSERT INTO order_refund (merchant_id, order_id, external_id, amount_minor, refunded_at, shipping_minor)
       SELECT :merchant, c.order_id, r.external_id, sum(r.amount_minor), max(r.refunded_at), sum(r.shipping_minor)
       FROM in_refund r JOIN in_change c USING (seq) WHERE c.differs GROUP BY c.order_id, r.external_id""",
)


def ingest_orders(
    connection: Connection, *, merchant_id: int, store_id: int, orders: Iterable[Order], now: datetime
) -> Ingested:
    """Bring in one batch (some thousands) of a store's orders, in the caller's transaction.

    The same order twice in the batch: its newest version holds, the later one where both say the same time.
    """
    given = list(orders)
    newest = _newest(given)
    take_turn(connection, merchant_id)
    rows = (_order(seq, order) for seq, order in enumerate(newest))
    stage(connection, "in_order", ORDER, rows, joined="seq, external_id, customer_external_id, email, referred_by")
    stage(connection, "in_line", LINE, _lines(newest), joined="seq")
    stage(connection, "in_refund", REFUND, _refunds(newest))
    done = write(connection, merchant_id=merchant_id, store_id=store_id, now=now)
    return done + Ingested(seen=len(given) - done.seen, unchanged=len(given) - done.seen)


def write(connection: Connection, *, merchant_id: int, store_id: int, now: datetime) -> Ingested:
    """Bring in what stands in ``in_order`` (each order once), ``in_line`` and ``in_refund``."""
    values = {"merchant": merchant_id, "store": store_id, "now": now}
    ingest_people.resolve(connection, merchant_id=merchant_id, store_id=store_id, now=now)
    staged(connection, "in_change", _CHANGES, values)
    connection.execute(text(_UPDATE), values)
    connection.execute(text(_INSERT), values)
    for statement in _PARTS:
        connection.execute(text(statement), values)
    advocates = ingest_links.refer_by_orders(connection, merchant_id=merchant_id, store_id=store_id)
    return _told(connection, advocates)


def write_all(
    connection: Connection,
    *,
    merchant_id: int,
    store_id: int,
    now: datetime,
    people: ingest_people.Source = ingest_people.ORDERS,
    lines: str | None = None,
) -> Ingested | None:
    """The first orders of all, of which ``in_order`` (a view will do) holds each once, and the table ``lines``.

    The indexes are built after the rows instead of row by row, several times as fast. None where there are orders
    already, or where somebody else is at the table. Raises ``IntegrityError`` where an order stands there twice.
    """
    if not connection.scalar(text("SELECT tangga_orders_bare()")):
        return None
    ingest_people.resolve(connection, merchant_id=merchant_id, store_id=store_id, now=now, people=people)
    return _written(connection, merchant_id=merchant_id, store_id=store_id, now=now, lines=lines)


def write_laid_out(
    connection: Connection,
    room: Room,
    *,
    merchant_id: int,
    store_id: int,
    now: datetime,
    last: str,
    refunds: bool,
    begun: Callable[[], None],
) -> Ingested | None:
    """The same for orders whose people ``ingest_people.lay_out`` left in the room. None also where somebody came since.

    Where it is None the transaction is to be rolled back. ``last`` is a query for the last ``seq``, ``refunds`` whether
    money went back on some order; ``begun`` is called once it is certain to go on.
    """
    if not connection.scalar(text("SELECT tangga_orders_bare()")) or not ingest_people.nobody_yet(connection):
        return None
    begun()
    ingest_people.write_laid_out(connection, room, merchant_id=merchant_id, store_id=store_id)
    return _written(connection, merchant_id=merchant_id, store_id=store_id, now=now, last=last, refunds=refunds)


def show_laid_out(connection: Connection, store_id: int) -> None:
    """A narrow table in the place of ``shop_order``, for whoever is to read facts before the orders are written."""
    connection.execute(text(_SHOWN), {"store": store_id})


def _written(
    connection: Connection,
    *,
    merchant_id: int,
    store_id: int,
    now: datetime,
    lines: str | None = None,
    last: str = "SELECT max(seq) FROM in_order",
    refunds: bool = True,
) -> Ingested:
    values = {"merchant": merchant_id, "store": store_id, "now": now}
    first_id = connection.scalar(text(f"SELECT tangga_order_ids(({last}))"))
    created = connection.execute(text(_INSERT_ALL), values | {"first_id": first_id}).rowcount
    connection.execute(text("SELECT tangga_orders_dressed()"))
    if refunds:
        connection.execute(text(_REFUNDS_ALL), values)
    if lines:
        bare = connection.scalar(text("SELECT tangga_lines_bare()"))
        connection.execute(text(_LINES_ALL.format(lines=lines)), {"merchant": merchant_id, "first_id": first_id})
        if bare:
            connection.execute(text("SELECT tangga_lines_dressed()"))
    return Ingested(seen=created, created=created, touched=None)


def _told(connection: Connection, advocates: Sequence[int]) -> Ingested:
    seen = connection.scalar(text("SELECT count(*) FROM in_order")) or 0
    rows = connection.execute(text("SELECT order_id, fresh, customer_id, was FROM in_change WHERE differs")).all()
    created = sum(row.fresh for row in rows)
    touched = {person for row in rows for person in (row.customer_id, row.was) if person is not None}
    new = set(connection.scalars(text("SELECT customer_id FROM in_new")))
    others = {person for row in rows if not row.fresh for person in (row.customer_id, row.was)}
    return Ingested(
        seen=seen,
        created=created,
        updated=len(rows) - created,
        unchanged=seen - len(rows),
        touched=sorted(touched.union(advocates, new)),
        order_ids=[row.order_id for row in rows],
        grown=frozenset(touched - others - new - set(advocates)),
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
        order.tax_minor, codes(order.coupon_codes), cut(order.email, 254), cut(order.name), cut(order.phone, 60),
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
