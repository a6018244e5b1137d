"""Why a run waits, as key and figures beside the sentence, so that pages say it in their reader's language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign_run", sa.Column("state_figures", JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("campaign_run", "state_figures")
