"""Facts beside the wide row: habits of buying, contact by mail, and whose are to be read anew."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin_server.db.migrations.tenancy import protect

revision = "0050"
down_revision = "0042"
branch_labels = None
depends_on = None


def _words(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "customer_habits",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gap_spread", sa.Numeric(precision=10, scale=3), nullable=True),
        _words("products"),
        _count("product_count"),
        _words("categories"),
        _count("category_count"),
        sa.Column("margin_percent", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("supply_ends_on", sa.Date(), nullable=True),
        sa.Column("first_source", sa.Text(), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_habits")),
    )
    op.create_table(
        "customer_contact",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        _count("mails"),
        _count("mail_clicks"),
        sa.Column("last_click_at", sa.DateTime(timezone=True), nullable=True),
        _count("mails_since_click"),
        _count("mail_opens"),
        _count("machine_opens"),
        _words("topics_yes"),
        _words("topics_no"),
        sa.Column("last_review_at", sa.DateTime(timezone=True), nullable=True),
        _count("referrals_made"),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_contact")),
    )
    op.create_table(
        "facts_due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts_due")),
    )
    op.create_index("ix_facts_due_merchant", "facts_due", ["merchant_id"], unique=False)
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tangga_app")
    protect("customer_habits", "customer_contact", "facts_due")
    # Whoever is here already is read with the next look.
    op.execute("INSERT INTO facts_due (merchant_id, customer_id) SELECT id, 0 FROM merchant")


def downgrade() -> None:
    op.drop_table("facts_due")
    op.drop_table("customer_contact")
    op.drop_table("customer_habits")
