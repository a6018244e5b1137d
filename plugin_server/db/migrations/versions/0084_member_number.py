"""Find a customer by member number: our own numbers must not meet those of the shop."""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_customer_member_number",
        "customer",
        ["merchant_id", "member_number"],
        postgresql_where=sa.text("member_number IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_customer_member_number", "customer")
