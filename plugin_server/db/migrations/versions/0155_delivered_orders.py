"""When an order arrived, for campaigns that wait for that."""

import sqlalchemy as sa
from alembic import op

revision = "0155"
down_revision = "0150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_order", sa.Column("delivered_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_shop_order_delivered", "shop_order", ["merchant_id", "delivered_at"],
        postgresql_where=sa.text("delivered_at IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("shop_order", "delivered_at")
