"""Where a buyer can go on with an order that was begun and not paid."""

import sqlalchemy as sa
from alembic import op

revision = "0197"
down_revision = "0196"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shop_order", sa.Column("way_back", sa.Text()))
    op.add_column("shop_order", sa.Column("way_back_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("shop_order", "way_back_until")
    op.drop_column("shop_order", "way_back")
