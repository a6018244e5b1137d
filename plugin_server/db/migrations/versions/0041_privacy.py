"""Erasing people for good: what recognises them should they be told anew, and the requests that were answered."""

import sqlalchemy as sa
from alembic import op

from plugin_server.db.migrations.tenancy import APP_ROLE, protect

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index("uq_erasure_hash", "erasure", ["merchant_id", "hash"], unique=True)
    op.create_table(
        "privacy_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("merchant_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('export', 'erase', 'purge')", name=op.f("ck_privacy_request_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_request")),
    )
    op.create_index(
        "uq_privacy_request_external",
        "privacy_request",
        ["store_id", "kind", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    protect("erasure", "privacy_request")
    _forgetting()


def _forgetting() -> None:
    # Consents and the audit log can only be added to by the application; a person's right to be forgotten goes first.
    op.execute(
        """
        CREATE FUNCTION tangga_forget(people bigint[], needles text[]) RETURNS void LANGUAGE sql
        SECURITY DEFINER SET search_path = public AS $$
            DELETE FROM consent WHERE merchant_id = tangga_merchant() AND customer_id = ANY(people);
            UPDATE audit_log a SET subject = '(erased)', detail = '{}',
                actor = CASE WHEN EXISTS (SELECT FROM unnest(needles) AS n WHERE position(n IN lower(a.actor)) > 0)
                             THEN '(erased)' ELSE a.actor END
            WHERE merchant_id = tangga_merchant() AND EXISTS (
                SELECT FROM unnest(needles) AS n WHERE position(n IN lower(concat_ws(' ', actor, subject, detail))) > 0)
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION tangga_forget(bigint[], text[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tangga_forget(bigint[], text[]) TO {APP_ROLE}")

    # The same for thousands at once, by whole addresses instead of searching for each in every text.
    op.execute(
        """
        CREATE FUNCTION tangga_forget_people(people bigint[], emails text[]) RETURNS void LANGUAGE sql
        SECURITY DEFINER SET search_path = public AS $$
            DELETE FROM consent WHERE merchant_id = tangga_merchant() AND customer_id = ANY(people);
            UPDATE audit_log SET subject = '(erased)', detail = '{}'
            WHERE merchant_id = tangga_merchant() AND lower(subject) = ANY(emails);
            UPDATE audit_log SET actor = '(erased)'
            WHERE merchant_id = tangga_merchant() AND lower(actor) = ANY(emails)
                AND NOT EXISTS (SELECT FROM user_account u WHERE u.merchant_id = tangga_merchant()
                                AND lower(u.email) = lower(actor))
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION tangga_forget_people(bigint[], text[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION tangga_forget_people(bigint[], text[]) TO {APP_ROLE}")


def downgrade() -> None:
    op.execute("DROP FUNCTION tangga_forget_people(bigint[], text[])")
    op.execute("DROP FUNCTION tangga_forget(bigint[], text[])")
    op.drop_table("privacy_request")
    op.drop_table("erasure")
