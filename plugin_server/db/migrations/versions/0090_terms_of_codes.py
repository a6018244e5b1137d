"""What a code is in its shop beside amount and minimum; and promises, which are kept or lapse without a code."""

from alembic import op

revision = "0090"
down_revision = "0088"
branch_labels = None
depends_on = None

OLD = "'planned', 'issued', 'failed', 'revoked'"


def upgrade() -> None:
    """Old codes have no terms of their own: kind, value and minimum say all of them."""
    op.execute("ALTER TABLE offer_code ADD COLUMN terms jsonb NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE offer_code DROP CONSTRAINT ck_offer_code_state")
    op.execute(
        f"ALTER TABLE offer_code ADD CONSTRAINT ck_offer_code_state CHECK (state IN ({OLD}, 'promised', 'kept', "
        "'lapsed'))"
    )
    op.execute("CREATE INDEX ix_offer_code_promised ON offer_code (merchant_id, kind) WHERE state = 'promised'")


def downgrade() -> None:
    """Promises of codes that were never made are given up."""
    op.execute("DROP INDEX ix_offer_code_promised")
    op.execute("UPDATE offer_code SET state = 'failed', error = 'the promise was given up' WHERE state IN "
               "('promised', 'kept', 'lapsed')")  # fmt: skip
    op.execute("ALTER TABLE offer_code DROP CONSTRAINT ck_offer_code_state")
    op.execute(f"ALTER TABLE offer_code ADD CONSTRAINT ck_offer_code_state CHECK (state IN ({OLD}))")
    op.execute("ALTER TABLE offer_code DROP COLUMN terms")
