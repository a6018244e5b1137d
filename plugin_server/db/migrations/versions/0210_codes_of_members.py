"""Codes for members alone are looked at again and again, and are few."""

import sqlalchemy as sa
from alembic import op

revision = "0210"
down_revision = "0197"
branch_labels = None
depends_on = None
MEMBERS = "kind IN ('member_only', 'early_access') AND state IN ('planned', 'issued', 'promised')"


def upgrade() -> None:
    op.create_index(
        "ix_offer_code_members", "offer_code", ["merchant_id", "customer_id"], postgresql_where=sa.text(MEMBERS)
    )


def downgrade() -> None:
    op.drop_index("ix_offer_code_members", "offer_code")
