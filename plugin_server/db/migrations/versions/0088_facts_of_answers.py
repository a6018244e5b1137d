"""What customers answered, among the facts that rules read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer_contact", sa.Column("nps_score", sa.Numeric(precision=4, scale=1), nullable=True))
    op.add_column("customer_contact", sa.Column("nps_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer_contact", sa.Column("last_answer_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "customer_contact",
        sa.Column("favourites", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    for column in ("favourites", "last_answer_at", "nps_at", "nps_score"):
        op.drop_column("customer_contact", column)
