"""Requests that wait at the provider, and can be called back until they leave."""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0117"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("send_attempt", sa.Column("batch_id", sa.Text(), nullable=True))
    op.add_column("send_attempt", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_send_attempt_held", "send_attempt", ["run_id", "send_at"], postgresql_where=sa.text("send_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_send_attempt_held", "send_attempt")
    op.drop_column("send_attempt", "send_at")
    op.drop_column("send_attempt", "batch_id")
