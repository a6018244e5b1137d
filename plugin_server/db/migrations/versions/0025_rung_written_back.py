"""What rung each shop account has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity", sa.Column("told_rung", sa.Text()))
    op.add_column("identity", sa.Column("refused", sa.Text()))


def downgrade() -> None:
    op.drop_column("identity", "refused")
    op.drop_column("identity", "told_rung")
