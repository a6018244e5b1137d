"""Friends who come by somebody's link; and codes that no points paid for."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from plugin_server.db.migrations.tenancy import protect

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

BIG, TIME = sa.BigInteger(), sa.DateTime(timezone=True)


def _column(name: str, kind: sa.types.TypeEngine[Any], *, nullable: bool = False, **told: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **told)


def upgrade() -> None:
    op.create_table(
        "referral_join",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        _column("advocate_id", BIG),
        _column("friend_id", BIG),
        _column("mailbox", sa.Text(), nullable=True),
        _column("ip_hash", sa.Text(), nullable=True),
        _column("state", sa.Text(), server_default="asked"),
        _column("flags", ARRAY(sa.Text()), server_default="{}"),
        _column("reason", sa.Text(), server_default=""),
        _column("claim_id", BIG, nullable=True),
        _column("asked_at", TIME, server_default=sa.text("now()")),
        _column("confirmed_at", TIME, nullable=True),
        _column("decided_at", TIME, nullable=True),
        _column("decided_by", sa.Text(), nullable=True),
        _column("merchant_id", BIG),
        sa.CheckConstraint("state IN ('asked', 'review', 'approved', 'refused')", name=op.f("ck_referral_join_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_join")),
    )
    op.create_index("uq_referral_join_mailbox", "referral_join", ["merchant_id", "mailbox"], unique=True)
    op.create_index("ix_referral_join_friend", "referral_join", ["friend_id"])
    op.create_index("ix_referral_join_advocate", "referral_join", ["advocate_id"])
    op.create_index(
        "ix_referral_join_review", "referral_join", ["merchant_id", "id"], postgresql_where=sa.text("state = 'review'")
    )
    protect("referral_join")
    op.alter_column("reward_claim", "entry_id", nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM offer_code WHERE claim_id IN (SELECT id FROM reward_claim WHERE entry_id IS NULL)")
    op.execute("DELETE FROM reward_claim WHERE entry_id IS NULL")
    op.alter_column("reward_claim", "entry_id", nullable=False)
    op.drop_table("referral_join")
