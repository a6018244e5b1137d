"""First imports fill the lines of orders as they fill the orders: emptied first, keyed afterwards.

What ``tangga_orders_bare`` and ``tangga_orders_dressed`` did stays; the lines are done around them.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _define(
        "tangga_lines_bare",
        "boolean",
        """BEGIN
            IF EXISTS (SELECT FROM order_line) THEN RETURN false; END IF;
            LOCK TABLE order_line IN ACCESS EXCLUSIVE MODE NOWAIT;
            IF EXISTS (SELECT FROM order_line) THEN RETURN false; END IF;
            TRUNCATE order_line;
            ALTER TABLE order_line DROP CONSTRAINT pk_order_line;
            RETURN true;
        EXCEPTION WHEN lock_not_available THEN RETURN false;
        END""",
    )
    _define(
        "tangga_lines_dressed",
        "void",
        "BEGIN ALTER TABLE order_line ADD CONSTRAINT pk_order_line PRIMARY KEY (order_id, position); END",
    )


def _define(name: str, returns: str, body: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS {returns} LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = public AS $$ {body} $$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name}() TO tangga_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_lines_bare()")
    op.execute("DROP FUNCTION tangga_lines_dressed()")
