"""First imports into empty tables: what they fill is emptied first, and keyed and indexed afterwards.

A table truncated in the transaction that fills it need not go through the write-ahead log where ``wal_level`` is
``minimal``: its files are written out at commit instead. That it is empty is checked under a lock which nobody waits
for. ``tangga_order_ids`` sets aside numbers for orders in one step instead of a million.
"""

from importlib import import_module

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

BEFORE = import_module("plugin_server.db.migrations.versions.0006_bulk_loading")
"""Whose functions are replaced here; it makes them again when this is undone."""

ORDERS = (
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_shop_order_external ON shop_order (store_id, external_id)",
    "CREATE INDEX IF NOT EXISTS ix_shop_order_customer ON shop_order (customer_id, placed_at)",
    "CREATE INDEX IF NOT EXISTS ix_shop_order_placed ON shop_order (merchant_id, placed_at)",
)
CUSTOMERS = (
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_customer_email ON customer (merchant_id, email_norm) "
    "WHERE merged_into IS NULL AND email_norm IS NOT NULL",
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_customer_public_id ON customer (public_id)",
    'CREATE INDEX IF NOT EXISTS ix_customer_first_name ON customer (merchant_id, (lower(first_name) COLLATE "C"))',
    'CREATE INDEX IF NOT EXISTS ix_customer_last_name ON customer (merchant_id, (lower(last_name) COLLATE "C"))',
    'CREATE INDEX IF NOT EXISTS ix_customer_email_prefix ON customer (merchant_id, (email_norm COLLATE "C"))',
)
IDENTITIES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS uq_identity_external ON identity (store_id, external_id)",
    "CREATE INDEX IF NOT EXISTS ix_identity_customer ON identity (customer_id)",
)
FACTS = (
    "CREATE INDEX IF NOT EXISTS ix_customer_facts_rung ON customer_facts "
    "(merchant_id, rung, last_order_at DESC NULLS LAST, customer_id)",
    "CREATE INDEX IF NOT EXISTS ix_customer_facts_recent ON customer_facts "
    "(merchant_id, last_order_at DESC NULLS LAST, customer_id)",
    "CREATE INDEX IF NOT EXISTS ix_rung_change_customer ON rung_change (customer_id, changed_at)",
    "CREATE INDEX IF NOT EXISTS ix_rung_change_time ON rung_change (merchant_id, changed_at DESC)",
)


ORDERS_DRESSED = f"""BEGIN
            ALTER TABLE shop_order ADD CONSTRAINT pk_shop_order PRIMARY KEY (id);
            {"; ".join((*ORDERS, *CUSTOMERS, *IDENTITIES))};
        END"""


def dropping(indexes: tuple[str, ...]) -> str:
    """Statements that drop what these would create."""
    return " ".join(f"DROP INDEX {index.split(' ON ')[0].split()[-1]};" for index in indexes)


ORDERS_BARE = f"""BEGIN
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            LOCK TABLE shop_order, customer, identity IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            TRUNCATE shop_order;
            {dropping(ORDERS)} ALTER TABLE shop_order DROP CONSTRAINT pk_shop_order;
            IF NOT EXISTS (SELECT FROM customer) THEN TRUNCATE customer; {dropping(CUSTOMERS)} END IF;
            IF NOT EXISTS (SELECT FROM identity) THEN TRUNCATE identity; {dropping(IDENTITIES)} END IF;
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END"""


def upgrade() -> None:
    define_all()


def define_all() -> None:
    """Make the functions, or make them again as they were after this migration."""
    define("tangga_orders_bare()", "boolean", ORDERS_BARE)
    define("tangga_orders_dressed()", "void", ORDERS_DRESSED)
    define(
        "tangga_analyze()",
        "void",
        """BEGIN
            ANALYZE customer (id, merchant_id, email_norm, merged_into, first_name, last_name);
            ANALYZE identity (merchant_id, store_id, external_id, customer_id);
            ANALYZE shop_order (merchant_id, store_id, customer_id, placed_at, status, paid, test, counts, currency);
            ANALYZE order_line;
        END""",
    )
    define(
        "tangga_order_ids(wanted bigint)",
        "bigint",
        """BEGIN
            LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE;
            RETURN setval('shop_order_id_seq', nextval('shop_order_id_seq') + wanted) - wanted;
        END""",
    )
    define(
        "tangga_facts_bare()",
        "boolean",
        f"""BEGIN
            IF EXISTS (SELECT FROM customer_facts) OR EXISTS (SELECT FROM rung_change) THEN RETURN false; END IF;
            LOCK TABLE customer_facts, rung_change IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM customer_facts) OR EXISTS (SELECT FROM rung_change) THEN RETURN false; END IF;
            TRUNCATE customer_facts, rung_change;
            {dropping(FACTS)}
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    define("tangga_facts_dressed()", "void", f"BEGIN {'; '.join(FACTS)}; END")


def define(head: str, returns: str, body: str) -> None:
    """Make a function of the owner that the application may call, in the place of an older one of its name."""
    op.execute(
        f"CREATE OR REPLACE FUNCTION {head} RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public AS $$ {body} $$"
    )
    name = head.replace("wanted ", "")
    op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO tangga_app")


def downgrade() -> None:
    for name in ("tangga_facts_bare()", "tangga_facts_dressed()", "tangga_order_ids(bigint)"):
        op.execute(f"DROP FUNCTION {name}")
    BEFORE.define_all()
