"""Search by name with its index: lower() is not leakproof, so row-level security keeps it from the index otherwise."""

from alembic import op

from plugin_server.db.migrations.tenancy import route

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

MINE = "merchant_id = tangga_merchant() AND merged_into IS NULL"
FIRST = 'lower(first_name) COLLATE "C" >= $1 AND lower(first_name) COLLATE "C" < $2'
LAST = 'lower(last_name) COLLATE "C" >= {} AND lower(last_name) COLLATE "C" < {}'


def upgrade() -> None:
    route(
        "tangga_customers_first_named",
        "text, text, text, text",
        "SETOF bigint",
        f"SELECT id FROM customer WHERE {MINE} AND {FIRST} AND {LAST.format('$3', '$4')} LIMIT 50",
    )
    route(
        "tangga_customers_last_named",
        "text, text",
        "SETOF bigint",
        f"SELECT id FROM customer WHERE {MINE} AND {LAST.format('$1', '$2')} LIMIT 50",
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_customers_first_named(text, text, text, text)")
    op.execute("DROP FUNCTION tangga_customers_last_named(text, text)")
