"""What of a refund was for shipping: points and cashback are earned by goods alone, and so they are taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0185"
down_revision = "0181"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_refund", sa.Column("shipping_minor", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("order_refund", "shipping_minor")
