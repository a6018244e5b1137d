"""The wide row of facts per customer, computed as a set. Nothing here goes customer by customer.

Every customer has a row, with or without orders; one merged into another has none. Money is the merchant's
currency alone: an order in another currency counts as an order, and its money is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, BindParameter, Connection, DateTime, TextualSelect, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from plugin_server.db.effort import whole_shop
from plugin_server.db.models.facts import CustomerFacts
from plugin_server.db.models.order import COUNTS

PLACED = ("rung", "rung_since", "activity", "updated_at")
"""Columns that the ladder writes, not the facts."""

COLUMNS = tuple(column for column in CustomerFacts.__table__.columns if column.name not in PLACED)
NAMES = tuple(column.name for column in COLUMNS)

LOCK = 7_410_010
"""Advisory lock (with the merchant's id): a computation from an older snapshot must not overwrite a newer one."""

ZONE = "(SELECT timezone FROM merchant WHERE id = :merchant_id)"
DISCOUNTED = "(o.coupon_codes <> '{}' OR o.discount_minor > 0)"
CURRENCY = "(SELECT currency FROM merchant WHERE id = :merchant_id)"

_NOW = {
    "net": "o.net_minor",
    "refunded": "o.refunded_minor",
    "orders": "shop_order o WHERE o.counts",
    "consent": "",
    "review": "",
    "referral": "",
    "has_account": "c.has_account",
    "enquired_at": "c.enquired_at",
    "created_at": "c.created_at",
    "member_since": "c.member_since",
    "known": "true",
}

_LATER = "(SELECT order_id, sum(amount_minor) AS minor FROM order_refund WHERE refunded_at > :at GROUP BY order_id)"
_COUNTED_THEN = COUNTS.replace("refunded_minor", "(refunded_minor - coalesce(later.minor, 0))")

_THEN = {
    "net": "o.net_minor + coalesce(later.minor, 0)",
    "refunded": "o.refunded_minor - coalesce(later.minor, 0)",
    "orders": f"shop_order o LEFT JOIN {_LATER} later ON later.order_id = o.id"
    f" WHERE o.placed_at <= :at AND {_COUNTED_THEN}",
    "consent": "AND occurred_at <= :at",
    "review": "AND written_at <= :at",
    "referral": "AND converted_at <= :at",
    "has_account": "c.has_account AND coalesce(c.enquired_at, c.created_at) <= :at",
    "enquired_at": "CASE WHEN c.enquired_at <= :at THEN c.enquired_at END",
    "created_at": "CASE WHEN c.created_at <= :at THEN c.created_at END",
    "member_since": f"CASE WHEN c.member_since <= (:at AT TIME ZONE {ZONE})::date THEN c.member_since END",
    "known": "known_since IS NOT NULL",
}
"""What differs when the same facts are asked for as of ``:at``. Refunds without a known time count as always made."""

ORDERS_NOW, ORDERS_THEN = _NOW["orders"], _THEN["orders"]
"""Counting orders as ``o``, for other facts: a FROM with its WHERE, now and as of ``:at``."""


def _bought(parts: dict[str, str], only: str) -> str:
    """Sums per customer. ``OFFSET 0`` keeps PostgreSQL from computing days anew in each sum: one sort serves all."""
    return f"""
    SELECT customer_id, count(*) AS orders, count(*) FILTER (WHERE home) AS at_home,
        count(DISTINCT day) AS order_days, min(day) AS first_day, max(day) AS last_day,
        (array_agg(placed_at ORDER BY day, placed_at))[1:3] AS placed, max(placed_at) AS last_order_at,
        sum(net) FILTER (WHERE home) AS spend, sum(refunded) FILTER (WHERE home) AS refunded,
        count(*) FILTER (WHERE discounted) AS discounted, min(store_id) AS low, max(store_id) AS high
    FROM (SELECT o.customer_id, o.placed_at, o.store_id, {parts["net"]} AS net, {parts["refunded"]} AS refunded,
              o.currency = {CURRENCY} AS home, {DISCOUNTED} AS discounted,
              (o.placed_at AT TIME ZONE {ZONE})::date AS day
          FROM {parts["orders"]} AND o.customer_id IS NOT NULL {only}
          OFFSET 0) AS counted
    GROUP BY customer_id"""


def _query(parts: dict[str, str], *, some: bool) -> str:
    """The facts of all customers, or of ``:ids``."""

    def only(column: str) -> str:
        return f"AND {column} = ANY(:ids)" if some else ""

    return f"""
    SELECT {", ".join(NAMES)} FROM (
    SELECT c.id AS customer_id, c.merchant_id, c.country, c.language, c.birthday, c.tags,
        coalesce(o.orders, 0)::int AS orders, coalesce(o.order_days, 0)::int AS order_days,
        coalesce(o.spend, 0)::bigint AS spend_minor, coalesce(o.orders - o.at_home, 0)::int AS foreign_orders,
        round(o.spend / nullif(o.at_home, 0))::bigint AS average_order_minor,
        o.placed[1] AS first_order_at, o.placed[2] AS second_order_at, o.placed[3] AS third_order_at,
        o.last_order_at,
        round((o.last_day - o.first_day)::numeric / nullif(o.order_days - 1, 0), 3)::numeric(10, 3) AS gap_mean_days,
        coalesce(o.discounted, 0)::int AS discount_orders, coalesce(o.refunded, 0)::bigint AS refunded_minor,
        CASE WHEN least(o.low, i.low) IS NULL THEN '{{}}'::text[]
             WHEN least(o.low, i.low) = greatest(o.high, i.high) THEN ARRAY[least(o.low, i.low)::text]
             ELSE ARRAY(SELECT s::text FROM (SELECT store_id AS s FROM identity WHERE customer_id = c.id UNION
                        SELECT o.store_id FROM {parts["orders"]} AND o.customer_id = c.id) AS both_kinds ORDER BY s)
             END AS stores,
        {parts["has_account"]} AS has_account, {parts["enquired_at"]} AS enquired_at,
        least({parts["created_at"]}, {parts["enquired_at"]}, o.placed[1]) AS known_since,
        {parts["member_since"]} AS member_since,
        coalesce(t.reviews, 0)::int AS reviews, t.first_review_at,
        coalesce(r.converted, 0)::int AS referrals_converted,
        r.at[1] AS first_referral_at, r.at[2] AS second_referral_at, r.last_referral_at,
        coalesce(p.state, 'unknown') AS consent_promotions
    FROM customer c
    LEFT JOIN (
        {_bought(parts, only("o.customer_id"))}
    ) o ON o.customer_id = c.id
    LEFT JOIN (
        SELECT customer_id, min(store_id) AS low, max(store_id) AS high FROM identity
        WHERE true {only("customer_id")} GROUP BY customer_id
    ) i ON i.customer_id = c.id
    LEFT JOIN (
        SELECT DISTINCT ON (customer_id) customer_id, state FROM consent
        WHERE channel = 'email' AND topic = 'promotions' {parts["consent"]} {only("customer_id")}
        ORDER BY customer_id, occurred_at DESC, id DESC
    ) p ON p.customer_id = c.id
    LEFT JOIN (
        SELECT customer_id, count(*) AS reviews, min(written_at) AS first_review_at FROM testimonial
        WHERE approved AND rating >= 4 {parts["review"]} {only("customer_id")} GROUP BY customer_id
    ) t ON t.customer_id = c.id
    LEFT JOIN (
        SELECT advocate_id, count(*) AS converted, max(converted_at) AS last_referral_at,
            (array_agg(converted_at ORDER BY converted_at))[1:2] AS at
        FROM referral WHERE converted_at IS NOT NULL {parts["referral"]} {only("advocate_id")} GROUP BY advocate_id
    ) r ON r.advocate_id = c.id
    WHERE c.merged_into IS NULL {only("c.id")}
    ) AS computed WHERE {parts["known"]}"""


WRITTEN = tuple(name for name in NAMES if name not in ("customer_id", "merchant_id"))

EVIDENCE = (
    "known_since",
    "enquired_at",
    "first_order_at",
    "second_order_at",
    "third_order_at",
    "member_since",
    "first_review_at",
    "first_referral_at",
    "second_referral_at",
)
"""Moments that tell when a rung was reached."""


def _differing(*, some: bool) -> str:
    """The facts that are not yet written so; ``fresh`` where none are written at all."""
    written, computed = (", ".join(f"{table}.{name}" for name in WRITTEN) for table in "kn")
    return f"""
    SELECT {", ".join(f"n.{name}" for name in NAMES)}, k.customer_id IS NULL AS fresh
    FROM ({_query(_NOW, some=some)}) AS n LEFT JOIN customer_facts k
        ON k.customer_id = n.customer_id {"AND k.customer_id = ANY(:ids)" if some else ""}
    WHERE k.customer_id IS NULL
       OR ({written}) IS DISTINCT FROM ({computed})"""


def upsert(rows: str) -> str:
    """Write these rows and nothing else.

    Where evidence turns up that is older than the customer's standing (a back-fill, a late webhook), the rung is taken
    away, so that the ladder places this customer anew with its true dates.
    """
    older = " OR ".join(
        f"(excluded.{name} <= f.rung_since AND (f.{name} IS NULL OR excluded.{name} < f.{name}))" for name in EVIDENCE
    )
    return f"""
    INSERT INTO customer_facts AS f ({", ".join(NAMES)}, updated_at)
    SELECT {", ".join(f"rows.{name}" for name in NAMES)}, :now FROM {rows} AS rows
    ON CONFLICT (customer_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in WRITTEN)},
        updated_at = excluded.updated_at, rung = CASE WHEN {older} THEN NULL ELSE f.rung END"""


_GONE = """
    DELETE FROM customer_facts f USING customer c
    WHERE c.id = f.customer_id AND c.merged_into IS NOT NULL {only}"""


NOW_AT: BindParameter[datetime] = bindparam("now", type_=DateTime(timezone=True))


def ids(values: Sequence[int] | None = None, *, name: str = "ids") -> BindParameter[Sequence[int]]:
    """A list of numbers as the value of ``name``."""
    made: BindParameter[Sequence[int]] = bindparam(name, values, ARRAY(BigInteger), required=values is None)
    return made


def refresh(conn: Connection, *, merchant_id: int, customer_ids: Sequence[int] | None, now: datetime) -> int:
    """Recompute the facts of these customers (None: of all); gives how many rows were written or removed."""
    if customer_ids is not None and not customer_ids:
        return 0
    take_turn(conn, merchant_id)
    if customer_ids is None:
        return _refresh_all(conn, merchant_id, now)
    given = {"ids": list(customer_ids), "merchant_id": merchant_id, "now": now}
    removed = conn.execute(text(_GONE.format(only="AND c.id = ANY(:ids)")).bindparams(ids()), given).rowcount
    statement = text(upsert(f"({_differing(some=True)})")).bindparams(ids(), NOW_AT)
    return removed + conn.execute(statement, given).rowcount


def take_turn(conn: Connection, merchant_id: int) -> None:
    """Wait until no other transaction writes facts of this merchant."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:key, :merchant)"), {"key": LOCK, "merchant": merchant_id})


_UNPLACED = (
    "NULL::text AS rung, NULL::timestamptz AS rung_since, NULL::text AS activity, NULL::timestamptz AS updated_at"
)


def compute(conn: Connection, *, merchant_id: int, table: str) -> None:
    """The facts of all into a temporary ``table`` with all columns, those of ``PLACED`` as yet unknown."""
    _in_parallel(conn, table, f"SELECT f.*, {_UNPLACED} FROM ({_query(_NOW, some=False)}) AS f", merchant_id)


def refresh_known(conn: Connection, *, merchant_id: int, table: str, now: datetime) -> int:
    """As ``refresh`` of all, but of whoever has no facts yet they are left in a temporary ``table``, as ``compute``.

    So they can be written together with their rungs, once instead of twice. Gives how many rows were written or
    removed.
    """
    take_turn(conn, merchant_id)
    done = _refresh_all(conn, merchant_id, now, "WHERE NOT fresh")
    conn.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    fresh = f"SELECT {', '.join(NAMES)}, {_UNPLACED} FROM facts_differing WHERE fresh"
    conn.execute(text(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS {fresh}"))
    return done


def _in_parallel(conn: Connection, table: str, query: str, merchant_id: int) -> None:
    """By way of a temporary table: PostgreSQL reads in parallel for that, and never for an INSERT."""
    conn.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    with whole_shop(conn):
        conn.execute(text(f"CREATE TEMP TABLE {table} ON COMMIT DROP AS {query}"), {"merchant_id": merchant_id})


def _refresh_all(conn: Connection, merchant_id: int, now: datetime, which: str = "") -> int:
    removed = conn.execute(text(_GONE.format(only=""))).rowcount
    _in_parallel(conn, "facts_differing", _differing(some=False), merchant_id)
    rows = f"(SELECT * FROM facts_differing {which})"
    return removed + conn.execute(text(upsert(rows)).bindparams(NOW_AT), {"now": now}).rowcount


def as_of(merchant_id: int, at: datetime) -> TextualSelect:
    """The facts as they stood at ``at``, of customers known by then: a select of all fact columns but ``PLACED``."""
    return (
        text(_query(_THEN, some=False))
        .bindparams(
            bindparam("merchant_id", merchant_id, BigInteger), bindparam("at", at, DateTime(timezone=True), unique=True)
        )
        .columns(*COLUMNS)
    )


def of_customers(merchant_id: int, at: datetime, customer_ids: Sequence[int]) -> TextualSelect:
    """``as_of`` for some customers."""
    return (
        text(_query(_THEN, some=True))
        .bindparams(
            bindparam("merchant_id", merchant_id, BigInteger),
            bindparam("at", at, DateTime(timezone=True), unique=True),
            ids(list(customer_ids)),
        )
        .columns(*COLUMNS)
    )
