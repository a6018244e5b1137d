"""Since when a friend waits for a person: whoever is approved late still gets the letter that others get."""

import sqlalchemy as sa
from alembic import op

revision = "0180"
down_revision = "0176"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referral_join", sa.Column("flagged_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("referral_join", "flagged_at")
