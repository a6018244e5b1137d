"""Store credit: what is to be given, before the shop is asked, and what became of it."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0082"
down_revision = "0080"
branch_labels = None
depends_on = None

BIG, TIME, TEXT = sa.BigInteger(), sa.DateTime(timezone=True), sa.Text()


def upgrade() -> None:
    op.create_table(
        "credit_intent",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("store_id", BIG, nullable=False),
        sa.Column("customer_id", BIG, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("amount_minor", BIG, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False, server_default=""),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("state", TEXT, nullable=False, server_default="planned"),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", TIME),
        sa.Column("external_id", TEXT),
        sa.Column("error", TEXT, nullable=False, server_default=""),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.text("now()")),
        sa.Column("sending_at", TIME),
        sa.Column("settled_at", TIME),
        sa.Column("merchant_id", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'sending', 'in_doubt', 'given', 'refused')", name=op.f("ck_credit_intent_state")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_credit_intent_something")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_intent")),
    )
    op.create_index("uq_credit_intent_cause", "credit_intent", ["merchant_id", "cause"], unique=True)
    op.create_index(
        "uq_credit_intent_mark",
        "credit_intent",
        ["store_id", "account", "expires_at"],
        unique=True,
        postgresql_where=sa.text("account <> ''"),
    )
    op.create_index("ix_credit_intent_customer", "credit_intent", ["customer_id", "id"])
    op.create_index(
        "ix_credit_intent_open",
        "credit_intent",
        ["merchant_id", "id"],
        postgresql_where=sa.text("state IN ('planned', 'sending', 'in_doubt')"),
    )
    protect("credit_intent")


def downgrade() -> None:
    op.drop_table("credit_intent")
