"""Deleting all that came from one store: its orders, its goods, and the customers who were nowhere else."""

from __future__ import annotations

from sqlalchemy import Connection, text

from plugin_server.db.ingest.staging import staged, take_turn
from plugin_server.db.models import Base

# Whoever came from a list that the owner brought in, or buys in another shop of theirs, stays.
_ONLY_HERE = """
    WITH here AS (
        SELECT customer_id AS id FROM shop_order WHERE store_id = :store AND customer_id IS NOT NULL
        UNION SELECT customer_id FROM identity WHERE store_id = :store
    ), whole AS (
        SELECT id FROM here UNION SELECT merged_into FROM customer WHERE id IN (SELECT id FROM here)
            AND merged_into IS NOT NULL
        UNION SELECT id FROM customer WHERE merged_into IN (SELECT id FROM here)
    )
    SELECT c.id, c.email_norm, NOT (
               c.source IN ('order', 'account')
               AND NOT EXISTS (SELECT FROM shop_order o WHERE o.customer_id = c.id AND o.store_id <> :store)
               AND NOT EXISTS (SELECT FROM identity i WHERE i.customer_id = c.id AND i.store_id <> :store)) AS stays
    FROM customer c WHERE c.id IN (SELECT id FROM whole)
"""

_OF_ORDERS = "IN (SELECT id FROM shop_order WHERE store_id = :store)"
_OF_PEOPLE = "IN (SELECT id FROM pg_temp.in_leaving WHERE NOT stays)"

_STORE = (
    f"DELETE FROM order_line WHERE order_id {_OF_ORDERS}",
    f"DELETE FROM order_refund WHERE order_id {_OF_ORDERS}",
    f"DELETE FROM point_basis WHERE order_id {_OF_ORDERS}",
    "DELETE FROM redemption WHERE store_id = :store",
    "DELETE FROM offer_code WHERE store_id = :store",
    "DELETE FROM shop_order WHERE store_id = :store",
    "DELETE FROM product WHERE store_id = :store",
    "DELETE FROM category WHERE store_id = :store",
    "DELETE FROM testimonial WHERE store_id = :store",
    "DELETE FROM credit_intent WHERE store_id = :store",
    "DELETE FROM marketing_shown WHERE store_id = :store",
    "DELETE FROM identity WHERE store_id = :store",
    "DELETE FROM inbound_event WHERE store_id = :store",
    "DELETE FROM privacy_request WHERE store_id = :store",
    "DELETE FROM store_grant WHERE store_id = :store",
)

_LAST = {"customer", "shop_order", "consent", "point_entry"}
"""Tables whose rows go at their own place below, or by a function of the schema."""

_PEOPLE = (
    f"DELETE FROM delivery_event WHERE message_id IN (SELECT id FROM message WHERE customer_id {_OF_PEOPLE})",
    f"DELETE FROM point_use WHERE lot_id IN (SELECT id FROM point_entry WHERE customer_id {_OF_PEOPLE})",
    *(
        f"DELETE FROM {table.name} WHERE customer_id {_OF_PEOPLE}"
        for table in Base.metadata.sorted_tables
        if "customer_id" in table.c and table.name not in _LAST
    ),
    f"DELETE FROM point_entry WHERE customer_id {_OF_PEOPLE}",
    f"DELETE FROM referral WHERE advocate_id {_OF_PEOPLE} OR friend_id {_OF_PEOPLE}",
    f"DELETE FROM customer_merge WHERE winner_id {_OF_PEOPLE} OR loser_id {_OF_PEOPLE}",
    "DELETE FROM suppression WHERE email_norm IN (SELECT email_norm FROM pg_temp.in_leaving WHERE NOT stays)",
    f"UPDATE customer SET merged_into = NULL WHERE merged_into {_OF_PEOPLE}",
    f"DELETE FROM customer WHERE id {_OF_PEOPLE}",
)


def purge(connection: Connection, *, merchant_id: int, store_id: int) -> tuple[dict[str, int], list[int]]:
    """Delete a store with all that came from it; gives {table: rows}, and the customers who stay and have less now."""
    values = {"store": store_id}
    take_turn(connection, merchant_id)
    staged(connection, "in_leaving", _ONLY_HERE, values)
    connection.execute(
        text(
            "SELECT tangga_forget_people((SELECT coalesce(array_agg(id), '{}') FROM in_leaving WHERE NOT stays), "
            "(SELECT coalesce(array_agg(email_norm), '{}') FROM in_leaving WHERE NOT stays AND email_norm IS NOT NULL))"
        )
    )
    done: dict[str, int] = {}
    for statement in (*_STORE, *_PEOPLE):
        table = statement.split()[2] if statement.startswith("DELETE") else ""
        count = connection.execute(text(statement), values).rowcount
        if table and count:
            done[table] = done.get(table, 0) + count
    stays = list(connection.scalars(text("SELECT id FROM in_leaving WHERE stays ORDER BY id")))
    connection.execute(text("DELETE FROM store WHERE id = :store"), values)
    return done, stays
