"""What one request of a run reads: as many rows as it has readers, whatever the database believes of its tables.

Counted in rows and entries of indexes, not in time: a plan that reads a table through, or begins with what was sent
already, shows at once in a run of some thousands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, event, text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from connectors.mail_types import Mail, SendOutcome, SendResult
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import merchants
from plugin_server.db.session import owner_engine, tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending.deliver import BATCH
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW

MANY, FEW = 8 * BATCH, 40
PEOPLE = (
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, language)
       SELECT :m, 'c' || n || '@example.com', 'c' || n || '@example.com', 'Ani', (ARRAY['id', 'en'])[1 + n % 2]
       FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n""",
    """INSERT INTO customer_facts (merchant_id, customer_id, orders, rung, consent_promotions)
       SELECT :m, id, 1, 'shopper', 'subscribed' FROM customer
       WHERE id NOT IN (SELECT customer_id FROM customer_facts)""",
    """INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at)
       SELECT :m, id, 'subscribed', 'import', '2026-01-01' FROM customer
       WHERE id NOT IN (SELECT customer_id FROM consent)""",
    """INSERT INTO point_entry (merchant_id, customer_id, points, open_points, kind, key, happened_at, available_at)
       SELECT :m, id, 5, 5, 'earn', 'k' || id, '2026-01-01', '2026-01-01' FROM customer
       WHERE id NOT IN (SELECT customer_id FROM point_entry)""",
)
AUDIENCE = """INSERT INTO audience_member (merchant_id, run_id, customer_id, arm, rung, email, language, store_id)
    SELECT :m, :run, id, 'treated', 'shopper', email, language, 1 FROM customer"""
CODES = """INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, state, kind, value, currency,
        email, expires_at, issued_at)
    SELECT :m, run_id, customer_id, 1, 'T-' || run_id || '-' || customer_id, 'issued', 'percent', 10, 'IDR', email,
        '2027-03-10', '2027-02-24'
    FROM audience_member WHERE run_id = :run"""
HISTORY = """INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, attempt_id, claimed_at,
        accepted_at)
    SELECT :m, 100000 + id % 200, id, email, language, 'delivered', gen_random_uuid(), '2026-01-01', '2026-01-01'
    FROM customer"""
READ = """
SELECT relname || '.rows', seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
UNION ALL SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes
UNION ALL SELECT indexrelname || '.pages', idx_blks_hit + idx_blks_read FROM pg_statio_user_indexes
"""


@dataclass
class Taker:
    """Takes every request, and notes how far the counters had come by then."""

    counters: Callable[[], Counter[str]]
    seen: list[Counter[str]] = field(default_factory=list)
    then: Callable[[int], None] = lambda _: None

    def send(self, mail: Mail) -> SendResult:
        """Yes."""
        self.seen.append(self.counters())
        self.then(len(self.seen))
        return SendResult(SendOutcome.ACCEPTED, provider_reference=mail.attempt_id)

    @property
    def each(self) -> list[Counter[str]]:
        """What was read from one request to the next."""
        return [after - before for before, after in zip(self.seen, self.seen[1:], strict=False)]


@pytest.fixture
def owner(app: Services) -> Iterator[Connection]:
    """The owner of the tables, who may analyse them; each statement is a transaction of its own."""
    engine = owner_engine(app.settings.database_url or "").execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        yield conn
        conn.execute(text("DELETE FROM pg_statistic WHERE starelid >= 16384"))
    engine.dispose()


@pytest.fixture
def taker(app: Services, owner: Connection) -> Taker:
    """A provider, and sessions that tell what they read as soon as they commit."""

    @event.listens_for(app.engine, "commit")
    def tell(conn: Connection) -> None:
        conn.connection.cursor().execute("SELECT pg_stat_force_next_flush()")

    return Taker(lambda: Counter({name: int(n) for name, n in owner.execute(text(READ)).all()}))


def people(app: Services, merchant: int, first: int, last: int) -> None:
    with tenant(app.engine, merchant) as conn:
        for statement in PEOPLE:
            conn.execute(text(statement), {"m": merchant, "first": first, "last": last})


def opened(app: Services, merchant: int, occasion: str) -> int:
    """A run whose codes are there."""
    with tenant(app.engine, merchant) as conn:
        number, _ = campaigns.open_run(
            conn, merchant_id=merchant, saved=campaigns.need(conn, "bench"), occasion=occasion, due_at=NOW, by="test"
        )
        conn.execute(text(AUDIENCE), {"m": merchant, "run": number})
        conn.execute(text(CODES), {"m": merchant, "run": number})
        campaigns.move(conn, number, to="coded")
    return number


def plain(app: Services) -> int:
    """A business whose holiday mail prints points, with no holdout and no cap."""
    merchant = merchants.add(
        app.engine, name="Senja", email="o@toko.example", timezone="Asia/Jakarta", currency="IDR", locale="id"
    )
    mail = {"subject": "Tea", "blocks": [{"kind": "coupon"}, {"kind": "ladder", "points": True}]}
    document = holiday_discount("eid_al_fitr", key="bench").document | {"measure": {"holdout": "0"}}
    document |= {"message": {"en": mail, "id": mail}}
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET holdout_share = 0, postal_address = 'Jalan Senja 1'"))
        conn.execute(
            text(
                "INSERT INTO store (id, merchant_id, platform, name, url, currency) "
                "VALUES (1, :m, 'woocommerce', 'S', 'https://s.example', 'IDR')"
            ),
            {"m": merchant},
        )
        campaigns.save(conn, merchant_id=merchant, campaign=parse(document), by="test")
        campaigns.set_state(conn, "bench", "active", NOW)
    return merchant


KNOWN = ["nothing", "a small run", "half a run", "all are alike", "none are alike"]
LIE = """UPDATE pg_statistic SET stadistinct = :d, stanullfrac = 0, stakind1 = 0, stakind2 = 0, stakind3 = 0,
    stakind4 = 0, stakind5 = 0
    WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"""


@pytest.mark.parametrize("known", KNOWN)
def test_a_request_reads_as_many_rows_as_it_has_readers(
    app: Services, owner: Connection, taker: Taker, known: str
) -> None:
    merchant = plain(app)
    world = Outside(mail=taker, backend="sendgrid", store=lambda _: None)  # type: ignore[arg-type, return-value]

    def analyze(when: str, lie: int | None = None) -> None:
        if known == when:
            owner.execute(text("ANALYZE"))
        if known == when and lie:
            owner.execute(text(LIE), {"d": lie})

    # Small runs first: what is prepared on this connection is prepared for a few people.
    people(app, merchant, 1, FEW)
    for n in range(12):
        runs.advance(app, world, merchant, opened(app, merchant, f"few:{n}"))
    analyze("a small run")
    people(app, merchant, FEW + 1, MANY)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text(HISTORY), {"m": merchant})
    analyze("all are alike", 1)
    analyze("none are alike", -1)
    taker.seen.clear()
    taker.then = lambda n: analyze("half a run") if n == MANY // BATCH // 2 else None
    number = opened(app, merchant, "many")
    assert runs.advance(app, world, merchant, number) == "done"
    assert len(taker.each) == MANY // BATCH - 1
    for one in taker.each:
        assert one["point_entry.rows"] > 0
        assert max(one.values()) < MANY, {name: n for name, n in one.items() if n >= MANY}
