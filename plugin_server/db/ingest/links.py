"""Friends that customers brought, and the words they wrote: found again whenever either side comes in."""

from __future__ import annotations

from sqlalchemy import Connection, text

from plugin_server.db.ingest.addresses import account, living

# Looked up for each friend: few orders name anybody, and a join would go through all of the shop's people.
_ADVOCATE = f"coalesce({account('s.referred_by')}, {living('lower(btrim(s.referred_by))')})"

# A friend was brought by whoever brought them first; the order in which we hear of it makes no difference.
_REFER = """
    INSERT INTO referral (merchant_id, advocate_id, friend_id, source, joined_at)
    SELECT DISTINCT ON (friend_id) :merchant, advocate_id, friend_id, 'store', joined_at
    FROM (SELECT s.friend_id, s.joined_at, {advocate} AS advocate_id FROM ({friends}) AS s OFFSET 0) AS told
    WHERE advocate_id <> friend_id
    ORDER BY friend_id, joined_at, advocate_id
    ON CONFLICT (merchant_id, friend_id) DO UPDATE
        SET advocate_id = excluded.advocate_id, joined_at = excluded.joined_at, converted_at = NULL
        WHERE (excluded.joined_at, excluded.advocate_id) < (referral.joined_at, referral.advocate_id)
            AND referral.source = 'store'
"""

_ORDERS = """SELECT c.customer_id AS friend_id, o.referred_by, o.placed_at AS joined_at
             FROM in_change c JOIN in_order o USING (seq)
             WHERE o.referred_by IS NOT NULL AND c.customer_id IS NOT NULL"""

_ALL_ORDERS = """SELECT customer_id AS friend_id, referred_by, placed_at AS joined_at FROM shop_order
                 WHERE store_id = :store AND referred_by IS NOT NULL AND customer_id IS NOT NULL"""

_ACCOUNTS = """SELECT i.customer_id AS friend_id, i.content ->> 'referred_by' AS referred_by,
                      coalesce((i.content ->> 'created_at')::timestamptz, i.created_at) AS joined_at
               FROM identity i WHERE i.store_id = :store AND i.content ->> 'referred_by' IS NOT NULL"""

# A conversion is the friend's first counting order; it goes away again with that order.
_CONVERT = """
    UPDATE referral r SET converted_at = f.first_at
    FROM (SELECT r2.id, min(o.placed_at) AS first_at
          FROM (SELECT * FROM referral r2 WHERE r2.merchant_id = :merchant {which} OFFSET 0) AS r2
          LEFT JOIN shop_order o ON o.customer_id = r2.friend_id AND o.counts
          GROUP BY r2.id) AS f
    WHERE r.id = f.id AND r.converted_at IS DISTINCT FROM f.first_at
    RETURNING r.advocate_id
"""

_OF_CHANGED = """AND r2.friend_id IN (
    SELECT customer_id FROM in_change UNION ALL
    SELECT was FROM in_change WHERE was IS NOT NULL AND was IS DISTINCT FROM customer_id)"""

_REVIEWS = """
    UPDATE testimonial t SET customer_id = c.id
    FROM customer c
    WHERE t.merchant_id = :merchant AND c.merchant_id = :merchant AND t.customer_id IS NULL
      AND c.email_norm = t.email_norm AND c.merged_into IS NULL
    RETURNING c.id
"""


def refer_by_orders(connection: Connection, *, merchant_id: int, store_id: int) -> list[int]:
    """Referrals and conversions that follow from ``in_change``; gives the advocates they count for."""
    values = {"merchant": merchant_id, "store": store_id}
    if connection.scalar(text("SELECT EXISTS (SELECT FROM in_order WHERE referred_by IS NOT NULL)")):
        connection.execute(text(_REFER.format(friends=_ORDERS, advocate=_ADVOCATE)), values)
    return convert_changed(connection, merchant_id=merchant_id)


def convert_changed(connection: Connection, *, merchant_id: int) -> list[int]:
    """Conversions of the friends in ``in_change``, gained or lost; gives the advocates they count for."""
    if not connection.scalar(text("SELECT EXISTS (SELECT FROM referral)")):
        return []  # Most shops have no friends yet, and nothing to look through each time for them.
    return list(connection.scalars(text(_CONVERT.format(which=_OF_CHANGED)), {"merchant": merchant_id}))


def link_store(connection: Connection, *, merchant_id: int, store_id: int) -> list[int]:
    """All referrals and reviews of a store whose other side was not known before; gives the customers touched."""
    values = {"merchant": merchant_id, "store": store_id}
    for friends in (_ALL_ORDERS, _ACCOUNTS):
        connection.execute(text(_REFER.format(friends=friends, advocate=_ADVOCATE)), values)
    advocates = connection.scalars(text(_CONVERT.format(which="")), values).all()
    return sorted({*advocates, *connection.scalars(text(_REVIEWS), values)})


def reconvert(connection: Connection, *, merchant_id: int, friends: list[int]) -> list[int]:
    """Look anew whether these friends bought, after orders changed hands; gives the advocates it changed for."""
    which = "AND r2.friend_id = ANY(:friends)"
    values = {"merchant": merchant_id, "friends": friends}
    return list(connection.scalars(text(_CONVERT.format(which=which)), values))
