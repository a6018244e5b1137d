"""What the forecast says of each customer, for rules to read."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0165"
down_revision = "0160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_outlook",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("alive_percent", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("buys_percent", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("expected_spend_minor", sa.BigInteger(), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_outlook")),
    )
    protect("customer_outlook")


def downgrade() -> None:
    op.drop_table("customer_outlook")
