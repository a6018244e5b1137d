"""Whom the guards of an offer spare although they were drawn to get it: those who live on discounts.

They stay in the arm they were drawn into, so that a guard which hangs on what earlier offers brought about cannot bend
the comparison.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, null, text

from campaigns.schema import Campaign

LEAST: Final = 2
"""One order with a discount is no habit."""

_SHARE: Final = """
EXISTS (SELECT FROM customer_facts d WHERE d.customer_id = {person} AND d.discount_orders > 0 AND d.orders >= :least)
AND (SELECT count(*) >= :least AND count(*) FILTER (WHERE discounted) > count(*) * CAST(:most AS numeric) FROM (
        SELECT o.coupon_codes <> '{{}}' OR o.discount_minor > 0 AS discounted FROM shop_order o
        WHERE o.customer_id = {person} AND o.counts AND o.placed_at <= :now
        ORDER BY o.placed_at DESC, o.id DESC LIMIT :orders) last)
"""
_FATIGUE: Final = """
:codes <= (SELECT count(*) FROM offer_code c WHERE c.customer_id = {person} AND c.run_id IS NOT NULL
           AND c.generation = 0 AND c.state <> 'failed' AND coalesce(c.issued_at, c.created_at) > :since)
        + (SELECT count(*) FROM audience_member a JOIN campaign_run r ON r.id = a.run_id AND r.state = 'frozen'
           JOIN campaign_version v ON v.campaign_id = r.campaign_id AND v.version = r.version
           WHERE a.customer_id = {person} AND a.arm = 'treated' AND v.definition -> 'offer' <> 'null'
             AND NOT EXISTS (SELECT FROM offer_code c WHERE c.run_id = a.run_id AND c.customer_id = a.customer_id))
"""
"""Codes given, and those about to be made by runs that are frozen already."""


def spared(campaign: Campaign, person: str, now: datetime) -> ColumnElement[Any]:
    """Why somebody is spared (``discount_share``, ``discount_fatigue``), else null. ``person`` is their id as SQL."""
    guards, found = campaign.guards, []
    if campaign.offers and (share := guards.discount_share):
        holds = _sql(_SHARE, person).bindparams(least=LEAST, most=share.most, orders=share.orders, now=now)
        found.append((and_(holds), "discount_share"))
    if campaign.offers and (fatigue := guards.discount_fatigue):
        since = now - timedelta(days=fatigue.days)
        holds = _sql(_FATIGUE, person).bindparams(codes=fatigue.codes, since=since)
        found.append((and_(holds), "discount_fatigue"))
    return case(*found, else_=null()) if found else null()


def _sql(condition: str, person: str) -> Any:
    return text(f"({condition.format(person=person)})")
