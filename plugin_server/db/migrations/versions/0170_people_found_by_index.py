"""People who are alike, what one of them wrote, and replies that got stuck are found by index in shops of any size."""

import sqlalchemy as sa
from alembic import op

revision = "0170"
down_revision = "0165"
branch_labels = None
depends_on = None

STUCK = "state IN ('failed', 'in_doubt')"


def upgrade() -> None:
    op.create_index(
        "ix_customer_phone", "customer", ["merchant_id", "phone"], postgresql_where=sa.text("phone IS NOT NULL")
    )
    op.create_index("ix_conversation_customer", "conversation", ["customer_id"])
    op.create_index(
        "ix_conversation_message_stuck", "conversation_message", ["merchant_id"], postgresql_where=sa.text(STUCK)
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_message_stuck", "conversation_message")
    op.drop_index("ix_conversation_customer", "conversation")
    op.drop_index("ix_customer_phone", "customer")
