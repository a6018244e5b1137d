"""The audit made ready at night, what tells when it has grown stale, and what the owner spent to win customers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.migrations.tenancy import protect

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_rollup",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("document", JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "span", name=op.f("pk_audit_rollup")),
    )
    op.create_table(
        "order_pulse",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("beaten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_order_pulse")),
    )
    op.create_table(
        "spend_entry",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_spend_entry_something")),
        sa.PrimaryKeyConstraint("merchant_id", "month", "channel", name=op.f("pk_spend_entry")),
    )
    protect("audit_rollup", "order_pulse", "spend_entry")


def downgrade() -> None:
    op.drop_table("spend_entry")
    op.drop_table("order_pulse")
    op.drop_table("audit_rollup")
