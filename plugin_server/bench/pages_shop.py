"""A shop with everything the pages read, made by sets: customers, orders, mails, points, answers, acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, Engine, text

from campaigns.ladder import rules
from campaigns.points.program import parse_program
from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from plugin_server.bench import pages_groups
from plugin_server.bench.ladder import SEED
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder import facts, forecast, rhythm, segments
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.merchant import merchants
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs import figures as ready

NOW: Final = datetime(2026, 9, 15, tzinfo=UTC)
MERCHANT: Final = 1
ORDERS_EACH: Final = 5
CAMPAIGN: Final = "bench"
SEGMENT: Final = "segment"
OWNER: Final = "bench@example.test"

_SELLS: Final = (
    "UPDATE store SET platform = 'woocommerce', url = 'https://bench.example.test'",
    """INSERT INTO product (merchant_id, store_id, external_id, title, price_minor, currency, unit_cost_minor)
       SELECT 1, 1, 'p' || n, 'Product ' || n, n * 100000, 'IDR', CASE WHEN n % 5 > 0 THEN n * 60000 END
       FROM generate_series(1, 200) AS n""",
    """INSERT INTO order_line (merchant_id, order_id, position, product_external_id, title, quantity, total_minor)
       SELECT 1, id, 0, 'p' || 1 + id % 200, 'Product', 1, total_minor FROM shop_order""",
)
_SAYS: Final = (
    """INSERT INTO conversation (merchant_id, customer_id, email, subject, state, waiting_since, changed_at)
       SELECT 1, n, 'c' || n || '@example.test', 'A question', CASE WHEN n % 10 = 0 THEN 'open' ELSE 'answered' END,
           CASE WHEN n % 10 = 0 THEN CAST(:now AS timestamptz) - interval '1 day' END,
           CAST(:now AS timestamptz) - n * interval '1 minute'
       FROM generate_series(1, greatest(20, :size / 250)) AS n""",
    """INSERT INTO conversation_message (merchant_id, conversation_id, direction, author, text, written_at)
       SELECT 1, id, 'in', email, 'Is it in stock?', changed_at FROM conversation""",
    """INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, score, text, first_at, answered_at)
       SELECT 1, n, 'satisfaction', 'page', n % 11, 'Good', t, t
       FROM (SELECT n, CAST(:now AS timestamptz) - n % 500 * interval '1 day' AS t
             FROM generate_series(1, greatest(20, :size / 20)) AS n) AS answered""",
    """INSERT INTO audit_log (merchant_id, actor, action, subject, at)
       SELECT 1, 'bench@example.test', (ARRAY['login', 'campaign_saved', 'settings_changed'])[1 + n % 3], 'x',
           CAST(:now AS timestamptz) - n * interval '1 minute'
       FROM generate_series(greatest(200, :size / 10), 1, -1) AS n""",
    """INSERT INTO referral_join (merchant_id, advocate_id, friend_id, mailbox, state, confirmed_at)
       SELECT 1, n, n + 1, 'r' || n || '@example.test', CASE WHEN n % 10 = 0 THEN 'review' ELSE 'approved' END, :now
       FROM generate_series(1, greatest(20, :size / 500)) AS n""",
    """INSERT INTO suppression (merchant_id, email_norm, reason, source)
       SELECT 1, 's' || n || '@example.test', 'bounced', 'provider' FROM generate_series(1, :size / 100) AS n""",
)
_SENDS: Final = (
    """INSERT INTO audience_member (merchant_id, run_id, customer_id, arm, reason, rung, email, language, store_id)
       SELECT 1, :run, id, CASE WHEN id % 10 = 0 THEN 'holdout' WHEN id % 5 = 0 THEN 'excluded' ELSE 'treated' END,
           CASE WHEN id % 5 = 0 AND id % 10 > 0 THEN 'no consent' END, 'shopper', email, 'en', 1 FROM customer""",
    """INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, planned_at, claimed_at,
           accepted_at, settled_at, clicked_at)
       SELECT 1, :run, customer_id, email, 'en', (ARRAY['delivered', 'delivered', 'bounced'])[1 + customer_id % 3],
           t, t, t, t, CASE WHEN customer_id % 20 = 0 THEN t END
       FROM audience_member, LATERAL (SELECT CAST(:now AS timestamptz) - interval '2 days' AS t) AS sent
       WHERE arm = 'treated'""",
    """INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, state, kind, value, currency, email,
           expires_at, issued_at)
       SELECT 1, run_id, customer_id, 1, 'B-' || customer_id, 'issued', 'percent', 10, 'IDR', email,
           CAST(:now AS timestamptz) + interval '14 days', :now FROM message""",
)
_EARNS: Final = (
    """INSERT INTO point_entry (merchant_id, customer_id, kind, points, open_points, key, available_at, expires_at,
           happened_at)
       SELECT 1, n, 'earn', 100, 100, 'b' || n, t, t + interval '365 days', t
       FROM (SELECT n, CAST(:now AS timestamptz) - n % 360 * interval '1 day' AS t
             FROM generate_series(1, :size) AS n) AS earned""",
)
_RULES: Final = (
    {"kind": "cmp", "fact": "orders", "op": ">=", "value": 2},
    {"kind": "cmp", "fact": "days_since_order", "op": ">", "value": 90},
    {"kind": "cmp", "fact": "spend", "op": ">=", "value": "500000"},
)


def fill(engine: Engine, size: int, say: Callable[[str], None], tidy: Callable[[], None]) -> None:
    """Make the shop of merchant 1 in an empty database; ``tidy`` brings the planner's statistics up to date."""
    given = {"size": size, "each": ORDERS_EACH, "now": NOW}
    say(f"Making a shop of {size} customers …")
    _all(engine, SEED + _SELLS, given)
    tidy()
    with tenant(engine, MERCHANT) as conn:
        merchants.add_user(conn, MERCHANT, email=OWNER, role="owner", locale="en")
        facts.refresh(conn, merchant_id=MERCHANT, customer_ids=None, now=NOW)
        rhythm.measure(conn, merchant_id=MERCHANT, now=NOW)
        ladder.climb(conn, merchant_id=MERCHANT, customer_ids=None, now=NOW)
    say("Mails, points, answers …")
    with tenant(engine, MERCHANT) as conn:
        run_id = _campaign(conn)
        _segments(conn)
        _points(conn)
    _all(engine, _SAYS + _SENDS + _EARNS, given | {"run": run_id})
    with tenant(engine, MERCHANT) as conn:
        pages_groups.fill(conn, size, OWNER)
    tidy()
    say("What the night makes ready …")
    _night(engine)


def _all(engine: Engine, statements: tuple[str, ...], given: dict[str, object]) -> None:
    with tenant(engine, MERCHANT) as conn:
        for statement in statements:
            conn.execute(text(statement), {name: value for name, value in given.items() if f":{name}" in statement})


def _campaign(conn: Connection) -> int:
    campaigns.save(conn, merchant_id=MERCHANT, campaign=parse(holiday_discount(key=CAMPAIGN).document), by=OWNER)
    saved = campaigns.set_state(conn, CAMPAIGN, "active", NOW)
    run_id, _ = campaigns.open_run(
        conn, merchant_id=MERCHANT, saved=saved, occasion="eid_al_fitr:2027:-14", due_at=NOW, by=OWNER
    )
    conn.execute(
        text("UPDATE campaign_run SET state = 'done', frozen_at = :now, finished_at = :now WHERE id = :run"),
        {"now": NOW, "run": run_id},
    )
    return run_id


def _segments(conn: Connection) -> None:
    for rule in _RULES:
        segments.save(conn, merchant_id=MERCHANT, name="Segment", rule=rules.parse(rule), by=OWNER, now=NOW)


def _points(conn: Connection) -> None:
    told = {
        "since": date(2026, 9, 1),
        "earn": [{"kind": "amount", "points": 1, "per": "10000"}],
        "point_value": Decimal(100),
        "rewards": [{"key": "five", "name": {"en": "Five"}, "points": 500, "kind": "fixed", "value": "50000"}],
    }
    points.save_program(conn, MERCHANT, parse_program(told), by=OWNER)


def _night(engine: Engine) -> None:
    with tenant(engine, MERCHANT) as conn:
        shop = merchants.get(conn)
        for name in ready.AT_NIGHT:
            ready.anew(conn, MERCHANT, name, NOW)
        audit_rollup.make(conn, merchant=shop, span="all", now=NOW)
        found, *_ = forecast.fitted(conn, merchant=shop, until=None, now=NOW)
        forecast.keep(conn, merchant_id=MERCHANT, document=found, now=NOW)
