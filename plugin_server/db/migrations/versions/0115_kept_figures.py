"""Figures of whole shops, made ready for their pages; and the list of customers by activity."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.migrations.tenancy import protect

revision = "0115"
down_revision = "0107"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_figure",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("document", JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "name", name=op.f("pk_kept_figure")),
    )
    protect("kept_figure")
    op.create_index(
        "ix_customer_facts_activity",
        "customer_facts",
        ["merchant_id", "activity", sa.text("last_order_at DESC NULLS LAST"), "customer_id"],
    )


def downgrade() -> None:
    op.drop_index("ix_customer_facts_activity", "customer_facts")
    op.drop_table("kept_figure")
