"""What we wrote to shop accounts ourselves: when by the shop's clock, and the tags that it has yet to be told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0140"
down_revision = "0131"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity", sa.Column("written_at", sa.DateTime(timezone=True)))
    op.add_column("identity", sa.Column("tags_due", JSONB(), nullable=False, server_default="{}"))
    op.add_column("identity", sa.Column("refused_tags", sa.Text()))
    op.create_index(
        "ix_identity_tags_due", "identity", ["store_id", "id"], postgresql_where=sa.text("tags_due <> '{}'")
    )


def downgrade() -> None:
    op.drop_index("ix_identity_tags_due", "identity")
    op.drop_column("identity", "refused_tags")
    op.drop_column("identity", "tags_due")
    op.drop_column("identity", "written_at")
