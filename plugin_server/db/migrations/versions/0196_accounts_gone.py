"""Whose accounts were that a store has deleted: it may say later into whom it merged them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0196"
down_revision = "0195"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("accounts_gone", ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.create_index(
        "ix_customer_accounts_gone", "customer", ["accounts_gone"], postgresql_using="gin",
        postgresql_where=sa.text("accounts_gone <> '{}'"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("customer", "accounts_gone")
