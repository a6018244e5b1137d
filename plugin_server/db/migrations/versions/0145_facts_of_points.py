"""Facts of points and replies, read anew whenever either grows: both come in by many doors, the table is the one."""

import sqlalchemy as sa
from alembic import op

revision = "0145"
down_revision = "0140"
branch_labels = None
depends_on = None

_DUE = """
    CREATE FUNCTION tangga_{name}_due() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO facts_due (merchant_id, customer_id) SELECT DISTINCT {whom};
        RETURN NULL;
    END $$"""

_TRIGGER = """
    CREATE TRIGGER {name}_due AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION tangga_{name}_due()"""

_DOORS = {
    "points": ("point_entry", "merchant_id, customer_id FROM fresh"),
    "reply": (
        "conversation_message",
        "c.merchant_id, c.customer_id FROM fresh JOIN conversation c ON c.id = fresh.conversation_id "
        "WHERE fresh.direction = 'in' AND c.customer_id IS NOT NULL",
    ),
}


def upgrade() -> None:
    op.add_column("customer_contact", sa.Column("points", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("customer_contact", sa.Column("replies", sa.Integer(), server_default="0", nullable=False))
    op.add_column("customer_contact", sa.Column("last_reply_at", sa.DateTime(timezone=True), nullable=True))
    for name, (table, whom) in _DOORS.items():
        op.execute(_DUE.format(name=name, whom=whom))
        op.execute(_TRIGGER.format(name=name, table=table))
    op.execute("INSERT INTO facts_due (merchant_id, customer_id) SELECT id, 0 FROM merchant")


def downgrade() -> None:
    for name, (table, _) in _DOORS.items():
        op.execute(f"DROP TRIGGER {name}_due ON {table}")
        op.execute(f"DROP FUNCTION tangga_{name}_due()")
    for column in ("points", "replies", "last_reply_at"):
        op.drop_column("customer_contact", column)
