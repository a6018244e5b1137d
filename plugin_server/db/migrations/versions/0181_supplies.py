"""When each of the goods that a customer bought runs out, beside the nearest of them all."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0181"
down_revision = "0180"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (("supply_products", sa.Text()), ("supply_dates", sa.Date())):
        op.add_column("customer_habits", sa.Column(name, ARRAY(kind), server_default="{}", nullable=False))
    op.create_index("ix_customer_habits_supply", "customer_habits", ["supply_dates"], postgresql_using="gin")
    # Everybody's habits are read anew by the next round.
    op.execute("INSERT INTO facts_due (merchant_id, customer_id) SELECT id, 0 FROM merchant")


def downgrade() -> None:
    op.drop_index("ix_customer_habits_supply", "customer_habits")
    for name in ("supply_products", "supply_dates"):
        op.drop_column("customer_habits", name)
