"""How a shop's webhooks stood when we last looked, so that its page need not ask the shop."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store", sa.Column("webhooks", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("store", "webhooks")
