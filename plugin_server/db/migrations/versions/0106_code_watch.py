"""Codes used by strangers: found, taken back, given anew to their owner under the next generation."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None

CUSTOMER, CLAIM = "uq_offer_code_customer", "uq_offer_code_claim"
CLAIMED = sa.text("claim_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("offer_code", sa.Column("generation", sa.SmallInteger(), server_default="0", nullable=False))
    _unique("generation")
    op.create_table(
        "code_leak",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("offer_code_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("new_code_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="found", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("agreed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_leak")),
        sa.CheckConstraint(
            "state IN ('found', 'revoked', 'planned', 'reissued', 'closed', 'person')", name=op.f("ck_code_leak_state")
        ),
    )
    op.create_index("uq_code_leak_code", "code_leak", ["offer_code_id"], unique=True)
    op.create_index("ix_code_leak_state", "code_leak", ["merchant_id", "state"])
    protect("code_leak")


def downgrade() -> None:
    op.drop_table("code_leak")
    op.execute("DELETE FROM offer_code WHERE generation > 0")
    _unique()
    op.drop_column("offer_code", "generation")


def _unique(*more: str) -> None:
    for name, columns, where in (
        (CUSTOMER, ["run_id", "customer_id", "store_id"], None),
        (CLAIM, ["claim_id"], CLAIMED),
    ):
        op.drop_index(name, "offer_code")
        op.create_index(name, "offer_code", [*columns, *more], unique=True, postgresql_where=where)
