"""Budgets of offers, tries of messages, and when a waiting run goes on."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offer_budget",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("issued_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("issued_minor <= limit_minor OR limit_minor IS NULL", name=op.f("ck_offer_budget_within")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_offer_budget")),
    )
    protect("offer_budget")
    op.add_column("offer_code", sa.Column("liability_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("message", sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("campaign_run", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign_run", "not_before")
    op.drop_column("message", "tries")
    op.drop_column("offer_code", "liability_minor")
    op.drop_table("offer_budget")
