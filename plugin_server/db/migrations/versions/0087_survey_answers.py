"""Answers of customers who were asked, one per customer, question and occasion."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin_server.db.migrations.tenancy import protect

revision = "0087"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("choices", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tell", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_survey_answer_score")),
        sa.CheckConstraint("score IS NULL OR question = 'satisfaction'", name=op.f("ck_survey_answer_scored")),
    )
    op.create_index("uq_survey_answer_occasion", "survey_answer", ["customer_id", "question", "occasion"], unique=True)
    op.create_index("ix_survey_answer_time", "survey_answer", ["merchant_id", sa.text("answered_at DESC")])
    op.create_index(
        "ix_survey_answer_untold", "survey_answer", ["merchant_id"],
        postgresql_where=sa.text("tell AND told_at IS NULL"),
    )  # fmt: skip
    protect("survey_answer")


def downgrade() -> None:
    op.drop_table("survey_answer")
