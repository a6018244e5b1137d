"""Evidence, facts and the ladder."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from plugin_server.db.migrations.tenancy import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "referral",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("advocate_id", sa.BigInteger(), nullable=False),
        sa.Column("friend_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("converted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("advocate_id <> friend_id", name=op.f("ck_referral_not_oneself")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral")),
    )
    op.create_index("ix_referral_advocate", "referral", ["advocate_id"], unique=False)
    op.create_index("uq_referral_friend", "referral", ["merchant_id", "friend_id"], unique=True)
    op.create_table(
        "testimonial",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("email_norm", sa.Text(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("approved", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_testimonial")),
    )
    op.create_index("ix_testimonial_customer", "testimonial", ["customer_id"], unique=False)
    op.create_index("uq_testimonial_external", "testimonial", ["store_id", "external_id"], unique=True)
    op.create_table(
        "customer_facts",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("foreign_orders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("average_order_minor", sa.BigInteger(), nullable=True),
        sa.Column("first_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("third_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gap_mean_days", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.Column("discount_orders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stores", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("has_account", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("known_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enquired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("member_since", sa.Date(), nullable=True),
        sa.Column("reviews", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_review_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("referrals_converted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_referral_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_referral_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_referral_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_promotions", sa.Text(), server_default="unknown", nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("rung", sa.Text(), nullable=True),
        sa.Column("rung_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activity", sa.Text(), server_default="none", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_facts")),
    )
    op.create_index(
        "ix_customer_facts_recent",
        "customer_facts",
        ["merchant_id", sa.literal_column("last_order_at DESC NULLS LAST"), "customer_id"],
        unique=False,
    )
    op.create_index(
        "ix_customer_facts_rung",
        "customer_facts",
        ["merchant_id", "rung", sa.literal_column("last_order_at DESC NULLS LAST"), "customer_id"],
        unique=False,
    )
    op.create_table(
        "ladder_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_version")),
    )
    op.create_index("uq_ladder_version", "ladder_version", ["merchant_id", "version"], unique=True)
    op.create_table(
        "rung_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("from_rung", sa.Text(), nullable=True),
        sa.Column("to_rung", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("ladder_version", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rung_change")),
    )
    op.create_index("ix_rung_change_customer", "rung_change", ["customer_id", "changed_at"], unique=False)
    op.create_index(
        "ix_rung_change_time", "rung_change", ["merchant_id", sa.literal_column("changed_at DESC")], unique=False
    )
    protect("referral", "testimonial", "customer_facts", "ladder_version", "rung_change")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tangga_app")


def downgrade() -> None:
    op.drop_table("rung_change")
    op.drop_table("ladder_version")
    op.drop_table("customer_facts")
    op.drop_table("testimonial")
    op.drop_table("referral")
