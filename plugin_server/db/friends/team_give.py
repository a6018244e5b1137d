"""Links that a campaign hands out: a team of their own for each, or the link by which friends come."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.offers.offer import BringAFriend, Offer, TeamDeal
from campaigns.referral import mailbox
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.friends import teams

CHUNK = 2000


def hand_out(
    conn: Connection, run: Run, offer: Offer, *, variant: str, team_url: Callable[[int], str],
    friend_url: Callable[[int], str], now: datetime,
) -> int:  # fmt: skip
    """Write a link into up to ``CHUNK`` promises of a run that have none; gives how many those were.

    ``team_url`` makes the address of a team's page, ``friend_url`` that of a customer's link. Doing it again after a
    crash goes on where it stopped: teams and links are written in one transaction.
    """
    if not isinstance(offer, TeamDeal | BringAFriend):
        return 0
    rows = conn.execute(text(_WITHOUT), {"run": run.id, "limit": CHUNK}).all()
    if isinstance(offer, TeamDeal):
        links = _teams(conn, run, offer, rows, team_url, (_key(run, variant), now)) if rows else {}
    else:
        links = {row.id: friend_url(row.customer_id) for row in rows}
    told = {"ids": list(links), "urls": [json.dumps({"url": url}) for url in links.values()]}
    conn.execute(text(_LINK), told)
    return len(rows)


def _teams(
    conn: Connection,
    run: Run,
    offer: TeamDeal,
    rows: Sequence[Row[Any]],
    url: Callable[[int], str],
    told_of: tuple[str, datetime],
) -> dict[int, str]:  # fmt: skip
    """A team for each promise; two people behind one mailbox get one."""
    key, now = told_of
    boxes = {row.id: mailbox(row.email) for row in rows}
    held = set(conn.scalars(text(_SEATED), {"key": key, "boxes": list(boxes.values())}))
    first = {box: number for number, box in reversed(boxes.items()) if box not in held}
    doubles = [number for number, box in boxes.items() if first.get(box) != number]
    conn.execute(text(_DOUBLE), {"ids": doubles, "campaign": run.campaign_id})
    given = [row for row in rows if first.get(boxes[row.id]) == row.id]
    deal = _deal(conn, run, offer, key, now)
    told: dict[str, Any] = {
        "m": run.merchant_id, "d": deal, "now": now, "seats": offer.seats,
        "ids": [row.id for row in given], "who": [row.customer_id for row in given],
        "until": [row.expires_at for row in given], "cost": [row.liability_minor for row in given],
        "boxes": [boxes[row.id] for row in given],
    }  # fmt: skip
    made = conn.execute(text(_TEAMS), told).all()
    conn.execute(text(_SEATS), told)
    conn.execute(
        text("UPDATE team_deal SET promised_minor = promised_minor + :cost WHERE id = :d"),
        {"d": deal, "cost": sum(told["cost"])},
    )
    return {row.offer_code_id: url(row.id) for row in made}


def _key(run: Run, variant: str) -> str:
    return "-".join(filter(None, (run.campaign.key, str(run.id), variant)))


def _deal(conn: Connection, run: Run, offer: TeamDeal, key: str, now: datetime) -> int:
    found: int | None = conn.scalar(text("SELECT id FROM team_deal WHERE key = :key"), {"key": key})
    if found is not None:
        return found
    return teams.save_deal(
        conn, run.merchant_id, name=run.campaign.title, key=key, terms=offer.terms(), by=run.started_by, now=now,
        campaign_id=run.campaign_id, judged=True,
    )  # fmt: skip


_WITHOUT = """
SELECT id, customer_id, email, expires_at, liability_minor FROM offer_code
WHERE run_id = :run AND state = 'promised' AND kind IN ('team_deal', 'bring_a_friend') AND terms -> 'url' IS NULL
ORDER BY id LIMIT :limit FOR UPDATE
"""
_LINK = """
UPDATE offer_code k SET terms = k.terms || t.url
FROM unnest(CAST(:ids AS bigint[]), CAST(CAST(:urls AS text[]) AS jsonb[])) AS t(id, url) WHERE k.id = t.id
"""
_SEATED = """
SELECT s.mailbox FROM team_seat s JOIN team_deal d ON d.id = s.deal_id
WHERE d.key = :key AND s.mailbox = ANY(CAST(:boxes AS text[]))
"""
_DOUBLE = """
WITH double AS (
    SELECT id, liability_minor AS cost FROM offer_code WHERE id = ANY(CAST(:ids AS bigint[]))
), failed AS (
    UPDATE offer_code SET state = 'failed', liability_minor = 0,
        error = 'team: somebody behind the same mailbox has a team already'
    WHERE id IN (SELECT id FROM double)
)
UPDATE offer_budget SET issued_minor = issued_minor - (SELECT coalesce(sum(cost), 0) FROM double)
WHERE campaign_id = :campaign
"""
_TEAMS = """
INSERT INTO team (merchant_id, deal_id, founder_id, seats, given, opened_at, deadline, promised_minor, offer_code_id)
SELECT :m, :d, t.who, :seats, true, :now, t.until, t.cost, t.id
FROM unnest(CAST(:who AS bigint[]), CAST(:until AS timestamptz[]), CAST(:cost AS bigint[]), CAST(:ids AS bigint[]))
     AS t(who, until, cost, id)
RETURNING id, offer_code_id
"""
_SEATS = """
INSERT INTO team_seat (merchant_id, deal_id, team_id, customer_id, mailbox, taken_at)
SELECT :m, :d, t.id, t.founder_id, b.box, :now
FROM unnest(CAST(:ids AS bigint[]), CAST(:boxes AS text[])) AS b(code, box)
JOIN team t ON t.offer_code_id = b.code AND t.deal_id = :d
"""
