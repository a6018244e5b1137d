"""Those who were merged into another, by address: asked for every new address, and few in number."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_customer_merged",
        "customer",
        ["merchant_id", "email_norm", "id"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_customer_merged", table_name="customer")
