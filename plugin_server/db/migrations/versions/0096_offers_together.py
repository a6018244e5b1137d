"""Teams that a campaign hands out, and friends who come by a campaign's letter: the promise each belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0095"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("team", sa.Column("offer_code_id", sa.BigInteger(), nullable=True))
    op.add_column("referral_join", sa.Column("promise_id", sa.BigInteger(), nullable=True))
    op.add_column("referral_join", sa.Column("own_claim_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("referral_join", "own_claim_id")
    op.drop_column("referral_join", "promise_id")
    op.drop_column("team", "offer_code_id")
