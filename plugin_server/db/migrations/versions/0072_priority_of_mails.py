"""Which mail goes first where a customer has room for one: 1 to 9, 5 where nobody said."""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("priority", sa.SmallInteger(), server_default="5", nullable=False))


def downgrade() -> None:
    op.drop_column("message", "priority")
