"""A schema in which imports lay out what they bring in, before it becomes the rows of the merchant."""

from alembic import op

revision = "0131"
down_revision = "0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA tangga_import")
    op.execute("GRANT USAGE, CREATE ON SCHEMA tangga_import TO tangga_app")


def downgrade() -> None:
    op.execute("DROP SCHEMA tangga_import CASCADE")
