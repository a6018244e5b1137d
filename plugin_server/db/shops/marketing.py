"""What a shop's marketing page has been told of our runs, and what it has yet to be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from connectors.errors import ConnectorError
from connectors.marketing_types import MarketingDay

CAPABILITY = "marketing"
LOST = timedelta(minutes=10)
"""Whoever was telling for this long is dead; telling the same again replaces what was told."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
DAILY = timedelta(days=1)
AGAIN = timedelta(days=2)
"""Reports about mails come late, so that the last days are told again."""
SAID_NO = frozenset({"refused"})


@dataclass(frozen=True, slots=True)
class Claimed:
    """One run that this worker tells one shop of."""

    id: int
    run_id: int
    store_id: int
    key: str
    utm: str
    tries: int
    told_until: date | None
    campaign: str
    title: str
    started_at: datetime
    ends_at: datetime
    over: bool


def utm(campaign: str, run_id: int) -> dict[str, str]:
    """What links of a run carry; ``utm_campaign`` is its name on the marketing page, for good."""
    return {"utm_source": "tangga", "utm_medium": "email", "utm_campaign": f"{campaign}-{run_id}"}


def addresses(conn: Connection) -> tuple[str, ...]:
    """Where the shops with a marketing page of their own are visited: their addresses, without a ``/`` at the end."""
    rows = conn.execute(text(_ADDRESSES)).all()
    return tuple(
        dict.fromkeys(told.rstrip("/") for row in rows for told in row if told and told.startswith("https://"))
    )


def plan(conn: Connection, *, merchant_id: int, store_id: int, now: datetime) -> int:
    """Write down the runs this shop has yet to hear of: those that send, or whose window is open; gives how many."""
    return conn.execute(text(_PLAN), {"m": merchant_id, "store": store_id, "now": now}).rowcount


def claim(conn: Connection, store_id: int, now: datetime) -> Claimed | None:
    """Take the next run to tell of; commit before the shop is asked. None where the shop knows all."""
    row = conn.execute(text(_CLAIM), {"store": store_id, "now": now, "lost": now - LOST}).mappings().one_or_none()
    return Claimed(**row, over=row["ends_at"] <= now) if row else None


def days(conn: Connection, one: Claimed, now: datetime) -> list[MarketingDay]:
    """The numbers of each whole day (UTC) that the shop does not have for sure, those with nothing left out."""
    first = one.told_until - AGAIN if one.told_until else one.started_at.astimezone(UTC).date()
    until = min(now, one.ends_at + DAILY).astimezone(UTC).date()
    given = {"run": one.run_id, "store": one.store_id, "first": first, "until": until}
    found: dict[date, dict[str, Any]] = {}
    for name, sql in _COUNTS.items():
        for row in conn.execute(text(sql), given).mappings():
            values = {key: value for key, value in row.items() if key not in ("day", "n")}
            found.setdefault(row["day"], {}).update({name: row["n"]} | values)
    return [MarketingDay(day, **found[day]) for day in sorted(found)]


def told(conn: Connection, one: Claimed, external_id: str, now: datetime) -> None:
    """The shop shows the run, and has its numbers up to yesterday."""
    yesterday = now.astimezone(UTC).date() - DAILY
    tomorrow = datetime.combine(yesterday + 2 * DAILY, datetime.min.time(), UTC)
    # A run that is over is told of until the reports that come late are in as well.
    ended = one.over and yesterday >= one.ends_at.astimezone(UTC).date() + AGAIN
    given = {"state": "ended" if ended else "shown", "error": "", "later": tomorrow, "until": yesterday}
    conn.execute(text(_SETTLE), {"id": one.id, "tries": one.tries, "external": external_id, "fresh": 0, **given})


def failed(conn: Connection, one: Claimed, error: ConnectorError, now: datetime) -> None:
    """The shop refused it for good, or it waits; both with the shop's reason."""
    pause = timedelta(seconds=error.retry_after) if error.retry_after is not None else LONGEST
    pause = min(max(pause, SHORTEST * 2 ** min(one.tries, 9)), LONGEST)
    state = "refused" if error.code in SAID_NO else "shown" if one.told_until else "planned"
    given = {"state": state, "error": error.sentence, "later": now + pause, "until": one.told_until}
    conn.execute(text(_SETTLE), {"id": one.id, "tries": one.tries, "external": None, "fresh": one.tries, **given})


def of_run(conn: Connection, run_id: int) -> list[dict[str, Any]]:
    """In which shops a run is shown: shop, state, told_until, error."""
    rows = conn.execute(
        text(
            "SELECT s.name AS shop, m.state, m.told_until, m.error FROM marketing_shown m "
            "JOIN store s ON s.id = m.store_id WHERE m.run_id = :run ORDER BY s.id"
        ),
        {"run": run_id},
    )
    return [dict(row) for row in rows.mappings()]


_ADDRESSES = """
SELECT url, fingerprint FROM store
WHERE 'marketing' = ANY(capabilities) AND state = 'connected' AND NOT read_only ORDER BY id
"""
_ENDS = (
    "coalesce(r.finished_at, :now) + make_interval(days => "
    "coalesce((v.definition #>> '{measure,window_days}')::int, 14))"
)
_OF_STORE = (
    "coalesce(a.store_id, (SELECT min(s.id) FROM store s WHERE 'marketing' = ANY(s.capabilities) "
    "AND s.state = 'connected' AND NOT s.read_only)) = :store"
)
_PLAN = f"""
INSERT INTO marketing_shown (merchant_id, run_id, store_id, key, utm, created_at)
SELECT :m, r.id, :store, 'tangga-run-' || r.id, c.key || '-' || r.id, :now
FROM campaign_run r JOIN campaign c ON c.id = r.campaign_id
JOIN campaign_version v ON v.campaign_id = c.id AND v.version = r.version
WHERE r.state IN ('sending', 'done') AND {_ENDS} > :now AND EXISTS (
    SELECT FROM audience_member a WHERE a.run_id = r.id AND a.arm = 'treated' AND {_OF_STORE})
ON CONFLICT (run_id, store_id) DO NOTHING
"""
_CLAIM = f"""
WITH next AS (
    SELECT id FROM marketing_shown WHERE store_id = :store AND (
        state IN ('planned', 'shown') AND (not_before IS NULL OR not_before <= :now)
        OR state = 'telling' AND telling_at < :lost)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE marketing_shown m SET state = 'telling', telling_at = :now, tries = m.tries + 1
FROM next, campaign_run r JOIN campaign c ON c.id = r.campaign_id
JOIN campaign_version v ON v.campaign_id = c.id AND v.version = r.version
WHERE m.id = next.id AND r.id = m.run_id
RETURNING m.id, m.run_id, m.store_id, m.key, m.utm, m.tries, m.told_until, c.key AS campaign, c.name AS title,
          coalesce(r.frozen_at, r.created_at) AS started_at, {_ENDS} AS ends_at
"""
_SETTLE = """
UPDATE marketing_shown SET state = :state, error = :error, not_before = :later, told_until = :until, tries = :fresh,
       external_id = coalesce(:external, external_id)
WHERE id = :id AND state = 'telling' AND tries = :tries
"""
_MINE = (
    "FROM message m JOIN audience_member a ON a.run_id = m.run_id AND a.customer_id = m.customer_id {join} "
    f"WHERE m.run_id = :run AND {_OF_STORE} "
    "AND {at} >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC' "
    "AND {at} < CAST(:until AS date)::timestamp AT TIME ZONE 'UTC'"
)


def _by_mail(at: str) -> str:
    return f"SELECT ({at} AT TIME ZONE 'UTC')::date AS day, count(*) AS n {_MINE.format(join='', at=at)} GROUP BY 1"


def _by_report(*kinds: str) -> str:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    join = f"JOIN delivery_event e ON e.message_id = m.id AND NOT e.machine AND e.kind IN ({named})"
    mine = _MINE.format(join=join, at="e.occurred_at")
    return f"SELECT (e.occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n {mine} GROUP BY 1"


_COUNTS = {
    "sends": _by_mail("m.accepted_at"),
    "unique_clicks": _by_mail("m.clicked_at"),
    "opens": _by_report("opened"),
    "clicks": _by_report("clicked"),
    "unsubscribes": _by_report("unsubscribed"),
    "failures": _by_report("bounced", "dropped"),
    "complaints": _by_report("complained"),
    "orders": """
        SELECT (o.placed_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n, sum(o.net_minor)::bigint AS sales_minor,
               max(o.currency) AS currency
        FROM shop_order o WHERE o.store_id = :store AND o.counts
          AND o.currency = (SELECT s.currency FROM store s WHERE s.id = :store) AND EXISTS (
            SELECT FROM redemption d JOIN offer_code f ON f.id = d.offer_code_id
            WHERE d.order_id = o.id AND d.released_at IS NULL AND f.run_id = :run)
          AND o.placed_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC'
          AND o.placed_at < CAST(:until AS date)::timestamp AT TIME ZONE 'UTC'
        GROUP BY 1, o.currency""",
}
"""By what of ``MarketingDay``: its number by day. Orders are those with a code of the run."""
