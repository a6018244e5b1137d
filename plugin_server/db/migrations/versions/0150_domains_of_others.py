"""Whether another business has proven that a domain is its own: only yes or no is told across the wall."""

from alembic import op

from plugin_server.db.migrations.tenancy import route

revision = "0150"
down_revision = "0146"
branch_labels = None
depends_on = None


def upgrade() -> None:
    route(
        "tangga_domain_taken",
        "text",
        "boolean",
        "SELECT EXISTS (SELECT FROM merchant WHERE id IS DISTINCT FROM tangga_merchant() "
        "AND settings->'vouching'->>'domain' = lower($1) AND settings->'vouching'->'vouch'->>'valid' = 'true')",
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_domain_taken(text)")
