"""Team deals: terms, teams, seats, and the letters to their members."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from plugin_server.db.migrations.tenancy import protect

revision = "0095"
down_revision = "0090"
branch_labels = None
depends_on = None

BIG, TIME, TEXT, INT = sa.BigInteger(), sa.DateTime(timezone=True), sa.Text(), sa.Integer()


def _column(name: str, kind: sa.types.TypeEngine[Any], *, nullable: bool = False, **told: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **told)


def _table(name: str, *parts: Any, checks: dict[str, str]) -> None:
    op.create_table(
        name,
        sa.Column("id", BIG, sa.Identity(), nullable=False),
        *parts,
        _column("merchant_id", BIG),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{key}")) for key, rule in checks.items()),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    _deals()
    _seats()
    _letters()
    protect("team_deal", "team", "team_seat", "team_letter")


def _deals() -> None:
    _table(
        "team_deal",
        _column("key", TEXT),
        _column("name", TEXT),
        _column("terms", JSONB(), server_default="{}"),
        _column("state", TEXT, server_default="open"),
        _column("campaign_id", BIG, nullable=True),
        _column("ends_at", TIME, nullable=True),
        _column("limit_minor", BIG, nullable=True),
        _column("each_minor", BIG, server_default="0"),
        _column("comfort_minor", BIG, server_default="0"),
        _column("promised_minor", BIG, server_default="0"),
        _column("created_by", TEXT),
        _column("created_at", TIME, server_default=sa.text("now()")),
        _column("closed_at", TIME, nullable=True),
        checks={
            "state": "state IN ('open', 'closed')",
            "within": "promised_minor <= limit_minor OR limit_minor IS NULL",
        },
    )
    op.create_index("uq_team_deal_key", "team_deal", ["merchant_id", "key"], unique=True)
    _table(
        "team",
        _column("deal_id", BIG),
        _column("founder_id", BIG),
        _column("seats", INT),
        _column("taken", INT, server_default="1"),
        _column("state", TEXT, server_default="open"),
        _column("given", sa.Boolean(), server_default=sa.text("false")),
        _column("opened_at", TIME),
        _column("deadline", TIME),
        _column("extensions", INT, server_default="0"),
        _column("reminded", sa.Boolean(), server_default=sa.text("false")),
        _column("promised_minor", BIG, server_default="0"),
        _column("settled_at", TIME, nullable=True),
        _column("closed_by", TEXT, nullable=True),
        _column("reason", TEXT, server_default=""),
        checks={
            "state": "state IN ('open', 'extended', 'unlocked', 'lapsed', 'closed')",
            "seats": "taken BETWEEN 0 AND seats",
        },
    )
    op.create_index("uq_team_founder", "team", ["deal_id", "founder_id"], unique=True)
    running = sa.text("state IN ('open', 'extended')")
    op.create_index("ix_team_running", "team", ["deadline"], postgresql_where=running)


def _seats() -> None:
    _table(
        "team_seat",
        _column("deal_id", BIG),
        _column("team_id", BIG),
        _column("customer_id", BIG),
        _column("mailbox", TEXT, nullable=True),
        _column("taken_at", TIME),
        _column("gets", TEXT, nullable=True),
        _column("claim_id", BIG, nullable=True),
        checks={},
    )
    op.create_index("uq_team_seat_mailbox", "team_seat", ["deal_id", "mailbox"], unique=True)
    op.create_index("ix_team_seat_team", "team_seat", ["team_id", "id"])
    op.create_index("ix_team_seat_customer", "team_seat", ["customer_id"])
    got = sa.text("claim_id IS NOT NULL")
    op.create_index("ix_team_seat_claim", "team_seat", ["claim_id"], postgresql_where=got)
    owed = sa.text("gets IS NOT NULL AND claim_id IS NULL")
    op.create_index("ix_team_seat_owed", "team_seat", ["merchant_id", "id"], postgresql_where=owed)


def _letters() -> None:
    _table(
        "team_letter",
        _column("team_id", BIG),
        _column("customer_id", BIG),
        _column("kind", TEXT),
        _column("occasion", TEXT),
        _column("state", TEXT, server_default="planned"),
        _column("reason", TEXT, server_default=""),
        _column("attempt_id", TEXT, nullable=True),
        _column("not_before", TIME, nullable=True),
        _column("planned_at", TIME),
        _column("sending_at", TIME, nullable=True),
        _column("settled_at", TIME, nullable=True),
        checks={
            "kind": "kind IN ('unlocked', 'reminder', 'lapsed')",
            "state": "state IN ('planned', 'sending', 'sent', 'skipped', 'failed', 'in_doubt')",
        },
    )
    op.create_index("uq_team_letter_once", "team_letter", ["team_id", "customer_id", "occasion"], unique=True)
    waiting = sa.text("state IN ('planned', 'sending')")
    op.create_index("ix_team_letter_waiting", "team_letter", ["merchant_id", "id"], postgresql_where=waiting)


def downgrade() -> None:
    for table in ("team_letter", "team_seat", "team", "team_deal"):
        op.drop_table(table)
