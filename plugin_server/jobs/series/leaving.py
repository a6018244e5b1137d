"""Who leaves a series before their time at a step has come: the goal is reached, or nothing may happen any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from campaigns.schema import Campaign
from campaigns.series_parts import series_of
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.ladder import rungs
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.series import places as series
from plugin_server.db.series import seen as series_seen
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

BATCH: Final = 5000


def look_over(services: Services, merchant_id: int) -> int:
    """Everybody who is in a series, also those whose time has not come; gives how many left."""
    left = 0
    for state in ("waiting", "mailing", "resting"):
        with tenant(services.engine, merchant_id) as conn:
            left += leave_early(conn, merchant_id, services.now(), state)
    return left


def leave_before_sending(services: Services, run: Run) -> None:
    """Those whose mail waits in this run: what they have done meanwhile counts, so that nobody is asked too late."""
    with tenant(services.engine, run.merchant_id) as conn:
        leave_early(conn, run.merchant_id, services.now(), "mailing", run_id=run.id)


def leave_early(conn: Connection, merchant_id: int, now: datetime, state: str, *, run_id: int | None = None) -> int:
    """Let those in one state go (of one run alone, where it is named); gives how many."""
    people: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in conn.execute(text(_INSIDE), {"state": state, "run": run_id}):
        people[row.campaign_id, row.version].append(row.id)
    if not people:
        return 0
    shop, left = rungs.shop(conn, merchant_id), 0
    for (campaign_id, version), ids in people.items():
        campaign = series.definition(conn, campaign_id, version)
        for start in range(0, len(ids), BATCH):
            left += _let_go(conn, campaign, ids[start : start + BATCH], shop, now)
    return left


_INSIDE: Final = """
SELECT id, campaign_id, version FROM series_place p WHERE state = :state
  AND (CAST(:run AS bigint) IS NULL OR step_run_id = :run)
  AND (state <> 'mailing' OR EXISTS (SELECT FROM message m WHERE m.run_id = p.step_run_id
       AND m.customer_id = p.customer_id AND m.state = 'planned'))
ORDER BY id FOR UPDATE SKIP LOCKED
"""


def _let_go(conn: Connection, campaign: Campaign, ids: Sequence[int], shop: Shop, now: datetime) -> int:
    goal, topic = series_of(campaign).goal, campaign.audience.topic
    outcomes: dict[str, list[int]] = defaultdict(list)
    for sight in series_seen.look(conn, ids, topic=topic, goal=goal, rule=None, shop=shop, now=now):
        if sight.seen.gone or sight.seen.reached:
            outcomes[sight.seen.gone or "goal"].append(sight.place_id)
    for outcome, those in outcomes.items():
        series.leave(conn, those, outcome, now)
    return sum(map(len, outcomes.values()))
