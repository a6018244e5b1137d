"""What keeps somebody on a rung against the rules: a pin, or a review that is still to come."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rung_pin",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("pinned_by", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_rung_pin")),
    )
    op.create_table(
        "rung_review",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lapsed_on", sa.Date(), nullable=False),
        sa.Column("falls_on", sa.Date(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_rung_review")),
    )
    protect("rung_pin", "rung_review")


def downgrade() -> None:
    op.drop_table("rung_review")
    op.drop_table("rung_pin")
