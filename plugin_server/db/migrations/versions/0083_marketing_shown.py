"""Runs as a shop's own marketing page shows them, and what that page was told."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

BIG, TIME, TEXT = sa.BigInteger(), sa.DateTime(timezone=True), sa.Text()


def upgrade() -> None:
    op.create_table(
        "marketing_shown",
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("store_id", BIG, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("utm", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False, server_default="planned"),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", TIME),
        sa.Column("telling_at", TIME),
        sa.Column("external_id", TEXT),
        sa.Column("error", TEXT, nullable=False, server_default=""),
        sa.Column("told_until", sa.Date()),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.text("now()")),
        sa.Column("merchant_id", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'telling', 'shown', 'ended', 'refused')", name=op.f("ck_marketing_shown_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marketing_shown")),
    )
    op.create_index("uq_marketing_shown_run", "marketing_shown", ["run_id", "store_id"], unique=True)
    op.create_index(
        "ix_marketing_shown_open",
        "marketing_shown",
        ["store_id", "id"],
        postgresql_where=sa.text("state IN ('planned', 'telling', 'shown')"),
    )
    protect("marketing_shown")


def downgrade() -> None:
    op.drop_table("marketing_shown")
