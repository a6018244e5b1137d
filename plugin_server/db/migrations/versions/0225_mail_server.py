"""A mail account may be one at a mail server: where ``host`` is empty, it is a key as before."""

import sqlalchemy as sa
from alembic import op

revision = "0225"
down_revision = "0220"
branch_labels = None
depends_on = None

SERVER = "host = '' OR (port BETWEEN 1 AND 65535 AND tls IN ('tls', 'starttls', 'none'))"


def upgrade() -> None:
    for name in ("host", "tls", "user_name"):
        op.add_column("mail_account", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("mail_account", sa.Column("port", sa.Integer()))
    op.create_check_constraint(op.f("ck_mail_account_server"), "mail_account", SERVER)


def downgrade() -> None:
    # The release before knows keys alone, and would look for one in what is sealed.
    op.execute("DELETE FROM mail_account WHERE host <> ''")
    op.drop_constraint(op.f("ck_mail_account_server"), "mail_account")
    for name in ("port", "user_name", "tls", "host"):
        op.drop_column("mail_account", name)
