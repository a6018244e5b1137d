"""Two things that only the owner of the tables may do, for the application's bulk imports.

``tangga_analyze`` tells the planner what came in. ``tangga_orders_bare`` takes the indexes off ``shop_order`` while it
is empty (and off ``customer``, if that is empty too), ``tangga_orders_dressed`` puts them back and so proves that
nothing came twice: both within one transaction.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ORDERS = {
    "uq_shop_order_external": "UNIQUE INDEX IF NOT EXISTS uq_shop_order_external ON shop_order (store_id, external_id)",
    "ix_shop_order_customer": "INDEX IF NOT EXISTS ix_shop_order_customer ON shop_order (customer_id, placed_at)",
    "ix_shop_order_placed": "INDEX IF NOT EXISTS ix_shop_order_placed ON shop_order (merchant_id, placed_at)",
}
CUSTOMERS = {
    "uq_customer_email": "UNIQUE INDEX IF NOT EXISTS uq_customer_email ON customer (merchant_id, email_norm) "
    "WHERE merged_into IS NULL AND email_norm IS NOT NULL",
    "uq_customer_public_id": "UNIQUE INDEX IF NOT EXISTS uq_customer_public_id ON customer (public_id)",
    "ix_customer_first_name": "INDEX IF NOT EXISTS ix_customer_first_name ON customer "
    '(merchant_id, (lower(first_name) COLLATE "C"))',
    "ix_customer_last_name": "INDEX IF NOT EXISTS ix_customer_last_name ON customer "
    '(merchant_id, (lower(last_name) COLLATE "C"))',
    "ix_customer_email_prefix": "INDEX IF NOT EXISTS ix_customer_email_prefix ON customer "
    '(merchant_id, (email_norm COLLATE "C"))',
}


def upgrade() -> None:
    define_all()


def define_all() -> None:
    """Make the functions, or make them again as they were after this migration."""
    bare_orders = "; ".join(f"DROP INDEX {name}" for name in ORDERS)
    bare_customers = "; ".join(f"DROP INDEX {name}" for name in CUSTOMERS)
    make = "; ".join(f"CREATE {index}" for index in (*ORDERS.values(), *CUSTOMERS.values()))
    _define(
        "tangga_analyze",
        "void",
        "BEGIN ANALYZE customer; ANALYZE identity; ANALYZE shop_order; ANALYZE order_line; END",
    )
    _define(
        "tangga_orders_bare",
        "boolean",
        f"""BEGIN
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            LOCK TABLE shop_order, customer IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            TRUNCATE shop_order;
            {bare_orders};
            IF NOT EXISTS (SELECT FROM customer) THEN {bare_customers}; END IF;
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    _define("tangga_orders_dressed", "void", f"BEGIN {make}; END")


def _define(name: str, returns: str, body: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public AS $$ {body} $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name}() TO tangga_app")


def downgrade() -> None:
    for name in ("tangga_analyze", "tangga_orders_bare", "tangga_orders_dressed"):
        op.execute(f"DROP FUNCTION {name}()")
