"""Example baskets of an offer in each shop of a merchant, for pages and commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from campaigns.offers.baskets import Example, Shelf, examples
from campaigns.offers.margin import Trade
from campaigns.offers.offer import Offer, inside
from campaigns.offers.realisation import beside
from campaigns.offers.realise import how
from campaigns.offers.till import Till
from campaigns.reasons import Reason
from connectors.types import Money, minor_units
from plugin_server.db.offers import codes as offers
from plugin_server.db.shops import goods
from plugin_server.jobs.campaigning.realising import InShop, in_shops


@dataclass(frozen=True, slots=True)
class Shown:
    """What one shop does with the offer, and what baskets come to there; no baskets where it has no goods to show."""

    shop: str
    currency: str
    told: Reason
    shopper: tuple[Reason, ...]
    refused: bool
    baskets: list[Example]


def shown(
    conn: Connection, offer: Offer, now: datetime, *, combine: bool = False, usual: Trade | None = None
) -> list[Shown]:
    """Every shop that could take part, in their order; ``combine`` where its codes may stand beside others.

    ``usual`` is the usual trade where somebody kept it.
    """
    usual = usual or offers.trade(conn, now)
    return [_shown(conn, offer, shop, usual, combine=combine) for shop in in_shops(conn, offer)]


def _shown(conn: Connection, offer: Offer, shop: InShop, usual: Trade, *, combine: bool) -> Shown:
    made = shop.realisation
    said = beside(made, shop.able, combine=combine)
    shelf = None if made.refused else _shelf(conn, offer, shop, usual)
    if inside(offer) != offer:
        # What several people do together ends with a plain code for each.
        offer, shop = inside(offer), replace(shop, realisation=how(inside(offer), shop.able, shop.goods, shop.currency))
    found = [] if shelf is None else examples(offer, shop.realisation, shelf, _till(conn, shop))
    return Shown(shop.name, shop.currency, made.told, (*made.shopper, *([said] if said else [])), made.refused, found)


def _till(conn: Connection, shop: InShop) -> Till:
    unit = minor_units(Decimal(1), shop.currency)
    return Till(shop.able, shop.currency, goods.step(conn, shop.store_id, unit))


def _shelf(conn: Connection, offer: Offer, shop: InShop, usual: Trade) -> Shelf | None:
    """None where the shop has nothing to sell (yet)."""
    own = [number for ware in shop.goods.values() for number in (ware.external_id, ware.parent) if number]
    found = goods.in_categories(conn, shop.store_id, getattr(offer, "categories", ()))
    found += goods.favourites(conn, shop.store_id, without=[*own, *(ware.external_id for ware in found)])
    if not found:
        return None
    named = bool(shop.goods) and offer.kind != "gift"
    other = found[0] if named else found[1] if len(found) > 1 else None
    return Shelf(shop.goods, found[0], other, usual.margin, usual.average_shipping_minor)


def as_json(one: Shown) -> dict[str, Any]:
    """``{"store", "told", "shopper", "refused", "baskets": [{"pieces", "others", "goods", "full", "pays", …}]}``."""
    return {
        "store": one.shop,
        "told": str(one.told),
        "shopper": [str(step) for step in one.shopper],
        "refused": one.refused,
        "baskets": [_basket(example, one.currency) for example in one.baskets],
    }


def _basket(one: Example, currency: str) -> dict[str, Any]:
    def money(minor: int | None) -> dict[str, str] | None:
        return None if minor is None else Money(minor, currency).as_json()

    return {
        "pieces": one.pieces,
        "others": one.others,
        "goods": [{"title": line.ware.title, "count": line.count} for line in one.lines],
        "holds": one.holds,
        "full": money(one.full_minor),
        "pays": money(one.pays_minor),
        "gives": money(one.gives_minor),
        "left": money(one.left_minor),
    }
