"""How small an effect a campaign's audience can show, said before it is launched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Text, and_, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from campaigns.proof.plan import detectable_apart, detectable_rise
from campaigns.schema import Campaign
from plugin_server.db.campaigning import audience
from plugin_server.db.models.ladder import RungChange
from plugin_server.db.models.order import Order

FEW: Final = 5
"""With fewer people than this who reach the goal by themselves, the usual share is anybody's guess."""


def power(conn: Connection, *, merchant_id: int, campaign: Campaign, campaign_id: int, now: datetime) -> dict[str, Any]:
    """``{"people", "base", "days", "treated", "holdout", "detectable", "variants"}``.

    ``base`` is the share of these people who reached the goal in the ``days`` before ``now`` without the campaign, None
    where that were too few to say. ``detectable`` is the least rise over it (a fraction of 1) that is found four times
    out of five against the holdout; ``variants`` has the sizes and the rise that tells any two of them apart. None
    where no rise could be told apart.
    """
    of = audience.setting(conn, merchant_id, campaign_id)
    people = audience.audience(campaign, of, now).subquery("people")
    window = timedelta(days=campaign.measure.window_days)
    climbs = campaign.measure.goal == "climb"
    reached = _climbed(people, now, window, of.shop.ladder.keys) if climbs else _ordered(people, now, window)
    rows = conn.execute(
        select(people.c.arm, people.c.variant, func.count().label("n"), func.count().filter(reached).label("hits"))
        .where(people.c.arm != "excluded")
        .group_by(people.c.arm, people.c.variant)
    ).all()
    held = sum(row.n for row in rows if row.arm == "holdout")
    treated, hits = sum(row.n for row in rows) - held, sum(row.hits for row in rows)
    base = hits / (treated + held) if hits >= FEW else None
    sizes = {key: sum(row.n for row in rows if row.variant == key) for key in campaign.shares}
    return {
        "people": treated + held,
        "base": base,
        "days": campaign.measure.window_days,
        "goal": campaign.measure.goal,
        "treated": treated,
        "holdout": held,
        "detectable": detectable_rise(base, treated, held) if base is not None else None,
        "variants": {
            "sizes": sizes,
            "detectable": detectable_apart(base, sizes) if base is not None else None,
        }
        if sizes
        else None,
    }


def _ordered(people: Any, now: datetime, window: timedelta) -> Any:
    lately = and_(Order.placed_at >= now - window, Order.placed_at < now)
    return exists().where(Order.customer_id == people.c.customer_id, Order.counts, lately)


def _climbed(people: Any, now: datetime, window: timedelta, rungs: tuple[str, ...]) -> Any:
    known = cast(literal(list(rungs), ARRAY(Text)), ARRAY(Text))
    higher = func.array_position(known, RungChange.to_rung) > func.array_position(known, RungChange.from_rung)
    lately = and_(RungChange.changed_at >= now - window, RungChange.changed_at < now)
    return exists().where(RungChange.customer_id == people.c.customer_id, lately, higher)
