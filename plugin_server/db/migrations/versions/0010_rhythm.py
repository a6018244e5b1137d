"""The shop's own rhythm: how long customers wait between orders, by the number of the order."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer_facts", sa.Column("order_days", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "order_rhythm",
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.Column("after_order", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.BigInteger(), nullable=False),
        sa.Column("p80_days", sa.Numeric(precision=10, scale=3), nullable=False),
        sa.Column("p95_days", sa.Numeric(precision=10, scale=3), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "after_order", name=op.f("pk_order_rhythm")),
    )
    protect("order_rhythm")


def downgrade() -> None:
    op.drop_table("order_rhythm")
    op.drop_column("customer_facts", "order_days")
