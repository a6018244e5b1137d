"""First imports fill tables that carry no index at all, save those that their rows hardly ever enter.

Some indexes came later than the functions, or are keys, and were kept up row by row. And the planner is told of what
came in from 6,000 rows of each table instead of 30,000; autovacuum looks more closely before long.
"""

from importlib import import_module

from alembic import op

revision = "0130"
down_revision = "0120"
branch_labels = None
depends_on = None

EARLIER = import_module("plugin_server.db.migrations.versions.0029_loading_into_nothing")
"""Whose functions these are; it makes them again when this is undone."""

FACTS = (
    *EARLIER.FACTS,
    "CREATE INDEX IF NOT EXISTS ix_customer_facts_activity ON customer_facts "
    "(merchant_id, activity, last_order_at DESC NULLS LAST, customer_id)",
)


def upgrade() -> None:
    drop = EARLIER.dropping
    EARLIER.define(
        "tangga_orders_bare()",
        "boolean",
        f"""BEGIN
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            LOCK TABLE shop_order, customer, identity IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            TRUNCATE shop_order;
            {drop(EARLIER.ORDERS)} ALTER TABLE shop_order DROP CONSTRAINT pk_shop_order;
            IF NOT EXISTS (SELECT FROM customer) THEN TRUNCATE customer; {drop(EARLIER.CUSTOMERS)} END IF;
            IF NOT EXISTS (SELECT FROM identity) THEN
                TRUNCATE identity; {drop(EARLIER.IDENTITIES)} ALTER TABLE identity DROP CONSTRAINT pk_identity;
            END IF;
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    EARLIER.define(
        "tangga_orders_dressed()",
        "void",
        f"""BEGIN
            {key_of("shop_order", "id")} {key_of("identity", "id")}
            {"; ".join((*EARLIER.ORDERS, *EARLIER.CUSTOMERS, *EARLIER.IDENTITIES))};
        END""",
    )
    EARLIER.define(
        "tangga_facts_bare()",
        "boolean",
        f"""BEGIN
            IF EXISTS (SELECT FROM customer_facts) OR EXISTS (SELECT FROM rung_change) THEN RETURN false; END IF;
            LOCK TABLE customer_facts, rung_change IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM customer_facts) OR EXISTS (SELECT FROM rung_change) THEN RETURN false; END IF;
            TRUNCATE customer_facts, rung_change;
            {drop(FACTS)}
            ALTER TABLE customer_facts DROP CONSTRAINT pk_customer_facts;
            ALTER TABLE rung_change DROP CONSTRAINT pk_rung_change;
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    keys = key_of("customer_facts", "customer_id") + key_of("rung_change", "id")
    EARLIER.define("tangga_facts_dressed()", "void", f"BEGIN {keys} {'; '.join(FACTS)}; END")
    op.execute("ALTER FUNCTION tangga_analyze() SET default_statistics_target = 20")


def key_of(table: str, column: str) -> str:
    """Put the key back, if it was taken off."""
    return f"""
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'pk_{table}' AND conrelid = '{table}'::regclass) THEN
            ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({column});
        END IF;"""


def downgrade() -> None:
    EARLIER.define_all()
