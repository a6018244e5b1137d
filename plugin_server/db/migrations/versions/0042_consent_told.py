"""What each shop has been told of its customers' answers to our mails."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity", sa.Column("told_consent", sa.Text(), nullable=True))
    op.add_column("identity", sa.Column("told_consent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("identity", sa.Column("refused_consent", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("identity", "refused_consent")
    op.drop_column("identity", "told_consent_at")
    op.drop_column("identity", "told_consent")
