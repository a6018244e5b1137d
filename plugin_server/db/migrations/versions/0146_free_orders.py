"""Orders with nothing to pay, which a forecast looks for among millions."""

import sqlalchemy as sa
from alembic import op

revision = "0146"
down_revision = "0145"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_shop_order_free", "shop_order", ["customer_id"], postgresql_where=sa.text("total_minor = 0"))


def downgrade() -> None:
    op.drop_index("ix_shop_order_free", "shop_order")
