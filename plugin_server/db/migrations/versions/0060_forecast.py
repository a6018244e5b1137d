"""The newest forecast of each shop: its models, its gates, and how far it missed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.migrations.tenancy import protect

revision = "0060"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forecast_fit",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_forecast_fit")),
    )
    protect("forecast_fit")


def downgrade() -> None:
    op.drop_table("forecast_fit")
