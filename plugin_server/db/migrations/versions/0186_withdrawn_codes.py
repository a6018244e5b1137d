"""Codes that are over before their time, and rewards whose points came back with them."""

import sqlalchemy as sa
from alembic import op

revision = "0186"
down_revision = "0185"
branch_labels = None
depends_on = None

CODES = "'planned', 'issued', 'failed', 'revoked', 'promised', 'kept', 'lapsed'"
CLAIMS = "'planned', 'issued', 'failed'"


def _states(table: str, states: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_state")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_state CHECK (state IN ({states}))")


def upgrade() -> None:
    _states("offer_code", f"{CODES}, 'withdrawn'")
    _states("reward_claim", f"{CLAIMS}, 'returned'")
    op.create_index(
        "ix_offer_code_withdrawn", "offer_code", ["merchant_id", "id"], postgresql_where=sa.text("state = 'withdrawn'")
    )


def downgrade() -> None:
    op.drop_index("ix_offer_code_withdrawn", "offer_code")
    op.execute("UPDATE offer_code SET state = 'revoked' WHERE state = 'withdrawn'")
    op.execute("UPDATE reward_claim SET state = 'failed' WHERE state = 'returned'")
    _states("reward_claim", CLAIMS)
    _states("offer_code", CODES)
