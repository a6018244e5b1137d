"""What customers said stays said: rows of the consent log may change hands (merges), and nothing else of them."""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION tangga_consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (OLD.channel, OLD.topic, OLD.state, OLD.level, OLD.source, OLD.evidence, OLD.occurred_at)
                IS DISTINCT FROM
                (NEW.channel, NEW.topic, NEW.state, NEW.level, NEW.source, NEW.evidence, NEW.occurred_at) THEN
                RAISE EXCEPTION 'the consent log is append-only: add a row instead';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER consent_stays BEFORE UPDATE ON consent FOR EACH ROW EXECUTE FUNCTION tangga_consent_stays()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER consent_stays ON consent")
    op.execute("DROP FUNCTION tangga_consent_stays()")
