"""Variants of a run's mail or offer, who was spared by a guard after the draw, and the lasting holdout of then."""

import sqlalchemy as sa
from alembic import op

revision = "0105"
down_revision = "0100"
branch_labels = None
depends_on = None

ARM = "ck_audience_member_arm"


def upgrade() -> None:
    for table in ("audience_member", "message"):
        op.add_column(table, sa.Column("variant", sa.Text(), server_default="", nullable=False))
    _arms("'treated', 'spared', 'holdout', 'excluded', 'stepped'")
    op.add_column("campaign_run", sa.Column("lasting_share", sa.Numeric(4, 3), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign_run", "lasting_share")
    op.execute("UPDATE audience_member SET arm = 'treated' WHERE arm = 'spared'")
    _arms("'treated', 'holdout', 'excluded', 'stepped'")
    for table in ("message", "audience_member"):
        op.drop_column(table, "variant")


def _arms(known: str) -> None:
    op.drop_constraint(op.f(ARM), "audience_member", type_="check")
    op.create_check_constraint(op.f(ARM), "audience_member", f"arm IN ({known})")
