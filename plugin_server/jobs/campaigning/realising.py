"""What each shop of a merchant makes of an offer: its goods and abilities put to ``campaigns.offers.realise``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, text

from campaigns.offers.offer import BuyGet, Cashback, EarlyAccess, Gift, Offer, QuantityPrice, in_money, refs_of
from campaigns.offers.realisation import Able, Goods, Realisation, refused
from campaigns.offers.realise import how
from campaigns.reasons import Reason
from campaigns.schema import Problem
from plugin_server import wiring
from plugin_server.db.points.orders import in_force
from plugin_server.db.shops import goods


@dataclass(frozen=True, slots=True)
class InShop:
    """The offer in one shop; ``goods`` are those that it names there."""

    store_id: int
    name: str
    currency: str
    able: Able
    goods: Goods
    realisation: Realisation


def in_shops(conn: Connection, offer: Offer, store_ids: Sequence[int] | None = None) -> list[InShop]:
    """The offer in these shops; in all that could take codes with ``None``."""
    force = in_force(conn)
    points = force is not None and not force.paused
    rows = conn.execute(text(_SHOPS), {"ids": None if store_ids is None else list(store_ids)})
    return [_in_shop(conn, offer, row, points=points) for row in rows]


def _in_shop(conn: Connection, offer: Offer, row: Row[Any], *, points: bool) -> InShop:
    able = wiring.able(row.platform, row.capabilities, points=points)
    found = goods.in_shop(conn, row.id, refs_of(offer))
    if in_money(offer) and row.currency != row.own:
        sentence = f"The offer is in {row.own}, this shop sells in {row.currency}. Make a campaign for it alone."
        made = refused(Reason(sentence, "offer_currency", own=row.own, currency=row.currency))
    else:
        made = how(offer, able, found, row.currency)
    return InShop(row.id, row.name, row.currency, able, found, made)


def packed(conn: Connection, offer: Offer) -> bool:
    """True where a shop carries the offer out by packs, of which mails speak otherwise."""
    by_pieces = isinstance(offer, QuantityPrice | BuyGet)
    return by_pieces and any(shop.realisation.way == "pack" for shop in in_shops(conn, offer))


def hurdle(conn: Connection, offer: Offer, now: datetime) -> Reason | None:
    """Why nobody could be given the offer now; None where at least one shop can carry it out.

    What needs no code in the shop must be possible in all of them: nobody would be left out for its sake.
    """
    until = getattr(offer, "until", None)
    zone = ZoneInfo(str(conn.scalar(text("SELECT timezone FROM merchant"))))
    if until and until < now.astimezone(zone).date():
        return Reason(
            f"The offer ended on {until.isoformat()}. Choose a later day.", "offer_over", day=until.isoformat()
        )
    shops = in_shops(conn, offer)
    bad = [shop for shop in shops if shop.realisation.refused]
    if not bad or (len(bad) < len(shops) and not isinstance(offer, Cashback | EarlyAccess)):
        return None
    return bad[0].realisation.told


FIELDS: Final = {
    "offer_no_goods": "products", "offer_not_on_sale": "products", "offer_sizes_differ": "products",
    "offer_prices_differ": "products", "offer_name_size": "products", "offer_gift_size": "products",
    "offer_no_gain": "price", "offer_uneven_price": "price", "offer_link_spreads": "link_may_spread",
    "offer_listed": "products", "offer_no_page": "products", "offer_over": "until", "offer_no_points": "elsewhere",
}  # fmt: skip
"""Which field of an offer a hurdle is about; the rest is about the offer on the whole."""


def problem(conn: Connection, path: str, offer: Offer, now: datetime) -> Problem | None:
    """The same hurdle at its field; ``path`` is the offer's own."""
    why = hurdle(conn, offer, now)
    if why is None:
        return None
    field = FIELDS.get(why.key, "")
    field = "product" if field == "products" and isinstance(offer, Gift) else field
    return Problem(f"{path}.{field}" if field else path, why)


_SHOPS: Final = """
SELECT s.id, s.name, s.platform, s.capabilities, m.currency AS own, coalesce(s.currency, m.currency) AS currency
FROM store s CROSS JOIN merchant m
WHERE CASE WHEN CAST(:ids AS bigint[]) IS NULL THEN s.platform <> 'csv' AND s.state = 'connected' AND NOT s.read_only
      ELSE s.id = ANY(:ids) END
ORDER BY s.id
"""
