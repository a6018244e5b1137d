"""Two things that only the owner of the tables may do, for the application's bulk imports.

``tangga_analyze`` tells the planner what came in. ``tangga_orders_bare`` takes the indexes off ``shop_order`` while it is
empty, ``tangga_orders_dressed`` puts them back and so proves that no order came twice: both within one transaction.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_shop_order_external": "CREATE UNIQUE INDEX uq_shop_order_external ON shop_order (store_id, external_id)",
    "ix_shop_order_customer": "CREATE INDEX ix_shop_order_customer ON shop_order (customer_id, placed_at)",
    "ix_shop_order_placed": "CREATE INDEX ix_shop_order_placed ON shop_order (merchant_id, placed_at)",
}


def upgrade() -> None:
    drop = "; ".join(f"DROP INDEX {name}" for name in INDEXES)
    make = "; ".join(INDEXES.values())
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
            LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM shop_order) THEN RETURN false; END IF;
            TRUNCATE shop_order;
            {drop};
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    _define("tangga_orders_dressed", "void", f"BEGIN {make}; END")


def _define(name: str, returns: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public AS $$ {body} $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name}() TO tangga_app")


def downgrade() -> None:
    for name in ("tangga_analyze", "tangga_orders_bare", "tangga_orders_dressed"):
        op.execute(f"DROP FUNCTION {name}()")
