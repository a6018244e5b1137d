"""Places in series: claimed in batches, moved as sets. A row is locked from the look to the move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.schema import Campaign, parse
from campaigns.series import Series, arrival, due, next_due
from campaigns.series_parts import series_of
from plugin_server.db.campaigning import campaigns, merged
from plugin_server.db.campaigning.campaigns import Run

STUCK: Final = timedelta(days=9)
"""Longer than any mail waits: whoever is still at it then goes on without."""
BUSY: Final = "('mailing', 'coding')"


@dataclass(frozen=True, slots=True)
class Group:
    """Everybody who stands at one step of one version."""

    campaign_id: int
    version: int
    step: str


def enter(conn: Connection, run: Run, now: datetime) -> int:
    """Let the treated of a frozen run in, once, and end the run; gives how many entered. Who is inside stays there."""
    if campaigns.run(conn, run.id, lock=True).state != "frozen":
        return 0
    series, zone = series_of(run.campaign), shop_zone(conn)
    first, arrived = series.by_key[series.first], arrival(run.due_at, now)
    zones = list(conn.scalars(text(_ZONES), {"run": run.id}))
    dues = [due(first, arrived, shop_zone=zone, own_zone=known_zone(own)) for own in zones]
    given = {"run": run.id, "campaign": run.campaign_id, "version": run.version, "step": first.key, "now": now}
    entered = conn.execute(text(_ENTER), given | {"zones": zones, "dues": dues}).rowcount
    campaigns.move(conn, run.id, to="done", finished_at=now)
    return entered


_ZONES: Final = f"""
SELECT DISTINCT coalesce(c.timezone, '') FROM audience_member m {merged.JOINED} JOIN customer c ON c.id = {merged.WHO}
WHERE m.run_id = :run AND m.arm = 'treated'
"""
_ENTER: Final = f"""
INSERT INTO series_place (merchant_id, campaign_id, run_id, customer_id, version, step, rung, due_at, step_since,
    entered_at)
SELECT m.merchant_id, :campaign, m.run_id, c.id, :version, :step, m.rung, z.due, :now, :now
FROM audience_member m {merged.JOINED} JOIN customer c ON c.id = {merged.WHO}
JOIN unnest(CAST(:zones AS text[]), CAST(:dues AS timestamptz[])) AS z(zone, due) ON z.zone = coalesce(c.timezone, '')
WHERE m.run_id = :run AND m.arm = 'treated' AND {merged.STANDS} ON CONFLICT DO NOTHING
"""


def shop_zone(conn: Connection) -> str:
    """The merchant's zone."""
    return str(conn.scalar(text("SELECT timezone FROM merchant")))


def known_zone(name: str | None) -> str | None:
    """A customer's zone where it is one; shops tell strange things."""
    try:
        return name if name and ZoneInfo(name) else None
    except (KeyError, ValueError, OSError):
        return None


def anything_due(conn: Connection, now: datetime) -> bool:
    """Whether somebody's time has come, or something in hand may be done by now."""
    found = text(
        "SELECT EXISTS (SELECT FROM series_place WHERE state = 'waiting' AND due_at <= :now) "
        f"OR EXISTS (SELECT FROM series_place WHERE state IN {BUSY}) "
        "OR EXISTS (SELECT FROM series_place WHERE state = 'resting')"
    )
    return bool(conn.scalar(found, {"now": now}))


def groups_due(conn: Connection, now: datetime) -> list[Group]:
    """The steps at which somebody's time has come, of series that are not held."""
    rows = conn.execute(
        text(
            "SELECT p.campaign_id, p.version, p.step FROM series_place p JOIN campaign c ON c.id = p.campaign_id "
            "WHERE p.state = 'waiting' AND p.due_at <= :now AND c.state NOT IN ('paused', 'ended') "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ),
        {"now": now},
    )
    return [Group(*row) for row in rows]


def definition(conn: Connection, campaign_id: int, version: int) -> Campaign:
    """The campaign of a version."""
    found = conn.scalar(
        text("SELECT definition FROM campaign_version WHERE campaign_id = :id AND version = :version"),
        {"id": campaign_id, "version": version},
    )
    return parse(found)


def claim(conn: Connection, group: Group, *, now: datetime, limit: int) -> list[int]:
    """Lock up to ``limit`` places whose time has come; what another worker has in hand is passed over."""
    statement = text(
        "SELECT id FROM series_place WHERE campaign_id = :campaign AND version = :version AND step = :step "
        "AND state = 'waiting' AND due_at <= :now ORDER BY due_at, id LIMIT :limit FOR UPDATE SKIP LOCKED"
    )
    given = {"campaign": group.campaign_id, "version": group.version, "step": group.step}
    return list(conn.scalars(statement, given | {"now": now, "limit": limit}))


def log(conn: Connection, group: Group, ids: Sequence[int], note: str, now: datetime) -> None:
    """Write down that these have been through the step; a step is written down once."""
    conn.execute(
        text(
            "INSERT INTO series_log (merchant_id, place_id, step, campaign_id, note, at) "
            "SELECT p.merchant_id, p.id, :step, :campaign, :note, :now FROM series_place p WHERE p.id = ANY(:ids) "
            "ON CONFLICT (place_id, step) DO NOTHING"
        ),
        {"ids": list(ids), "step": group.step, "campaign": group.campaign_id, "note": note, "now": now},
    )


def go(
    conn: Connection,
    series: Series,
    to: str,
    rows: Sequence[tuple[int, datetime, str | None]],
    *,
    zone: str,
    now: datetime,
) -> None:
    """Move places (id, when they were due, the customer's zone) to a step, due there by its own rule."""
    step, known = series.by_key[to], dict[tuple[datetime, str | None], datetime]()
    dues = []
    for _, was_due, own in rows:
        if (was_due, own) not in known:
            known[was_due, own] = next_due(step, was_due, now, shop_zone=zone, own_zone=known_zone(own))
        dues.append(known[was_due, own])
    conn.execute(text(_GO), {"ids": [row[0] for row in rows], "dues": dues, "to": to, "now": now})


_GO: Final = """
UPDATE series_place p SET step = :to, state = 'waiting', due_at = t.due, step_since = :now, step_run_id = NULL
FROM unnest(CAST(:ids AS bigint[]), CAST(:dues AS timestamptz[])) AS t(id, due) WHERE p.id = t.id
"""


def leave(conn: Connection, ids: Sequence[int], outcome: str, now: datetime) -> None:
    """Out of the series. A mail that is only planned is not sent any more, and says why."""
    given = {"ids": list(ids), "outcome": outcome, "now": now}
    conn.execute(
        text(
            "UPDATE message m SET state = 'skipped', reason = 'left_series: ' || :outcome, settled_at = :now "
            "FROM series_place p WHERE p.id = ANY(:ids) AND p.state = 'mailing' AND m.run_id = p.step_run_id "
            "AND m.customer_id = p.customer_id AND m.state = 'planned'"
        ),
        given,
    )
    conn.execute(
        text(
            "UPDATE series_place SET state = 'left', outcome = :outcome, left_at = :now, step_run_id = NULL "
            "WHERE id = ANY(:ids) AND left_at IS NULL"
        ),
        given,
    )


def rest(conn: Connection, ids: Sequence[int]) -> None:
    """Nothing until their conversation is answered."""
    conn.execute(text("UPDATE series_place SET state = 'resting' WHERE id = ANY(:ids)"), {"ids": list(ids)})


def wake_rested(conn: Connection, now: datetime) -> int:
    """Let those go on whose conversation is answered; their time counts from now, so that nothing is missed."""
    statement = text(
        "UPDATE series_place p SET state = 'waiting', due_at = greatest(due_at, :now) WHERE state = 'resting' "
        "AND NOT EXISTS (SELECT FROM conversation t WHERE t.customer_id = p.customer_id AND t.state = 'open')"
    )
    return conn.execute(statement, {"now": now}).rowcount


def end_all(conn: Connection, now: datetime) -> int:
    """Nobody stays in a series that has ended."""
    statement = text(
        "SELECT p.id FROM series_place p JOIN campaign c ON c.id = p.campaign_id "
        "WHERE c.state = 'ended' AND p.left_at IS NULL FOR UPDATE OF p SKIP LOCKED"
    )
    ids = list(conn.scalars(statement))
    if ids:
        leave(conn, ids, "ended", now)
    return len(ids)


@dataclass(frozen=True, slots=True)
class Settled:
    """Somebody whose mail or code is done: with what result, and when."""

    place_id: int
    group: Group
    note: str
    at: datetime
    timezone: str | None
    code_id: int | None


def settled(conn: Connection, *, now: datetime, limit: int) -> list[Settled]:
    """Those at a mail or a code of which nothing more is to come; locked."""
    rows = conn.execute(text(_SETTLED), {"now": now, "stuck": now - STUCK, "limit": limit})
    return [
        Settled(row.id, Group(row.campaign_id, row.version, row.step), row.note, row.at, row.timezone, row.code_id)
        for row in rows
    ]


_SETTLED: Final = f"""
SELECT p.id, p.campaign_id, p.version, p.step, c.timezone, o.id AS code_id,
       CASE WHEN p.state = 'mailing' THEN coalesce(m.state, 'failed')
            ELSE coalesce(o.state, 'no_store') END AS note,
       least(coalesce(m.accepted_at, m.settled_at, o.issued_at, :now), :now) AS at
FROM series_place p JOIN customer c ON c.id = p.customer_id JOIN campaign_run r ON r.id = p.step_run_id
LEFT JOIN message m ON p.state = 'mailing' AND m.run_id = p.step_run_id AND m.customer_id = p.customer_id
LEFT JOIN offer_code o ON p.state = 'coding' AND o.run_id = p.step_run_id AND o.customer_id = p.customer_id
WHERE p.state IN {BUSY} AND (
    m.state NOT IN ('planned', 'claimed', 'sending', 'in_doubt') OR o.state <> 'planned'
    OR r.state IN ('stopped', 'failed') OR p.step_since < :stuck)
ORDER BY p.id LIMIT :limit FOR UPDATE OF p SKIP LOCKED
"""


def keep_result(conn: Connection, rows: Sequence[Settled]) -> None:
    """Write down what came of the mails and codes of these, and whose code is whose."""
    given = {"ids": [row.place_id for row in rows], "notes": [row.note for row in rows]}
    conn.execute(
        text(
            "UPDATE series_log l SET note = t.note FROM series_place p, "
            "unnest(CAST(:ids AS bigint[]), CAST(:notes AS text[])) AS t(id, note) "
            "WHERE p.id = t.id AND l.place_id = t.id AND l.step = p.step"
        ),
        given,
    )
    codes = [(row.place_id, row.code_id) for row in rows if row.code_id]
    if codes:
        conn.execute(
            text(
                "UPDATE series_place p SET offer_code_id = t.code FROM unnest(CAST(:ids AS bigint[]), "
                "CAST(:codes AS bigint[])) AS t(id, code) WHERE p.id = t.id"
            ),
            {"ids": [row[0] for row in codes], "codes": [row[1] for row in codes]},
        )
