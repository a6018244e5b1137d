"""When we heard of orders, deliveries and birthdays, and when what had been begun was placed and paid."""

import sqlalchemy as sa
from alembic import op

revision = "0215"
down_revision = "0210"
branch_labels = None
depends_on = None

OF_ORDERS = ("delivery_heard_at", "told_at", "placed_later_at", "paid_later_at")


def upgrade() -> None:
    for name in OF_ORDERS:
        op.add_column("shop_order", sa.Column(name, sa.DateTime(timezone=True)))
    for name in ("placed_later", "paid_later"):
        op.create_index(
            f"ix_shop_order_{name}", "shop_order", ["merchant_id", f"{name}_at"],
            postgresql_where=sa.text(f"{name}_at IS NOT NULL"),
        )  # fmt: skip
    op.add_column("customer", sa.Column("birthday_told_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("customer", "birthday_told_at")
    for name in ("paid_later", "placed_later"):
        op.drop_index(f"ix_shop_order_{name}", table_name="shop_order")
    for name in reversed(OF_ORDERS):
        op.drop_column("shop_order", name)
