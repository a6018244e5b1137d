"""Goods that a shop sells by their link alone are told apart from those in its catalogue."""

import sqlalchemy as sa
from alembic import op

revision = "0160"
down_revision = "0155"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product", sa.Column("listed", sa.Boolean, nullable=False, server_default=sa.text("true")))


def downgrade() -> None:
    op.drop_column("product", "listed")
