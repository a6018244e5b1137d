"""The address a frozen shop tells is kept, so that a person confirms exactly that one."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store", sa.Column("told_fingerprint", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("store", "told_fingerprint")
