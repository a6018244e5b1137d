"""To whom something happened on a day of the shop: what campaigns on events listen for. One query per event.

Each query gives ``customer_id`` and, of what others have to tell us, ``told_at``: when they did, as far as we know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, Select, TextClause, column, select, text

from campaigns.calendar import GRACE
from campaigns.triggers import AHEAD, OnEvent
from connectors.base import AT_THE_TILL
from plugin_server.db.models.order import PLACED


def happened(trigger: OnEvent, *, timezone: str, day: date, rungs: tuple[str, ...], topic: str) -> Select[Any]:
    """The customers (``customer_id``) whom a firing on ``day`` is for. ``rungs`` are the ladder's, lowest first.

    The day of the event is ``day`` less ``after_days``, in the shop's zone; without ``after_days`` moments count from
    one firing to the next.
    """
    known = _window(trigger, timezone, day) | _told(trigger, timezone, rungs, topic)
    query = _QUERIES[trigger.event]
    return _people(_bound(query, known))


def told_late(
    trigger: OnEvent, *, timezone: str, day: date, rungs: tuple[str, ...], topic: str, campaign_id: int
) -> Select[Any]:
    """The customers of whom a firing of the last days would have been, had we known: who told us since the last one.

    A missed firing is made up within ``GRACE``, and so is what came too late for one that was not missed. Whomever that
    firing met already is left out, and so is a firing that never was, or that was stopped.
    """
    parts, known = list[str](), _told(trigger, timezone, rungs, topic) | {"campaign": campaign_id}
    known |= {name: _window(trigger, timezone, day)[name] for name in ("eve", "due")}
    for back in range(1, GRACE.days + 1):
        then = day - timedelta(days=back)
        known |= {f"{name}_{back}": value for name, value in _window(trigger, timezone, then).items()}
        known[f"occasion_{back}"] = f"day:{then}"
        query = re.sub(r":(begin|end|on|eve|due|keys)\b", rf":\1_{back}", _QUERIES[trigger.event])
        parts.append(_LATE.format(query=query, back=back))
    return _people(_bound(" UNION ".join(parts), known))


def _bound(query: str, known: dict[str, Any]) -> TextClause:
    return text(query).bindparams(**{name: value for name, value in known.items() if re.search(rf":{name}\b", query)})


def _people(query: TextClause) -> Select[Any]:
    return select(query.columns(column("customer_id", BigInteger)).subquery("happened").c.customer_id)


_LATE: Final = """
SELECT h.customer_id FROM ({query}) h JOIN campaign_run r ON r.campaign_id = :campaign
    AND r.occasion = :occasion_{back} AND r.frozen_at IS NOT NULL AND r.state NOT IN ('stopped', 'failed')
WHERE h.told_at >= :eve AND h.told_at < :due
  AND NOT EXISTS (SELECT FROM audience_member a WHERE a.run_id = r.id AND a.customer_id = h.customer_id)
  AND NOT EXISTS (SELECT FROM customer l JOIN audience_member a ON a.run_id = r.id AND a.customer_id = l.id
                  WHERE l.merged_into = h.customer_id)"""


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
    return f"""SELECT customer_id, recorded_at AS told_at FROM rung_change
        WHERE changed_at >= :begin AND changed_at < :end
        AND {place.format("to_rung")} {direction} {place.format("from_rung")}
        AND from_rung IS NOT NULL AND (CAST(:rung AS text) IS NULL OR to_rung = :rung)"""


_IN: Final = "placed_at >= :begin AND placed_at < :end"


def _orders(later: str, which: str) -> str:
    """Orders by when they were placed, or by when what had been begun before went on: the column ``later``."""
    return f"""SELECT o.customer_id, o.told_at FROM shop_order o WHERE o.{_IN} AND o.{later} IS NULL AND {which}
        UNION ALL SELECT o.customer_id, NULL FROM shop_order o
        WHERE o.{later} >= :begin AND o.{later} < :end AND {which}"""


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


def _next_firing(told: str) -> str:
    """The instant of the firing that comes after we were told."""
    day = f"(({told} AT TIME ZONE :zone) - CAST(:at AS time)::interval)::date + 1"
    return f"({day} + CAST(:at AS time)) AT TIME ZONE :zone"


def _friend(moment: str) -> str:
    """Those who brought a friend. Nothing is said while a person looks at the friend; what was to be said meanwhile is
    said at the next firing after they approved."""
    order = f"o.customer_id = r.friend_id AND o.counts AND o.placed_at = {moment}"
    return f"""SELECT r.advocate_id AS customer_id, (SELECT max(o.told_at) FROM shop_order o WHERE {order}) AS told_at
        FROM referral r WHERE {moment} >= :begin AND {moment} < :end AND NOT EXISTS (
            SELECT FROM referral_join j WHERE j.friend_id = r.friend_id AND (j.state IN ('review', 'refused')
                OR j.state = 'approved' AND j.decided_by <> 'system' AND j.decided_at >= :due))
        UNION SELECT r.advocate_id, NULL FROM referral r JOIN referral_join j ON j.friend_id = r.friend_id
        WHERE j.state = 'approved' AND j.decided_by <> 'system' AND j.decided_at >= :eve AND j.decided_at < :due
          AND {moment} < :begin AND coalesce(j.flagged_at, j.confirmed_at) <= {_fires(moment)}"""


# A parcel that was told to have come, and came later: whoever was written to by then is not written to again.
_FIRED: Final = f"greatest({_fires('o.delivery_told_at')}, {_next_firing('o.delivery_heard_at')})"
_NOT_FIRED: Final = f"(o.delivery_told_at IS NULL OR o.delivery_moved_at < {_FIRED})"
_QUERIES: Final = {
    "order_placed": _orders("placed_later_at", PLACED.format("o")),
    "order_paid": _orders("paid_later_at", "o.counts"),
    "order_delivered": f"""SELECT o.customer_id, coalesce(o.delivery_moved_at, o.delivery_heard_at) AS told_at
        FROM shop_order o WHERE o.delivered_at >= :begin AND o.delivered_at < :end AND o.counts AND {_NOT_FIRED}""",
    "nth_order": _orders(
        "paid_later_at",
        """o.counts AND :nth = 1 + (SELECT count(*) FROM shop_order e WHERE e.customer_id = o.customer_id AND e.counts
            AND (e.placed_at, e.id) < (o.placed_at, o.id))""",
    ),
    "rung_up": _moved(">"),
    "rung_down": _moved("<"),
    "stalled": """SELECT customer_id FROM customer_facts WHERE (rung_since AT TIME ZONE :zone)::date = :on
        AND (CAST(:rung AS text) IS NULL OR rung = :rung)""",
    "checkout_abandoned": f"""SELECT o.customer_id, o.told_at FROM shop_order o WHERE o.{_IN} AND NOT o.test
        AND NOT o.paid AND {_LEFT} AND o.delivered_at IS NULL
        AND NOT {_LATER.format("(l.counts OR l.status IN ('draft', 'pending'))")}""",
    "birthday": f"""SELECT id AS customer_id, birthday_told_at AS told_at FROM customer
        WHERE birthday IS NOT NULL AND {_same_day("birthday")}""",
    "first_order_anniversary": f"""SELECT customer_id FROM (SELECT customer_id,
        (first_order_at AT TIME ZONE :zone)::date AS first FROM customer_facts WHERE first_order_at IS NOT NULL) f
        WHERE {_year_day("first")}""",
    "member_anniversary": f"SELECT id AS customer_id FROM customer WHERE {_year_day('member_since')}",
    "supply_ends": "SELECT customer_id FROM customer_habits WHERE supply_dates @> ARRAY[CAST(:on AS date)]",
    "overdue": """SELECT customer_id FROM customer_facts WHERE order_days >= 3 AND gap_mean_days IS NOT NULL
        AND ((last_order_at + gap_mean_days * interval '1 day') AT TIME ZONE :zone)::date = :on""",
    "points_end": """SELECT customer_id FROM point_entry WHERE points > 0 AND open_points > 0
        AND expires_at >= :begin AND expires_at < :end""",
    "consent_given": """SELECT c.customer_id, c.recorded_at AS told_at FROM consent c
        WHERE c.topic = :topic AND c.state = 'subscribed'
        AND c.occurred_at >= :begin AND c.occurred_at < :end AND NOT EXISTS (
            SELECT FROM consent e WHERE e.customer_id = c.customer_id AND e.topic = c.topic AND e.id <> c.id
            AND e.state = 'subscribed' AND e.occurred_at < c.occurred_at)""",
    "friend_joined": _friend("r.joined_at"),
    "friend_bought": _friend("r.converted_at"),
    "rung_ends": """SELECT r.customer_id FROM rung_review r JOIN customer_facts f USING (customer_id)
        WHERE r.falls_on = :on AND (CAST(:rung AS text) IS NULL OR f.rung = :rung)""",
    "answered": "SELECT customer_id FROM survey_answer WHERE answered_at >= :begin AND answered_at < :end",
}
TOLD: Final = frozenset(name for name, query in _QUERIES.items() if "told_at" in query)
"""Events of which a shop or a customer has to tell us, so that the word may come late."""
