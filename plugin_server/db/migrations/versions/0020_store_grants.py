"""Connections begun here that wait for the shop's owner to say yes."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect, route

revision = "0020"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_grant",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_store_grant")),
    )
    protect("store_grant")
    route("tangga_grant_merchant", "text", "bigint", "SELECT merchant_id FROM store_grant WHERE token_hash = $1")


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_grant_merchant(text)")
    op.drop_table("store_grant")
