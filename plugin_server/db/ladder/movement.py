"""Who stood where on two days, and what the way between was worth: recomputed from the orders, not from the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, FromClause, bindparam, func, select, text

from connectors.types import Money
from plugin_server.db.effort import whole_shop
from plugin_server.db.ladder import facts, known, rungs, standing
from plugin_server.db.ladder.rungs import Shop

_SPENT = f"""
    SELECT o.customer_id, count(*) AS orders, sum(o.net_minor) FILTER (WHERE o.currency = :currency) AS minor
    FROM {facts.ORDERS_NOW} AND o.customer_id IS NOT NULL AND o.placed_at > :since AND o.placed_at <= :until
    GROUP BY o.customer_id"""


def matrix(conn: Connection, *, merchant_id: int, date_from: date, date_to: date, now: datetime) -> dict[str, Any]:
    """Everybody by the rung of both days' ends (shop's zone), with the orders and net sales between them.

    ``{"from", "to", "rungs": [{key, name, before, after}], "cells": [{from, to, direction, count, orders, revenue,
    worth}], "climbed": {count, worth}, "fell", "stayed", "arrived"}``. ``from`` is None for who was not known yet.

    ``worth`` of a climb is what these people spent above what those who stayed on the same rung spent on average: the
    money that goes with the climb. It is no proof that the climb caused it. None where nobody stayed, to compare with.
    """
    on = rungs.shop(conn, merchant_id)
    begin, end = (standing.end_of(day, on, now) for day in (date_from, date_to))
    rows = _pairs(conn, on, begin, end)
    cells = _worth(rows, on)
    keys = on.ladder.keys

    def total(direction: str) -> int:
        return sum(cell["count"] for cell in cells if cell["direction"] == direction)

    climbs = [cell for cell in cells if cell["direction"] == "climbed"]
    told = [cell["worth"] for cell in climbs if cell["worth"] is not None]
    return {
        "from": date_from.isoformat(),
        "to": date_to.isoformat(),
        "ladder": on.ladder.name,
        "rungs": [
            {
                "key": rung.key,
                "name": standing.name_of(rung, on.locale),
                "before": sum(cell["count"] for cell in cells if cell["from"] == rung.key),
                "after": sum(cell["count"] for cell in cells if cell["to"] == rung.key),
            }
            for rung in on.ladder.rungs
        ],
        "cells": [
            {
                **cell,
                "revenue": Money(cell["revenue"], on.currency).as_json(),
                "worth": None if cell["worth"] is None else Money(cell["worth"], on.currency).as_json(),
            }
            for cell in sorted(cells, key=lambda cell: (_place(keys, cell["from"]), _place(keys, cell["to"])))
        ],
        "climbed": {"count": total("climbed"), "worth": Money(sum(told), on.currency).as_json() if told else None},
        **{direction: total(direction) for direction in ("fell", "stayed", "arrived")},
    }


def _pairs(conn: Connection, on: Shop, begin: datetime, end: datetime) -> Sequence[Any]:
    """(place before or null, place after, people, orders, minor), by one statement."""
    before, after = _standing(on, begin).subquery("before"), _standing(on, end).subquery("after")
    spent = (
        text(_SPENT)
        .bindparams(bindparam("currency", on.currency), bindparam("since", begin), bindparam("until", end))
        .columns(customer_id=BigInteger(), orders=BigInteger(), minor=BigInteger())
        .subquery("spent")
    )
    query = (
        select(
            before.c.place,
            after.c.place,
            func.count(),
            func.coalesce(func.sum(spent.c.orders), 0),
            func.coalesce(func.sum(spent.c.minor), 0),
        )
        .select_from(
            after.outerjoin(before, before.c.customer_id == after.c.customer_id).outerjoin(
                spent, spent.c.customer_id == after.c.customer_id
            )
        )
        .group_by(before.c.place, after.c.place)
    )
    with whole_shop(conn):
        return conn.execute(query).all()


def _standing(on: Shop, at: datetime) -> Any:
    then: FromClause = known.over_then(on.merchant_id, at, on.asked)
    return select(then.c.customer_id, rungs.place(rungs.holds(on, then, at)).label("place"))


def _worth(rows: Sequence[Any], on: Shop) -> list[dict[str, Any]]:
    keys = on.ladder.keys
    stayed = {before: minor / count for before, after, count, _, minor in rows if before == after}
    cells = []
    for before, after, count, orders, minor in rows:
        climbed = before is not None and after > before
        usual = stayed.get(before)
        cells.append(
            {
                "from": None if before is None else keys[before],
                "to": keys[after],
                "direction": _direction(before, after),
                "count": count,
                "orders": int(orders),
                "revenue": int(minor),
                "worth": round(minor - count * usual) if climbed and usual is not None else None,
            }
        )
    return cells


def _direction(before: int | None, after: int) -> str:
    if before is None:
        return "arrived"
    return "stayed" if before == after else "climbed" if after > before else "fell"


def _place(keys: Sequence[str], key: str | None) -> int:
    return -1 if key is None else keys.index(key)


USUAL = 0.8
"""Whoever stands longer on a rung than this share of those who climbed from it did is stalled."""
ENOUGH = 10
"""Climbs from a rung before it can be told what is usual."""

_WAITS = """
    SELECT from_rung, count(*) AS climbs,
        percentile_cont(:usual) WITHIN GROUP (ORDER BY extract(epoch FROM changed_at - came) / 86400) AS days
    FROM (SELECT to_rung, from_rung, changed_at, lag(changed_at) OVER w AS came, lag(to_rung) OVER w AS stood
          FROM rung_change WINDOW w AS (PARTITION BY customer_id ORDER BY changed_at, id)) AS moves
    WHERE stood = from_rung AND from_rung = ANY(:keys)
        AND array_position(CAST(:keys AS text[]), to_rung) > array_position(CAST(:keys AS text[]), from_rung)
    GROUP BY from_rung HAVING count(*) >= :enough"""


def stalled(conn: Connection, *, merchant_id: int, now: datetime, limit: int = 20) -> list[dict[str, Any]]:
    """Per rung: who has stood there longer than four of five who climbed from it needed, and is not lapsed.

    ``[{"rung", "name", "usual_days", "climbs", "count", "customers": [{id, email, name, since, days, spend}]}]``, the
    best customers first. Rungs with too few climbs to know what is usual are left out, and so is the highest.
    """
    on = rungs.shop(conn, merchant_id)
    given = {"usual": USUAL, "enough": ENOUGH, "keys": list(on.ladder.keys)}
    waits = {row.from_rung: row for row in conn.execute(text(_WAITS), given)}
    return [
        _stalled(conn, on, rung.key, waits[rung.key], now, limit) for rung in on.ladder.rungs[:-1] if rung.key in waits
    ]


_STANDS = """
    FROM customer_facts f JOIN customer c ON c.id = f.customer_id
    WHERE f.rung = :rung AND f.rung_since < CAST(:now AS timestamptz) - make_interval(secs => :seconds)
        AND f.activity IN ('active', 'cooling', 'none')"""


def _stalled(conn: Connection, on: Shop, key: str, usual: Any, now: datetime, limit: int) -> dict[str, Any]:
    given = {"rung": key, "now": now, "seconds": float(usual.days) * 86400, "limit": limit}
    count = conn.scalar(text(f"SELECT count(*) {_STANDS}"), given) or 0
    people = conn.execute(
        text(
            f"SELECT c.id, c.email, btrim(c.first_name || ' ' || c.last_name) AS name, f.rung_since, f.spend_minor "
            f"{_STANDS} ORDER BY f.spend_minor DESC, c.id LIMIT :limit"
        ),
        given,
    )
    return {
        "rung": key,
        "name": standing.name_of(on.ladder.rung(key), on.locale),
        "usual_days": round(float(usual.days), 1),
        "climbs": usual.climbs,
        "count": int(count),
        "customers": [
            {
                "id": row.id,
                "email": row.email,
                "name": row.name,
                "since": row.rung_since.isoformat(),
                "days": (now - row.rung_since).days,
                "spend": Money(row.spend_minor, on.currency).as_json(),
            }
            for row in people
        ],
    }
