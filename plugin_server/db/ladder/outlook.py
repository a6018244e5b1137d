"""The forecast of each customer as facts that rules can ask for: written at night and with each order, never computed
while a rule is asked. While a gate of the forecast is closed nobody has a row, and so nothing is known of anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from sqlalchemy import Connection, Table, text

from campaigns.forecast import HORIZON_WEEKS
from campaigns.ladder.facts import CATALOGUE
from campaigns.ladder.rules import Rule, leaves
from plugin_server.db.ingest import room
from plugin_server.db.merchant import merchants
from plugin_server.db.models.forecast import CustomerOutlook

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from campaigns.forecast.histories import Histories
    from campaigns.forecast.outlook import Forecast

TABLE: Table = CustomerOutlook.__table__  # type: ignore[assignment]

LOCK = 7_410_013
"""Advisory lock (with the merchant's id): the night's reading and that of a few must not wait for each other's rows."""

_USABLE = text("SELECT (document ->> 'usable')::boolean FROM forecast_fit")
_OWED = text(
    """
    SELECT EXISTS (SELECT FROM order_pulse WHERE beat > 0)
        AND NOT EXISTS (SELECT FROM sync_run WHERE state IN ('queued', 'running'))
        AND NOT EXISTS (SELECT FROM forecast_fit f WHERE f.fitted_at > :missed
            AND ((f.document ->> 'usable')::boolean OR f.fitted_at >= coalesce(
                (SELECT max(finished_at) FROM sync_run WHERE kind = 'full' AND state = 'done'), '-infinity')))"""
)
_READ_WHOLE = text("SELECT EXISTS (SELECT FROM sync_run WHERE kind = 'full' AND state IN ('queued', 'running'))")
_FORGET = text("DELETE FROM forecast_fit WHERE NOT (document ->> 'usable')::boolean")
MISSED = timedelta(hours=30)
"""A fit older than this was not made in its night."""
_CLEAR = text("DELETE FROM customer_outlook")
_GONE = text("DELETE FROM customer_outlook WHERE customer_id = ANY(:ids) AND customer_id <> ALL(:known)")
_LEFT = text(
    "DELETE FROM customer_outlook k USING customer c WHERE c.id = k.customer_id AND "
    "(c.merged_into IS NOT NULL OR c.erased_at IS NOT NULL OR NOT EXISTS "
    "(SELECT FROM unnest(CAST(:known AS bigint[])) AS n (id) WHERE n.id = k.customer_id))"
)
_WRITE = text(
    """
    INSERT INTO customer_outlook AS k (merchant_id, customer_id, alive_percent, buys_percent, expected_spend_minor)
    SELECT c.merchant_id, c.id, n.alive, n.buys, n.spend
    FROM unnest(CAST(:ids AS bigint[]), CAST(:alive AS numeric[]), CAST(:buys AS numeric[]), CAST(:spend AS bigint[]))
        AS n (id, alive, buys, spend)
    JOIN customer c ON c.id = n.id AND c.merged_into IS NULL AND c.erased_at IS NULL
    ON CONFLICT (customer_id) DO UPDATE SET alive_percent = excluded.alive_percent,
        buys_percent = excluded.buys_percent, expected_spend_minor = excluded.expected_spend_minor
        WHERE (k.alive_percent, k.buys_percent, k.expected_spend_minor)
            IS DISTINCT FROM (excluded.alive_percent, excluded.buys_percent, excluded.expected_spend_minor)"""
)

CHUNK = 20_000


def everybody(
    conn: Connection,
    *,
    document: dict[str, Any],
    made: Forecast | None,
    ids: NDArray[Any],
    of: Histories,
    now: datetime,
) -> int:
    """Write what a new fit (the answer of ``forecast.fitted``) says of all from today on; gives how many rows changed.

    Without usable models all rows go: a closed gate is closed for everybody.
    """
    if made is None or not document["usable"]:
        return conn.execute(_CLEAR).rowcount
    merchant = _turn(conn)
    # No order came after the last: today's histories are those of its day, watched for some days more.
    watched = max(0, (_today(merchant, now) - date.fromisoformat(document["until"])).days)
    since = replace(of, age=of.age + watched)
    gone = conn.execute(_LEFT, {"known": ids.tolist()}).rowcount
    return gone + _write(conn, merchant, made, ids, since)


def follow(conn: Connection, *, customer_ids: Sequence[int], now: datetime) -> int:
    """Write what the kept models say of these customers from today on; gives how many rows changed."""
    if not customer_ids or not conn.scalar(_USABLE):
        return 0
    # Here, because they take half a second to load: a command that asks for a rule should not wait for them.
    from plugin_server.db.ladder import forecast, histories

    merchant, kept = _turn(conn), forecast.kept(conn)
    if kept is None or not kept[1]["usable"]:
        return 0
    today = _today(merchant, now)
    ids, of, _ = histories.read(conn, merchant=merchant, cut=today, until=today, customer_ids=customer_ids)
    gone = conn.execute(_GONE, {"known": ids.tolist(), "ids": list(customer_ids)}).rowcount
    return gone + _write(conn, merchant, forecast.models(kept[1]), ids, of)


def silent(conn: Connection, *rules: Rule | None) -> Literal["", "unmade", "closed"]:
    """Why these rules, which ask for the forecast, know it of nobody; empty where they ask for none or there is one.

    ``unmade``: the shop is new to us, and its first forecast is yet to be made. ``closed``: a gate is.
    """
    asked = {leaf.fact for rule in rules if rule is not None for leaf in leaves(rule)}
    if not any(CATALOGUE[name].kept == "outlook" for name in asked):
        return ""
    usable = conn.scalar(_USABLE)
    return "unmade" if usable is None else "" if usable else "closed"


def owed(conn: Connection, *, merchant_id: int, now: datetime) -> bool:
    """Whether a forecast need not wait for the night: there are orders, no reading is under way, and there is none.

    One of a shop that was read in full again after it had been found too young counts as the first. One whose night
    went by while orders were coming in is made up.
    """
    return bool(conn.scalar(_OWED, {"missed": now - MISSED})) and not room.occupied(conn, merchant_id)


def half_read(conn: Connection, merchant_id: int) -> bool:
    """Whether all orders of a shop are being read or a file of them is: a fit would take what is there for the whole.

    A shop's own small readings of what is new do not count.
    """
    return bool(conn.scalar(_READ_WHOLE)) or room.occupied(conn, merchant_id)


def forget_closed(conn: Connection) -> None:
    """Forget a fit with a closed gate, because a file brought more history: the next is made as the first is."""
    conn.execute(_FORGET)


def _turn(conn: Connection) -> dict[str, Any]:
    """The merchant, once nobody else writes its rows."""
    merchant = merchants.get(conn)
    conn.execute(text("SELECT pg_advisory_xact_lock(:key, :merchant)"), {"key": LOCK, "merchant": merchant["id"]})
    return merchant


def _today(merchant: dict[str, Any], now: datetime) -> date:
    return now.astimezone(ZoneInfo(merchant["timezone"])).date()


def _write(conn: Connection, merchant: dict[str, Any], made: Forecast, ids: NDArray[Any], of: Histories) -> int:
    if not len(ids):
        return 0
    unit = 10 ** get_currency_precision(merchant["currency"])
    alive, buys = 100 * made.alive(of), 100 * made.buys(of, HORIZON_WEEKS)
    worth = made.orders(of, HORIZON_WEEKS) * made.spent.value(of) * unit if made.spent else None
    spend = [None] * len(ids) if worth is None else [None if isnan(one) else round(one) for one in worth]
    columns = {"ids": ids.tolist(), "alive": alive.round(1).tolist(), "buys": buys.round(1).tolist(), "spend": spend}
    return sum(
        conn.execute(_WRITE, {name: values[start : start + CHUNK] for name, values in columns.items()}).rowcount
        for start in range(0, len(ids), CHUNK)
    )
