"""Points: programme, what orders earn by, the ledger, rewards taken; and codes that come from a reward, not a run."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.migrations.tenancy import protect

revision = "0080"
down_revision = "0073"
branch_labels = None
depends_on = None

BIG, TIME = sa.BigInteger(), sa.DateTime(timezone=True)


def _column(name: str, kind: sa.types.TypeEngine[Any], *, nullable: bool = False, **told: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **told)


def _key() -> sa.Column[Any]:
    return sa.Column("id", BIG, sa.Identity(), nullable=False)


def upgrade() -> None:
    _program()
    _ledger()
    _rewards()
    protect("point_program", "point_basis", "point_entry", "point_use", "reward_claim")


def _program() -> None:
    op.create_table(
        "point_program",
        _key(),
        _column("version", sa.Integer()),
        _column("definition", JSONB(), server_default="{}"),
        _column("paused", sa.Boolean(), server_default=sa.text("false")),
        _column("created_at", TIME, server_default=sa.text("now()")),
        _column("created_by", sa.Text()),
        _column("merchant_id", BIG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_program")),
    )
    op.create_index("uq_point_program", "point_program", ["merchant_id", "version"], unique=True)
    op.create_table(
        "point_basis",
        _column("order_id", BIG, autoincrement=False),
        _column("version", sa.Integer()),
        _column("gross_minor", BIG),
        _column("parts", JSONB(), server_default="{}"),
        _column("rung", sa.Text(), nullable=True),
        _column("taken_at", TIME, server_default=sa.text("now()")),
        _column("merchant_id", BIG),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_point_basis")),
    )


def _ledger() -> None:
    op.create_table(
        "point_entry",
        _key(),
        _column("customer_id", BIG),
        _column("kind", sa.Text()),
        _column("points", BIG),
        _column("open_points", BIG),
        _column("key", sa.Text(), nullable=True),
        _column("order_id", BIG, nullable=True),
        _column("about_id", BIG, nullable=True),
        _column("version", sa.Integer(), nullable=True),
        _column("available_at", TIME, nullable=True),
        _column("expires_at", TIME, nullable=True),
        _column("reason", sa.Text(), server_default=""),
        _column("happened_at", TIME),
        _column("recorded_at", TIME, server_default=sa.text("now()")),
        _column("merchant_id", BIG),
        sa.CheckConstraint("points <> 0", name=op.f("ck_point_entry_something")),
        sa.CheckConstraint("open_points BETWEEN 0 AND abs(points)", name=op.f("ck_point_entry_open")),
        sa.CheckConstraint("(points > 0) = (available_at IS NOT NULL)", name=op.f("ck_point_entry_lots_have_a_day")),
        sa.CheckConstraint(
            "kind IN ('earn', 'action', 'adjust', 'restore', 'reverse', 'redeem', 'expire')",
            name=op.f("ck_point_entry_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_entry")),
    )
    op.create_index("uq_point_entry_key", "point_entry", ["merchant_id", "key"], unique=True)
    op.create_index("ix_point_entry_customer", "point_entry", ["customer_id", "id"])
    op.create_index(
        "ix_point_entry_order", "point_entry", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.create_index(
        "ix_point_entry_ends",
        "point_entry",
        ["merchant_id", "expires_at"],
        postgresql_where=sa.text("points > 0 AND open_points > 0"),
    )
    op.create_table(
        "point_use",
        _column("debit_id", BIG, autoincrement=False),
        _column("lot_id", BIG, autoincrement=False),
        _column("points", BIG),
        _column("merchant_id", BIG),
        sa.CheckConstraint("points > 0", name=op.f("ck_point_use_some")),
        sa.PrimaryKeyConstraint("debit_id", "lot_id", name=op.f("pk_point_use")),
    )
    op.create_index("ix_point_use_lot", "point_use", ["lot_id"])


def _rewards() -> None:
    op.create_table(
        "reward_claim",
        _key(),
        _column("customer_id", BIG),
        _column("store_id", BIG),
        _column("reward", sa.Text()),
        _column("name", sa.Text()),
        _column("points", BIG),
        _column("entry_id", BIG),
        _column("state", sa.Text(), server_default="planned"),
        _column("error", sa.Text(), server_default=""),
        _column("created_at", TIME, server_default=sa.text("now()")),
        _column("settled_at", TIME, nullable=True),
        _column("merchant_id", BIG),
        sa.CheckConstraint("state IN ('planned', 'issued', 'failed')", name=op.f("ck_reward_claim_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_claim")),
    )
    op.create_index("ix_reward_claim_customer", "reward_claim", ["customer_id", "id"])
    op.create_index(
        "ix_reward_claim_waiting", "reward_claim", ["merchant_id", "id"], postgresql_where=sa.text("state = 'planned'")
    )
    op.alter_column("offer_code", "run_id", nullable=True)
    op.add_column("offer_code", sa.Column("claim_id", BIG, nullable=True))
    op.create_index(
        "uq_offer_code_claim", "offer_code", ["claim_id"], unique=True, postgresql_where=sa.text("claim_id IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("DELETE FROM offer_code WHERE run_id IS NULL")
    op.drop_index("uq_offer_code_claim", "offer_code")
    op.drop_column("offer_code", "claim_id")
    op.alter_column("offer_code", "run_id", nullable=False)
    for table in ("reward_claim", "point_use", "point_entry", "point_basis", "point_program"):
        op.drop_table(table)
