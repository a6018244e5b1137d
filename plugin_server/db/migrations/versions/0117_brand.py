"""A business's own colour and logo."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import protect

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brand",
        sa.Column("merchant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("color", sa.Text(), server_default="", nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_name", sa.Text(), server_default="", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(logo IS NULL) = (logo_name = '')", name=op.f("ck_brand_logo")),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_brand")),
    )
    protect("brand")


def downgrade() -> None:
    op.drop_table("brand")
