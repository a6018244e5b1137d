"""The points programme of a merchant, and what a customer or the whole shop has of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from campaigns.points.liability import recognised, share_price
from campaigns.points.program import ForAmount, Program, amount_rules
from campaigns.schema import BadCampaign, Problem
from connectors.types import Money, minor_units
from plugin_server.db.ladder import rungs
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points.orders import in_force


@dataclass(frozen=True, slots=True)
class Balance:
    """A customer's points: ``available`` now (below zero after a refund of what was spent), ``pending`` until
    ``next_at``, and how many of the available end first, at ``ends_at``."""

    available: int
    pending: int
    next_at: datetime | None
    ending: int
    ends_at: datetime | None
    earned: int


def save_program(conn: Connection, merchant_id: int, program: Program, *, by: str) -> int:
    """A new version of the programme, in force at once for orders not yet looked at; gives its number. One that is
    paused stays so.

    Raises ``BadCampaign`` where an amount is below the currency's smallest coin, a rung is not on the ladder, or a
    category in no shop.
    """
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    amount_rules(program, currency)
    _known_rungs(conn, merchant_id, program)
    _known_categories(conn, program)
    version: int = conn.execute(
        text(_SAVE), {"m": merchant_id, "definition": program.model_dump_json(), "by": by}
    ).scalar_one()
    return version


def _known_rungs(conn: Connection, merchant_id: int, program: Program) -> None:
    known = {rung.key for rung in rungs.shop(conn, merchant_id).ladder.rungs}
    for place, item in enumerate(program.multipliers):
        if item.rung not in known:
            sentence = f"{item.rung!r} is no rung of your ladder; known are {', '.join(sorted(known))}."
            raise BadCampaign((Problem(f"multipliers.{place}.rung", sentence),))


def _known_categories(conn: Connection, program: Program) -> None:
    """A shop that was not read yet may have any."""
    known = {word.lower() for row in conn.execute(text("SELECT name, external_id FROM category")) for word in row}
    for place, item in enumerate(program.earn):
        if isinstance(item, ForAmount) and item.category is not None and known and item.category.lower() not in known:
            sentence = f"{item.category!r} is no category of your shop. Write its name as the shop does."
            raise BadCampaign((Problem(f"earn.{place}.category", sentence),))


def balance(conn: Connection, customer_id: int, now: datetime) -> Balance:
    """What a customer has at ``now``; lots whose end has come do not count, whether the night has been or not."""
    row = conn.execute(text(_BALANCE), {"id": customer_id, "now": now}).one()
    return Balance(row.available, row.pending, row.next_at, row.ending, row.ends_at, row.earned)


def ledger(conn: Connection, customer_id: int) -> list[dict[str, Any]]:
    """A customer's entries, newest first."""
    return points_ledger.entries(conn, customer_id)


def totals(conn: Connection, now: datetime) -> dict[str, Any]:
    """The shop's points: holders, spendable, pending, ending soon, and what became of all that were ever earned."""
    force = in_force(conn)
    warn = force.program.warn_days if force else 30
    row = conn.execute(text(_TOTALS), {"now": now, "soon": now + timedelta(days=warn)}).mappings().one()
    return dict(row)


def months(conn: Connection, timezone: str) -> list[dict[str, Any]]:
    """Points earned, spent, ended and taken back by month of the merchant's zone, oldest first."""
    return [dict(row) for row in conn.execute(text(_MONTHS), {"zone": timezone}).mappings()]


def liability(conn: Connection, now: datetime) -> dict[str, Any] | None:
    """What the points owe at ``now``; None without a programme. Money as JSON.

    ``outstanding`` is every open point at its value; ``deferred`` the points' share of the sales that earned them less
    what points spent so far have recognised (see ``campaigns.points.liability``). The expected redemption is the
    programme's, a setting, but never more than was spent and can still be: breakage is never shown as profit.
    """
    force = in_force(conn)
    if force is None:
        return None
    has = totals(conn, now)
    sales = int(conn.scalar(text(_SALES)) or 0)
    expected = int(Decimal(has["earned"]) * force.program.expected_redemption)
    worth = minor_units(expected * force.program.point_value, force.currency)
    deferred = share_price(sales, worth).points_minor
    owed = has["spendable"] + has["pending"]
    # Of points that ended nobody spends any more: what was put off for them is put off no longer.
    still = min(expected, has["spent"] + owed)
    done = recognised(deferred, min(has["spent"], still), still)
    money = {
        "sales": sales,
        "outstanding": minor_units(owed * force.program.point_value, force.currency),
        "deferred_in_all": deferred,
        "recognised": done,
        "deferred": deferred - done,
    }
    return {
        "points": owed,
        "point_value": str(force.program.point_value),
        "expected_redemption": str(force.program.expected_redemption),
        "earned": has["earned"],
        "spent": has["spent"],
        "ended": has["ended"],
        **{name: Money(minor, force.currency).as_json() for name, minor in money.items()},
    }


_SALES = """
SELECT sum(o.net_minor) FROM point_basis b JOIN shop_order o ON o.id = b.order_id WHERE o.counts
"""
_SAVE = """
INSERT INTO point_program (merchant_id, version, definition, created_by, paused)
SELECT :m, coalesce(max(version), 0) + 1, CAST(:definition AS jsonb), :by,
       coalesce((array_agg(paused ORDER BY version DESC))[1], false) FROM point_program RETURNING version
"""
_LIVE = "(e.expires_at IS NULL OR e.expires_at > :now)"
_BALANCE = f"""
WITH open AS (
    SELECT * FROM point_entry e WHERE e.customer_id = :id AND e.open_points > 0 AND (e.points < 0 OR {_LIVE})
),
first_end AS (SELECT min(expires_at) AS at FROM open WHERE points > 0 AND available_at <= :now)
SELECT coalesce(sum(CASE WHEN points < 0 THEN -open_points WHEN available_at <= :now THEN open_points END), 0)::bigint
           AS available,
       coalesce(sum(open_points) FILTER (WHERE points > 0 AND available_at > :now), 0)::bigint AS pending,
       min(available_at) FILTER (WHERE points > 0 AND available_at > :now) AS next_at,
       coalesce(sum(open_points) FILTER (WHERE points > 0 AND expires_at = (SELECT at FROM first_end)), 0)::bigint
           AS ending,
       (SELECT at FROM first_end) AS ends_at,
       (SELECT coalesce(sum(points), 0)::bigint FROM point_entry
        WHERE customer_id = :id AND kind IN ('earn', 'action', 'reverse')) AS earned
FROM open
"""
_LOT = f"e.open_points > 0 AND e.points > 0 AND {_LIVE}"
_TOTALS = f"""
SELECT count(DISTINCT e.customer_id) FILTER (WHERE {_LOT}) AS holders,
       coalesce(sum(e.open_points) FILTER (WHERE {_LOT} AND e.available_at <= :now), 0)::bigint AS spendable,
       coalesce(sum(e.open_points) FILTER (WHERE {_LOT} AND e.available_at > :now), 0)::bigint AS pending,
       coalesce(sum(e.open_points) FILTER (WHERE {_LOT} AND e.expires_at <= :soon), 0)::bigint AS ending_soon,
       coalesce(sum(e.open_points) FILTER (WHERE e.points < 0), 0)::bigint AS owed_back,
       coalesce(sum(e.points) FILTER (WHERE e.kind IN ('earn', 'action', 'reverse')), 0)::bigint AS earned,
       coalesce(-sum(e.points) FILTER (WHERE e.kind IN ('redeem', 'restore')), 0)::bigint AS spent,
       coalesce(-sum(e.points) FILTER (WHERE e.kind = 'expire'), 0)::bigint AS ended,
       coalesce(sum(e.points) FILTER (WHERE e.kind = 'adjust'), 0)::bigint AS by_hand
FROM point_entry e
"""
_MONTHS = """
SELECT to_char(happened_at AT TIME ZONE :zone, 'YYYY-MM') AS month,
       coalesce(sum(points) FILTER (WHERE kind IN ('earn', 'action', 'adjust') AND points > 0), 0)::bigint AS earned,
       coalesce(-sum(points) FILTER (WHERE kind IN ('redeem', 'restore')), 0)::bigint AS spent,
       coalesce(-sum(points) FILTER (WHERE kind = 'expire'), 0)::bigint AS ended,
       coalesce(-sum(points) FILTER (WHERE kind = 'reverse' OR (kind = 'adjust' AND points < 0)), 0)::bigint
           AS taken_back
FROM point_entry GROUP BY 1 ORDER BY 1
"""
