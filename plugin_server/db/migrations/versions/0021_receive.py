"""One call writes a delivery down as its merchant: webhooks come by the thousand, and each round trip is time."""

from alembic import op

from plugin_server.db.migrations.tenancy import APP_ROLE

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ARGUMENTS = "bigint, text, bigint, text, jsonb, bytea, text, boolean"


def upgrade() -> None:
    # Runs as whoever calls it, so that row-level security holds here as everywhere.
    op.execute(
        f"""
        CREATE FUNCTION tangga_receive({ARGUMENTS}) RETURNS boolean LANGUAGE plpgsql SET search_path = public AS $$
        BEGIN
            PERFORM set_config('tangga.merchant', $1::text, true);
            INSERT INTO inbound_event (merchant_id, provider, store_id, topic, headers, body, dedupe, once)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING;
            RETURN FOUND;
        END $$
        """
    )
    op.execute(f"REVOKE ALL ON FUNCTION tangga_receive({ARGUMENTS}) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tangga_receive({ARGUMENTS}) TO {APP_ROLE}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION tangga_receive({ARGUMENTS})")
