"""Finds the codes of one person quickly: guards ask for them, and so does the customer's page."""

from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

NAME = "ix_offer_code_person"


def upgrade() -> None:
    op.create_index(NAME, "offer_code", ["customer_id"])


def downgrade() -> None:
    op.drop_index(NAME, "offer_code")
