"""When an order was first said to have arrived, where it proved to arrive later."""

import sqlalchemy as sa
from alembic import op

revision = "0195"
down_revision = "0186"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_order", sa.Column("delivery_told_at", sa.DateTime(timezone=True)))
    op.add_column("shop_order", sa.Column("delivery_moved_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("shop_order", "delivery_moved_at")
    op.drop_column("shop_order", "delivery_told_at")
