"""Series: who stands where, what each step brought, tasks for the owner, calls to other systems."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0100"
down_revision = "0096"
branch_labels = None
depends_on = None

BIG, TEXT, TIME = sa.BigInteger(), sa.Text(), sa.DateTime(timezone=True)
INSIDE, WAITING = sa.text("left_at IS NULL"), sa.text("state = 'waiting'")
BUSY, OPEN = sa.text("state IN ('mailing', 'coding')"), sa.text("state IN ('planned', 'sending')")
ARMS = "arm IN ('treated', 'holdout', 'excluded')"


def _column(name: str, kind: sa.types.TypeEngine[Any], *, nullable: bool = False, **told: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **told)


def upgrade() -> None:
    op.add_column("campaign_run", sa.Column("step", TEXT, nullable=True))
    op.add_column("audience_member", sa.Column("offer_code_id", BIG, nullable=True))
    op.drop_constraint(op.f("ck_audience_member_arm"), "audience_member")
    op.create_check_constraint(
        op.f("ck_audience_member_arm"), "audience_member", "arm IN ('treated', 'holdout', 'excluded', 'stepped')"
    )
    op.create_table(
        "series_place",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        _column("campaign_id", BIG),
        _column("run_id", BIG),
        _column("customer_id", BIG),
        _column("version", sa.Integer()),
        _column("step", TEXT),
        _column("state", TEXT, server_default="waiting"),
        _column("outcome", TEXT, server_default=""),
        _column("rung", TEXT, nullable=True),
        _column("due_at", TIME),
        _column("step_since", TIME),
        _column("step_run_id", BIG, nullable=True),
        _column("offer_code_id", BIG, nullable=True),
        _column("entered_at", TIME),
        _column("left_at", TIME, nullable=True),
        _column("merchant_id", BIG),
        sa.CheckConstraint(
            "state IN ('waiting', 'mailing', 'coding', 'resting', 'left')", name=op.f("ck_series_place_state")
        ),
        sa.CheckConstraint("(state = 'left') = (left_at IS NOT NULL)", name=op.f("ck_series_place_left")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_place")),
    )
    op.create_index("uq_series_place_entry", "series_place", ["run_id", "customer_id"], unique=True)
    op.create_index(
        "uq_series_place_inside", "series_place", ["campaign_id", "customer_id"], unique=True, postgresql_where=INSIDE
    )
    op.create_index(
        "ix_series_place_due", "series_place", ["merchant_id", "campaign_id", "version", "step", "due_at"],
        postgresql_where=WAITING,
    )  # fmt: skip
    op.create_index("ix_series_place_busy", "series_place", ["step_run_id", "customer_id"], postgresql_where=BUSY)
    op.create_index("ix_series_place_told", "series_place", ["campaign_id", "state", "step", "outcome"])
    op.create_index("ix_series_place_customer", "series_place", ["customer_id"])
    op.create_table(
        "series_log",
        sa.Column("place_id", BIG, nullable=False, autoincrement=False),
        _column("step", TEXT),
        _column("campaign_id", BIG),
        _column("note", TEXT, server_default=""),
        _column("at", TIME),
        _column("merchant_id", BIG),
        sa.PrimaryKeyConstraint("place_id", "step", name=op.f("pk_series_log")),
    )
    op.create_index("ix_series_log_told", "series_log", ["campaign_id", "step", "note"])
    _what_is_left_to_do()
    protect("series_place", "series_log", "owner_task", "series_call")


def _what_is_left_to_do() -> None:
    op.create_table(
        "owner_task",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        _column("place_id", BIG),
        _column("campaign_id", BIG),
        _column("customer_id", BIG),
        _column("step", TEXT),
        _column("title", TEXT),
        _column("note", TEXT, server_default=""),
        _column("created_at", TIME),
        _column("done_at", TIME, nullable=True),
        _column("done_by", TEXT, nullable=True),
        _column("merchant_id", BIG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_task")),
    )
    op.create_index("uq_owner_task_step", "owner_task", ["place_id", "step"], unique=True)
    op.create_index(
        "ix_owner_task_open", "owner_task", ["merchant_id", "id"], postgresql_where=sa.text("done_at IS NULL")
    )
    op.create_index(
        "ix_owner_task_done", "owner_task", ["merchant_id", sa.text("done_at DESC")],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "series_call",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        _column("place_id", BIG),
        _column("campaign_id", BIG),
        _column("customer_id", BIG),
        _column("step", TEXT),
        _column("url", TEXT),
        _column("state", TEXT, server_default="planned"),
        _column("tries", sa.Integer(), server_default="0"),
        _column("status", sa.Integer(), nullable=True),
        _column("detail", TEXT, server_default=""),
        _column("created_at", TIME, server_default=sa.text("now()")),
        _column("not_before", TIME),
        _column("settled_at", TIME, nullable=True),
        _column("merchant_id", BIG),
        sa.CheckConstraint("state IN ('planned', 'sending', 'done', 'failed')", name=op.f("ck_series_call_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_call")),
    )
    op.create_index("uq_series_call_step", "series_call", ["place_id", "step"], unique=True)
    op.create_index("ix_series_call_open", "series_call", ["merchant_id", "not_before"], postgresql_where=OPEN)


def downgrade() -> None:
    for table in ("series_call", "owner_task", "series_log", "series_place"):
        op.drop_table(table)
    op.execute("DELETE FROM audience_member WHERE arm = 'stepped'")
    op.drop_constraint(op.f("ck_audience_member_arm"), "audience_member")
    op.create_check_constraint(op.f("ck_audience_member_arm"), "audience_member", ARMS)
    op.drop_column("audience_member", "offer_code_id")
    op.drop_column("campaign_run", "step")
