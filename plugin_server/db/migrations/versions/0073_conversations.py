"""What customers write back, and our answers, on one thread each."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.CheckConstraint("state IN ('open', 'answered', 'closed')", name=op.f("ck_conversation_state")),
    )
    op.create_index(
        "ix_conversation_waiting", "conversation", ["customer_id"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("ix_conversation_changed", "conversation", ["merchant_id", sa.text("changed_at DESC")])
    op.create_table(
        "conversation_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("proven", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attachments", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waited", sa.Interval(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_message")),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_conversation_message_direction")),
        sa.CheckConstraint(
            "state IN ('received', 'planned', 'sending', 'sent', 'failed', 'in_doubt')",
            name=op.f("ck_conversation_message_state"),
        ),
    )
    op.create_index("ix_conversation_message_thread", "conversation_message", ["conversation_id", "id"])
    op.create_index(
        "uq_conversation_message_reference", "conversation_message", ["merchant_id", "reference"], unique=True
    )
    op.create_index(
        "ix_conversation_message_going", "conversation_message", ["id"],
        postgresql_where=sa.text("state IN ('planned', 'sending')"),
    )  # fmt: skip
    protect("conversation", "conversation_message")


def downgrade() -> None:
    op.drop_table("conversation_message")
    op.drop_table("conversation")
