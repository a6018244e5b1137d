"""Orders come in as a set: refused only when older than what we have, compared by content otherwise.

Two versions of one order never leave a mixture: lines and refunds of a changed order are replaced whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from campaigns.calendar import GRACE
from connectors.types import Order
from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest import people as ingest_people
from plugin_server.db.ingest.addresses import STORE
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.order_rows import LaidOut, lay_out
from plugin_server.db.ingest.room import Room
from plugin_server.db.ingest.staging import put, staged, take_turn
from plugin_server.db.models.order import COUNTS, PLACED

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
        way_back_until, synced_at, told_at, delivery_heard_at)
    SELECT c.order_id, :merchant, :store, s.external_id, s.number, c.customer_id, s.status, s.raw_status, s.paid,
        s.test, s.placed_at, s.updated_at, s.currency, s.total_minor, s.refunded_minor, s.discount_minor,
        s.shipping_minor, s.tax_minor, s.coupon_codes, s.email, s.name, s.country, s.source, s.referred_by, s.content,
        s.delivered_at, s.way_back, s.way_back_until, :now, :now, CASE WHEN s.delivered_at IS NOT NULL THEN :now END
    FROM in_change c JOIN in_order s USING (seq) WHERE c.fresh ORDER BY s.external_id
"""

_MAPPED = """
    in_order s LEFT JOIN in_account a ON a.external_id = s.customer_external_id
    LEFT JOIN in_mail m ON m.email = CASE WHEN s.customer_external_id IS NULL THEN s.email END
"""

_INSERT_ALL = (
    _INSERT.replace("c.order_id", ":first_id + s.seq")
    .replace(", told_at, delivery_heard_at", "")
    .replace(", :now, CASE WHEN s.delivered_at IS NOT NULL THEN :now END", "")
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
# What the shop says it has known for longer than a missed firing is made up for counts from then, and not from today.
_SEEN = f"CASE WHEN s.updated_at < :now - interval '{GRACE.days} days' THEN s.updated_at ELSE :now END"
_BEGUN = f"o.status IN ('draft', 'pending', 'failed') AND NOT {PLACED.format('o')} AND {PLACED.format('s')}"
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
        delivery_heard_at = coalesce(o.delivery_heard_at, CASE WHEN s.delivered_at IS NOT NULL THEN :now END),
        placed_later_at = coalesce(o.placed_later_at, CASE WHEN {_BEGUN} THEN {_SEEN} END),
        paid_later_at = coalesce(o.paid_later_at, CASE WHEN s.paid AND NOT o.paid THEN {_SEEN} END),
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
    connection: Connection, *, merchant_id: int, store_id: int, orders: Iterable[Order] | LaidOut, now: datetime
) -> Ingested:
    """Bring in one batch (some thousands) of a store's orders, in the caller's transaction; laid out already, or not.

    The same order twice in the batch: its newest version holds, the later one where both say the same time.
    """
    laid = orders if isinstance(orders, LaidOut) else lay_out(orders)
    take_turn(connection, merchant_id)
    for sheet in laid.sheets:
        put(connection, sheet)
    done = write(connection, merchant_id=merchant_id, store_id=store_id, now=now)
    return done + Ingested(seen=laid.given - done.seen, unchanged=laid.given - done.seen)


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
