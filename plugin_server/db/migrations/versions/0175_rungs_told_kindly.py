"""Shops that were told a rung by the trade's inner word are told it again, as customers read it."""

from alembic import op

revision = "0175"
down_revision = "0170"
branch_labels = None
depends_on = None

INNER = "'suspect', 'prospect', 'pre_sales', 'acquisition', 'retained', 'initial', 'repeater', 'advocate'"
"""Rungs of the ladders we bring along whose name customers read otherwise."""


def upgrade() -> None:
    op.execute(f"UPDATE identity SET told_rung = NULL WHERE told_rung IN ({INNER})")


def downgrade() -> None:
    """The shops keep what they were told."""
