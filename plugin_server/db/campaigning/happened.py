"""To whom something happened on a day of the shop: what campaigns on events listen for. One query per event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, Select, column, select, text

from campaigns.triggers import AHEAD, OnEvent
from connectors.base import AT_THE_TILL


def happened(trigger: OnEvent, *, timezone: str, day: date, rungs: tuple[str, ...], topic: str) -> Select[Any]:
    """The customers (``customer_id``) whom a firing on ``day`` is for. ``rungs`` are the ladder's, lowest first.

    The day of the event is ``day`` less ``after_days``, in the shop's zone; without ``after_days`` moments count from
    one firing to the next.
    """
    known = _window(trigger, timezone, day) | _told(trigger, timezone, rungs, topic)
    query = _QUERIES[trigger.event]
    used = {name: value for name, value in known.items() if f":{name}" in query}
    found = text(query).bindparams(**used).columns(column("customer_id", BigInteger)).subquery("happened")
    return select(found.c.customer_id)


def happened_on(
    trigger: OnEvent, *, timezone: str, days: Sequence[date], rungs: tuple[str, ...], topic: str
) -> Select[Any]:
    """As ``happened`` for many days in one statement: ``(day, customer_id)``, each once."""
    query = re.sub(r":(begin|end|on|eve|due)\b", r"d.the_\1", _QUERIES[trigger.event]).replace(_KEYED, "= d.the_key")
    # One row for each day and key: an equality lets PostgreSQL hash the days, where an "or" would try every pair.
    windows = [(day, _window(trigger, timezone, day)) for day in days]
    keyed = [(day, of, key) for day, of in windows for key in (of["keys"] if "d.the_key" in query else ("",))]
    arrays = {f"all_{name}": [of[name] for _, of, _ in keyed] for name in ("begin", "end", "on", "eve", "due")}
    arrays |= {"all_day": [day for day, _, _ in keyed], "all_key": [key for _, _, key in keyed]}
    told = {name: value for name, value in _told(trigger, timezone, rungs, topic).items() if f":{name}" in query}
    statement = f"""SELECT DISTINCT d.the_day AS day, h.customer_id FROM unnest(CAST(:all_day AS date[]),
        CAST(:all_begin AS timestamptz[]), CAST(:all_end AS timestamptz[]), CAST(:all_on AS date[]),
        CAST(:all_eve AS timestamptz[]), CAST(:all_due AS timestamptz[]), CAST(:all_key AS text[]))
        AS d(the_day, the_begin, the_end, the_on, the_eve, the_due, the_key)
        CROSS JOIN LATERAL ({query}) h"""
    known = text(statement).bindparams(**arrays, **told)
    found = known.columns(column("day", Date), column("customer_id", BigInteger)).subquery("happened")
    return select(found.c.day, found.c.customer_id)


def _window(trigger: OnEvent, timezone: str, day: date) -> dict[str, Any]:
    on = day - timedelta(days=trigger.after_days)
    zone = ZoneInfo(timezone)

    def instant(of: date, at: time = time()) -> datetime:
        return datetime.combine(of, at, zone).astimezone(UTC)

    one = timedelta(days=1)
    around = {"eve": instant(day - one, trigger.at), "due": instant(day, trigger.at)}
    # What happens later on a day than its firing is for the next one, or nobody would ever be told of it.
    days = {"begin": instant(on), "end": instant(on + one)}
    around |= days if trigger.after_days or trigger.event in AHEAD else {"begin": around["eve"], "end": around["due"]}
    return {**around, "on": on, "keys": [f"{on:%m%d}", *(["0229"] if _leap(on) else [])]}


def _told(trigger: OnEvent, timezone: str, rungs: tuple[str, ...], topic: str) -> dict[str, Any]:
    when = {"zone": timezone, "after": trigger.after_days, "at": trigger.at}
    return when | {"nth": trigger.nth, "rung": trigger.rung, "rungs": list(rungs), "topic": topic}


def _leap(on: date) -> bool:
    """Whether ``on`` stands for the 29th of February as well: the 28th, in a year that has no 29th."""
    return (on.month, on.day) == (2, 28) and (on + timedelta(days=1)).month == 3


_KEYED: Final = "= ANY(CAST(:keys AS text[]))"


def _same_day(value: str) -> str:
    return f"to_char({value}, 'MMDD') {_KEYED}"


def _year_day(value: str) -> str:
    return f"{_same_day(value)} AND {value} < CAST(:on AS date)"


def _moved(direction: str) -> str:
    place = "coalesce(array_position(CAST(:rungs AS text[]), {}), 0)"
    return f"""SELECT customer_id FROM rung_change WHERE changed_at >= :begin AND changed_at < :end
        AND {place.format("to_rung")} {direction} {place.format("from_rung")} AND from_rung IS NOT NULL
        AND (CAST(:rung AS text) IS NULL OR to_rung = :rung)"""


_IN: Final = "placed_at >= :begin AND placed_at < :end"
_ALIVE: Final = "NOT o.test AND o.status NOT IN ('draft', 'pending', 'cancelled', 'failed', 'trashed')"
_LATER: Final = (
    "EXISTS (SELECT FROM shop_order l WHERE l.customer_id = o.customer_id AND l.placed_at > o.placed_at AND {})"
)
# An order that waits for a transfer, or for money at the door, is placed: it is pending, and not at the till.
_LEFT: Final = f"(o.status = 'draft' OR (o.status = 'pending' AND o.raw_status = '{AT_THE_TILL}'))"


def _fires(moment: str) -> str:
    """The instant of the firing that something at ``moment`` is for."""
    hours = "CASE CAST(:after AS int) WHEN 0 THEN CAST(:at AS time)::interval ELSE interval '0' END"
    day = f"(({moment} AT TIME ZONE :zone) - {hours})::date + greatest(CAST(:after AS int), 1)"
    return f"({day} + CAST(:at AS time)) AT TIME ZONE :zone"


def _friend(moment: str) -> str:
    """Those who brought a friend. Nothing is said while a person looks at the friend; what was to be said meanwhile is
    said at the next firing after they approved."""
    return f"""SELECT r.advocate_id AS customer_id FROM referral r
        WHERE {moment} >= :begin AND {moment} < :end AND NOT EXISTS (
            SELECT FROM referral_join j WHERE j.friend_id = r.friend_id AND (j.state IN ('review', 'refused')
                OR j.state = 'approved' AND j.decided_by <> 'system' AND j.decided_at >= :due))
        UNION SELECT r.advocate_id FROM referral r JOIN referral_join j ON j.friend_id = r.friend_id
        WHERE j.state = 'approved' AND j.decided_by <> 'system' AND j.decided_at >= :eve AND j.decided_at < :due
          AND {moment} < :begin AND coalesce(j.flagged_at, j.confirmed_at) <= {_fires(moment)}"""


# A parcel that was told to have come, and came later: whoever was written to by then is not written to again.
_NOT_FIRED: Final = f"(o.delivery_told_at IS NULL OR o.delivery_moved_at < {_fires('o.delivery_told_at')})"
_QUERIES: Final = {
    "order_placed": f"SELECT o.customer_id FROM shop_order o WHERE o.{_IN} AND {_ALIVE}",
    "order_paid": f"SELECT o.customer_id FROM shop_order o WHERE o.{_IN} AND o.counts",
    "order_delivered": f"""SELECT o.customer_id FROM shop_order o
        WHERE o.delivered_at >= :begin AND o.delivered_at < :end AND o.counts AND {_NOT_FIRED}""",
    "nth_order": f"""SELECT o.customer_id FROM shop_order o WHERE o.{_IN} AND o.counts AND :nth = 1 + (
        SELECT count(*) FROM shop_order e WHERE e.customer_id = o.customer_id AND e.counts
        AND (e.placed_at, e.id) < (o.placed_at, o.id))""",
    "rung_up": _moved(">"),
    "rung_down": _moved("<"),
    "stalled": """SELECT customer_id FROM customer_facts WHERE (rung_since AT TIME ZONE :zone)::date = :on
        AND (CAST(:rung AS text) IS NULL OR rung = :rung)""",
    "checkout_abandoned": f"""SELECT o.customer_id FROM shop_order o WHERE o.{_IN} AND NOT o.test AND NOT o.paid
        AND {_LEFT} AND o.delivered_at IS NULL
        AND NOT {_LATER.format("(l.counts OR l.status IN ('draft', 'pending'))")}""",
    "birthday": f"SELECT id AS customer_id FROM customer WHERE birthday IS NOT NULL AND {_same_day('birthday')}",
    "first_order_anniversary": f"""SELECT customer_id FROM (SELECT customer_id,
        (first_order_at AT TIME ZONE :zone)::date AS first FROM customer_facts WHERE first_order_at IS NOT NULL) f
        WHERE {_year_day("first")}""",
    "member_anniversary": f"SELECT id AS customer_id FROM customer WHERE {_year_day('member_since')}",
    "supply_ends": "SELECT customer_id FROM customer_habits WHERE supply_dates @> ARRAY[CAST(:on AS date)]",
    "overdue": """SELECT customer_id FROM customer_facts WHERE order_days >= 3 AND gap_mean_days IS NOT NULL
        AND ((last_order_at + gap_mean_days * interval '1 day') AT TIME ZONE :zone)::date = :on""",
    "points_end": """SELECT customer_id FROM point_entry WHERE points > 0 AND open_points > 0
        AND expires_at >= :begin AND expires_at < :end""",
    "consent_given": """SELECT c.customer_id FROM consent c WHERE c.topic = :topic AND c.state = 'subscribed'
        AND c.occurred_at >= :begin AND c.occurred_at < :end AND NOT EXISTS (
            SELECT FROM consent e WHERE e.customer_id = c.customer_id AND e.topic = c.topic AND e.id <> c.id
            AND e.state = 'subscribed' AND e.occurred_at < c.occurred_at)""",
    "friend_joined": _friend("r.joined_at"),
    "friend_bought": _friend("r.converted_at"),
    "rung_ends": """SELECT r.customer_id FROM rung_review r JOIN customer_facts f USING (customer_id)
        WHERE r.falls_on = :on AND (CAST(:rung AS text) IS NULL OR f.rung = :rung)""",
    "answered": "SELECT customer_id FROM survey_answer WHERE answered_at >= :begin AND answered_at < :end",
}
