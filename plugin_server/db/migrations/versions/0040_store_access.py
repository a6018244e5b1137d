"""Rights that end: how long we may call a store, what is wrong with it, and who of its staff is who."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin_server.db.migrations.tenancy import protect, route

revision = "0040"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "store_access",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("installed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("troubled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uninstalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purge_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_store_access_store_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_store_access")),
    )
    op.create_table(
        "store_staff",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_store_staff_store_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_store_staff_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("store_id", "external_id", name=op.f("pk_store_staff")),
    )
    protect("store_access", "store_staff")
    route(
        "tangga_stores_at",
        "text, text",
        "TABLE (merchant_id bigint, store_id bigint)",
        "SELECT s.merchant_id, s.id FROM store s WHERE s.platform = $1 AND s.url = $2 ORDER BY s.id",
    )
    op.create_index("ix_store_url", "store", ["platform", "url"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_store_url", "store")
    op.execute("DROP FUNCTION tangga_stores_at(text, text)")
    op.drop_table("store_staff")
    op.drop_table("store_access")
