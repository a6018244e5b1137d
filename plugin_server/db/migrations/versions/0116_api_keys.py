"""Keys for programs; and the log of acts by person and by act."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin_server.db.migrations.tenancy import protect, route

revision = "0116"
down_revision = "0115"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("begins", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.CheckConstraint("scopes <@ ARRAY['read', 'write'] AND scopes <> '{}'", name=op.f("ck_api_key_scopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_index("uq_api_key_hash", "api_key", ["hash"], unique=True)
    protect("api_key")
    # Whose key it is, is asked before the merchant is known.
    route("tangga_api_key_merchant", "wanted text", "bigint", "SELECT merchant_id FROM api_key WHERE hash = wanted")
    op.create_index("ix_audit_log_actor", "audit_log", ["merchant_id", "actor", sa.text("id DESC")])
    op.create_index("ix_audit_log_action", "audit_log", ["merchant_id", "action", sa.text("id DESC")])
    op.create_index("ix_audit_log_at", "audit_log", ["merchant_id", sa.text("at DESC")])


def downgrade() -> None:
    op.drop_index("ix_audit_log_at", "audit_log")
    op.drop_index("ix_audit_log_action", "audit_log")
    op.drop_index("ix_audit_log_actor", "audit_log")
    op.execute("DROP FUNCTION tangga_api_key_merchant(text)")
    op.drop_table("api_key")
