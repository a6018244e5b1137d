"""What a back-test of a series reads: who came in when, what they did then, and whom a rule held for on a past day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, DateTime, Text, column, insert, select, table, text

from campaigns.ladder.facts import CATALOGUE
from campaigns.ladder.meaning import meaning
from campaigns.ladder.rules import Rule, leaves
from campaigns.schema import Campaign
from campaigns.series_past import Entry, History
from campaigns.triggers import Once, OnEvent
from plugin_server.db.campaigning import audience, backtest
from plugin_server.db.ladder import known
from plugin_server.db.ladder.rungs import Shop
from plugin_server.db.series import seen as series_seen
from plugin_server.db.series.places import known_zone

MOST: Final = 20_000
"""From so many people on, a part of them is walked through and the figures are reckoned up."""
TODAYS: Final = frozenset(name for name, fact in CATALOGUE.items() if fact.of_today) - {"rung", "rung_since"}
"""Facts of which the past is not known: a rule that asks for one is answered as of today."""
TOUCHED: Final = frozenset({
    "mails", "mail_clicks", "last_click_at", "mails_since_click", "mail_opens", "machine_opens", "tags", "nps_score",
    "nps_at", "last_answer_at", "favourites", "topics_yes", "topics_no",
})  # fmt: skip
"""Facts that the series itself would have changed."""


_WHO: Final = table("backtest_who", column("customer_id", BigInteger))


def entries(
    conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, days: Sequence[date], now: datetime
) -> tuple[list[Entry], int]:
    """Who would have come in at which firing, and of how many people these are one (1: all of them)."""
    if isinstance(campaign.trigger, OnEvent):
        backtest.meet(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=campaign_id, days=days, now=now)
        people, each = "SELECT customer_id FROM backtest_met WHERE arm = 'treated'", _MET
    else:
        _freeze(conn, merchant_id, campaign, campaign_id, now)
        people, each = "SELECT customer_id FROM backtest_who", _EACH
    number = int(conn.scalar(text(f"SELECT count(DISTINCT customer_id) FROM ({people}) p")) or 0)
    part = number // MOST + 1
    rows = conn.execute(text(each), {"days": list(days), "part": part})
    zone, at = ZoneInfo(audience.setting(conn, merchant_id, campaign_id).timezone), campaign.trigger.at
    return [Entry(row.customer_id, _moment(row.day, at, zone)) for row in rows], part


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


_MET: Final = (
    "SELECT day, customer_id FROM backtest_met WHERE arm = 'treated' AND day = ANY(CAST(:days AS date[])) "
    "AND customer_id % :part = 0 ORDER BY 1, 2"
)
_EACH: Final = (
    "SELECT d.day, w.customer_id FROM unnest(CAST(:days AS date[])) AS d(day) CROSS JOIN backtest_who w "
    "WHERE w.customer_id % :part = 0 ORDER BY 1, 2"
)


def _freeze(conn: Connection, merchant_id: int, campaign: Campaign, campaign_id: int, now: datetime) -> None:
    of = audience.setting(conn, merchant_id, campaign_id)
    everybody = campaign.model_copy(update={"trigger": Once(kind="once"), "steps": ()})
    people = audience.audience(everybody, of, now).subquery("people")
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.backtest_who"))
    conn.execute(text("CREATE TEMPORARY TABLE backtest_who (customer_id bigint) ON COMMIT DROP"))
    treated = select(people.c.customer_id).where(people.c.arm == "treated")
    conn.execute(insert(_WHO).from_select(["customer_id"], treated))


def history(conn: Connection, people: Sequence[int], ladder: Sequence[str], since: datetime) -> History:
    """Orders, climbs and zones of these people from ``since`` on."""
    given = {"people": list(people), "since": since, "ladder": list(ladder)}
    orders, climbs = (_moments(conn, query, given) for query in (_ORDERS, _CLIMBS))
    zones = conn.execute(text("SELECT id, timezone FROM customer WHERE id = ANY(:people)"), given)
    return History(orders, climbs, {row.id: zone for row in zones if (zone := known_zone(row.timezone))})


def _moments(conn: Connection, query: str, given: dict[str, Any]) -> dict[int, list[datetime]]:
    found = defaultdict(list)
    for who, at in conn.execute(text(query), given):
        found[who].append(at)
    return found


_ORDERS: Final = """
SELECT customer_id, placed_at FROM shop_order
WHERE customer_id = ANY(:people) AND counts AND placed_at > :since ORDER BY placed_at
"""
_CLIMBS: Final = """
SELECT customer_id, changed_at FROM rung_change WHERE customer_id = ANY(:people) AND changed_at > :since
    AND array_position(CAST(:ladder AS text[]), to_rung) > array_position(CAST(:ladder AS text[]), from_rung)
ORDER BY changed_at
"""
_RUNGS: Final = """
SELECT DISTINCT ON (customer_id) customer_id, to_rung AS rung, changed_at AS rung_since FROM rung_change
WHERE changed_at <= :at AND customer_id = ANY(:ids) ORDER BY customer_id, changed_at DESC, id DESC
"""


def holders(conn: Connection, rule: Rule, at: datetime, people: Sequence[int], shop: Shop, now: datetime) -> set[int]:
    """Which of these people met a rule at a past moment, by the facts of then."""
    names = known.names_in(rule)
    if names & TODAYS:
        return series_seen.holders(conn, rule, people, shop, now)
    rows: Any = known.over_then(shop.merchant_id, at, names - {"rung", "rung_since"}, customer_ids=people)
    if names & {"rung", "rung_since"}:
        stood = text(_RUNGS).bindparams(at=at, ids=list(people))
        then = stood.columns(
            column("customer_id", BigInteger), column("rung", Text), column("rung_since", DateTime(timezone=True))
        ).subquery("stood")
        joined = rows.outerjoin(then, then.c.customer_id == rows.c.customer_id)
        rows = select(*rows.c, then.c.rung, then.c.rung_since).select_from(joined).subquery("with_rung")
    local = shop.local(at)
    holds = meaning(rule, known.columns(rows, shop.exponent, local), local)
    return set(conn.scalars(select(rows.c.customer_id).where(holds)))


def crowded(conn: Connection, sent: Sequence[tuple[int, datetime]], campaign_id: int, days: int) -> int:
    """How many of these mails another campaign's mail came within so many days of."""
    given = {"who": [who for who, _ in sent], "at": [at for _, at in sent], "span": timedelta(days=days)}
    return int(conn.scalar(text(_CROWDED), given | {"campaign": campaign_id}) or 0)


_CROWDED: Final = """
SELECT count(*) FROM unnest(CAST(:who AS bigint[]), CAST(:at AS timestamptz[])) AS s(who, at)
WHERE EXISTS (SELECT FROM message m JOIN campaign_run r ON r.id = m.run_id
    WHERE m.customer_id = s.who AND r.campaign_id <> :campaign
    AND m.accepted_at > s.at - CAST(:span AS interval) AND m.accepted_at < s.at + CAST(:span AS interval))
"""


def asked(rules: Sequence[Rule]) -> set[str]:
    """The facts that these rules name."""
    return {leaf.fact for rule in rules for leaf in leaves(rule)}
