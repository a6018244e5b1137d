"""Who leaves a series before their time at a step has come: the goal is reached, or nothing may happen any more."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.schema import BadCampaign, Campaign
from campaigns.series_parts import series_of
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.ladder import rungs
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.sending.ledger import Claimed
from plugin_server.db.series import places as series
from plugin_server.db.series import seen as series_seen
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
BATCH: Final = 5000
STATES: Final = ("waiting", "mailing", "resting")


def look_over(services: Services, merchant_id: int) -> int:
    """Everybody who is in a series, also those whose time has not come; gives how many left."""
    left = 0
    for state in STATES:
        with tenant(services.engine, merchant_id) as conn:
            left += leave_early(conn, merchant_id, services.now(), [state])
    return left


def staying(conn: Connection, run: Run, readers: list[Claimed], now: datetime) -> list[Claimed]:
    """Of those whose mail is about to leave, locked, who still walks the series; the others leave it, with the mail.

    Asked in the transaction that sends, so that nobody is written to once it is known that the goal is reached.
    """
    people = [reader.customer_id for reader in readers]
    if not leave_early(conn, run.merchant_id, now, ["mailing"], people=people, run_id=run.id):
        return readers
    left = text("SELECT id FROM message WHERE id = ANY(CAST(:ids AS bigint[])) AND state || '' <> 'planned'")
    gone = set(conn.scalars(left, {"ids": [reader.message_id for reader in readers]}))
    return [reader for reader in readers if reader.message_id not in gone]


def leave_at_once(conn: Connection, merchant_id: int, people: Sequence[int], now: datetime) -> int:
    """Let those go of whom something new is known, in whatever series they are; gives how many."""
    return leave_early(conn, merchant_id, now, STATES, people=people) if people else 0


def leave_early(
    conn: Connection,
    merchant_id: int,
    now: datetime,
    states: Sequence[str],
    *,
    people: Sequence[int] | None = None,
    run_id: int | None = None,
) -> int:
    """Let those in such states go (of these people, or of one run's mail, where they are named); gives how many."""
    inside: dict[tuple[int, int], list[int]] = defaultdict(list)
    narrow = (" AND p.customer_id = ANY(CAST(:people AS bigint[]))" if people is not None else "") + (
        " AND p.step_run_id = :run" if run_id is not None else ""
    )
    given: dict[str, Any] = {"states": list(states)} | ({} if people is None else {"people": list(people)})
    for row in conn.execute(text(_INSIDE.format(narrow=narrow)), given | ({"run": run_id} if run_id else {})):
        inside[row.campaign_id, row.version].append(row.id)
    if not inside:
        return 0
    shop, left = rungs.shop(conn, merchant_id), 0
    for (campaign_id, version), ids in inside.items():
        try:
            campaign = series.definition(conn, campaign_id, version)
        except BadCampaign as problem:
            # Asked whenever an order comes in: one series that cannot be read must not keep orders out.
            log.warning("nobody leaves series %s, version %s, early: %s", campaign_id, version, problem)
            continue
        for start in range(0, len(ids), BATCH):
            left += _let_go(conn, campaign, ids[start : start + BATCH], shop, now)
    return left


_INSIDE: Final = """
SELECT id, campaign_id, version FROM series_place p WHERE state = ANY(:states){narrow}
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
