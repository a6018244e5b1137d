"""What some pages of the made-up shop show besides: people in a series, teams, two customers who became one."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, text

from campaigns.offers.team import Gift, TeamTerms
from campaigns.recipes import recipes
from plugin_server.bench.ladder import MERCHANT, NOW
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import identity
from plugin_server.db.friends import teams
from plugin_server.db.ladder import facts

SERIES: Final = "win-back-series"
"""The key of the series that its recipe begins."""
_INSIDE: Final = (
    """INSERT INTO series_place (merchant_id, campaign_id, run_id, customer_id, version, step, state, outcome, due_at,
           step_since, entered_at, left_at)
       SELECT 1, :series, :run, n, 1, (ARRAY['listen', 'last-days', 'quiet'])[1 + n % 3],
           CASE WHEN n % 2 = 0 THEN 'left' ELSE 'waiting' END, CASE WHEN n % 2 = 0 THEN 'finished' ELSE '' END, later,
           t, t, CASE WHEN n % 2 = 0 THEN t END
       FROM (SELECT n, CAST(:now AS timestamptz) - n % 9 * interval '1 day' - n * interval '1 second' AS t,
                 CAST(:now AS timestamptz) + interval '1 day' AS later
             FROM generate_series(1, greatest(20, :size / 5)) AS n) AS placed""",
    """INSERT INTO series_log (merchant_id, place_id, step, campaign_id, note, at)
       SELECT 1, id, been, :series, 'passed', entered_at
       FROM series_place, unnest(ARRAY['thinking', 'listen', 'morning']) AS been""",
    """INSERT INTO owner_task (merchant_id, place_id, campaign_id, customer_id, step, title, created_at)
       SELECT 1, id, :series, customer_id, 'call', 'Call', entered_at FROM series_place WHERE customer_id % 20 = 0""",
)
_TEAMS: Final = (
    """INSERT INTO team (merchant_id, deal_id, founder_id, seats, taken, state, opened_at, deadline)
       SELECT 1, :deal, n, 3, 2, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'lapsed' END, :now,
           CAST(:now AS timestamptz) + interval '3 days'
       FROM generate_series(1, greatest(20, :size / 500)) AS n""",
    """INSERT INTO team_seat (merchant_id, deal_id, team_id, customer_id, mailbox, taken_at)
       SELECT 1, :deal, id, seated, 'c' || seated || '@example.test', :now
       FROM (SELECT id, founder_id * 2 + n AS seated FROM team, generate_series(0, 1) AS n) AS sitting""",
)


def fill(conn: Connection, size: int, by: str) -> None:
    """Add them to the shop of merchant 1, which has so many customers."""
    found = next(one.campaign for one in recipes() if one.campaign.key == SERIES)
    campaigns.save(conn, merchant_id=MERCHANT, campaign=found, by=by)
    saved = campaigns.set_state(conn, SERIES, "active", NOW)
    run, _ = campaigns.open_run(conn, merchant_id=MERCHANT, saved=saved, occasion="day:2026-09-01", due_at=NOW, by=by)
    conn.execute(
        text("UPDATE campaign_run SET state = 'done', finished_at = :now WHERE id = :run"), {"now": NOW, "run": run}
    )
    terms = TeamTerms(seats=3, gift=Gift(value=Decimal(20)))
    deal = teams.save_deal(conn, MERCHANT, name="Together", terms=terms, by=by, now=NOW)
    given = {"size": size, "now": NOW, "series": saved.id, "run": run, "deal": deal}
    for statement in _INSIDE + _TEAMS:
        conn.execute(text(statement), {name: value for name, value in given.items() if f":{name}" in statement})
    identity.merge(conn, size - 1, size, "the same person", by, NOW)
    facts.refresh(conn, merchant_id=MERCHANT, customer_ids=[size - 1, size], now=NOW)
