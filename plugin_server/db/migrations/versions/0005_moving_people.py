"""Lets a merge carry consent to its winner, and finds the reviews of an address."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was consented to stays unchangeable; only whose it is may move, when two rows are found to be one person.
    op.execute("GRANT UPDATE (customer_id) ON consent TO tangga_app")
    op.create_index("ix_testimonial_email", "testimonial", ["merchant_id", "email_norm"])


def downgrade() -> None:
    op.drop_index("ix_testimonial_email", "testimonial")
    op.execute("REVOKE UPDATE (customer_id) ON consent FROM tangga_app")
