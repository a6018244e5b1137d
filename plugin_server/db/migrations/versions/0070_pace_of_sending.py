"""When mails were handed over, by time: for limits by the minute and day, and for the sender's health."""

from alembic import op

revision = "0070"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_message_claimed ON message (merchant_id, claimed_at) WHERE claimed_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX ix_message_claimed")
