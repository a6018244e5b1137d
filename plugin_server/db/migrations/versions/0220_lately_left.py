"""Finds those who left a series last, without putting all who ever did in order."""

import sqlalchemy as sa
from alembic import op

revision = "0220"
down_revision = "0215"
branch_labels = None
depends_on = None

NAME = "ix_series_place_left"


def upgrade() -> None:
    op.create_index(
        NAME,
        "series_place",
        ["campaign_id", sa.text("left_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("left_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(NAME, "series_place")
