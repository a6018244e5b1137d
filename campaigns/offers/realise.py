"""What one shop can make of an offer, honestly: by itself, by packs of its goods, or not at all, and why.

Pure: goods and abilities come in, a ``Realisation`` comes out. What each platform does was recorded from the real
thing; ``docs/offers.md`` tells it. Where a shop would give more, or to others, or to smaller baskets than the offer
says, the offer is refused there with what to do instead.
"""

from __future__ import annotations

from decimal import Decimal

from campaigns.offers.by_pieces import buy_get, gift, quantity_price
from campaigns.offers.offer import (
    BringAFriend,
    BuyGet,
    Cashback,
    EarlyAccess,
    Fixed,
    FreeShipping,
    Gift,
    MemberOnly,
    Offer,
    Percentage,
    QuantityPrice,
    TeamDeal,
    minimum_of,
    refs_of,
)
from campaigns.offers.realisation import ENTER, Able, Goods, Realisation, Terms, refused, split
from campaigns.offers.together import together
from campaigns.reasons import Reason
from connectors.offer_types import Reach
from connectors.types import DiscountKind, minor_units


def how(offer: Offer, able: Able, goods: Goods, currency: str) -> Realisation:
    """What a shop with these abilities and ``goods`` (by the offer's words for them) makes of the offer."""
    if missing := [ref for ref in refs_of(offer) if ref not in goods]:
        names = ", ".join(missing)
        return refused(Reason(f"The shop has no {names} with a price. Give the SKU, or the number of the product.",
                   "offer_no_goods", goods=names))  # fmt: skip
    if off := [ware.title for ware in goods.values() if not ware.active and ware.ref in refs_of(offer)]:
        names = ", ".join(off)
        return refused(
            Reason(f"{names} is not on sale in this shop. Put it on sale first.", "offer_not_on_sale", goods=names)
        )
    if isinstance(offer, QuantityPrice):
        return quantity_price(offer, able, [goods[ref] for ref in offer.products], currency)
    if isinstance(offer, BuyGet):
        return buy_get(offer, able, goods, currency)
    if isinstance(offer, Gift):
        return gift(offer, able, goods[offer.product], currency)
    if isinstance(offer, Cashback):
        return _cashback(offer, able)
    if isinstance(offer, TeamDeal | BringAFriend):
        return together(offer)
    if isinstance(offer, EarlyAccess):
        return _early(offer, goods, currency)
    return _plain(offer, goods, currency)


def _plain(offer: Percentage | Fixed | FreeShipping | MemberOnly, goods: Goods, currency: str) -> Realisation:
    told = Reason("The shop makes a personal code for each and judges it at the till.", "offer_by_code")
    return Realisation("code", told, (ENTER,), _terms(offer, goods, currency))


def _terms(offer: Percentage | Fixed | FreeShipping | MemberOnly | EarlyAccess, goods: Goods, currency: str) -> Terms:
    kind = DiscountKind.PERCENTAGE
    if isinstance(offer, Fixed):
        kind = DiscountKind.FIXED
    elif isinstance(offer, FreeShipping):
        kind = DiscountKind.FREE_SHIPPING
    products, variants = split([goods[ref] for ref in refs_of(offer)])
    reach = Reach(variants=variants, categories=getattr(offer, "categories", ()))
    minimum = minor_units(minimum_of(offer), currency)
    return Terms(kind, Decimal(0), minimum, products, reach, by_rung=kind is not DiscountKind.FREE_SHIPPING)


def _cashback(offer: Cashback, able: Able) -> Realisation:
    days = offer.wait_days
    nothing = Reason("The shopper does nothing; an order with the address that was written to counts.", "do_nothing")
    if able.credit:
        told = Reason(f"{days} days after the order the shop books store credit.", "offer_credit", days=days)
        spend = Reason("The shopper spends it signed in, as payment at the till.", "do_sign_in")
        return Realisation("credit", told, (nothing, spend))
    if offer.elsewhere == "points":
        if not able.points:
            return refused(
                Reason(
                    "No points programme with a worth for its points is in force. Start one, or pay it as a code.",
                    "offer_no_points",
                )
            )
        told = Reason(f"The shop has no store credit: {days} days after the order it comes as points.",
                      "offer_as_points", days=days)  # fmt: skip
        return Realisation("points", told, (nothing,))
    told = Reason(
        f"The shop has no store credit: {days} days after the order we make a personal code over it, for one order. "
        "What that order does not use up is lost.",
        "offer_later_code", days=days,
    )  # fmt: skip
    return Realisation("later_code", told, (nothing, ENTER))


def _early(offer: EarlyAccess, goods: Goods, currency: str) -> Realisation:
    wares = [goods[ref] for ref in offer.products]
    if not offer.link_may_spread:
        return refused(
            Reason(
                "No shop can keep goods for some people: whoever has the link can buy. Use member_only for a price of "
                "their own, or accept it with link_may_spread.",
                "offer_link_spreads",
            )
        )
    if shown := [ware.title for ware in wares if ware.listed]:
        names = ", ".join(shown)
        return refused(
            Reason(
                f"{names} stands in the shop's catalogue, where everybody sees it already. Hide it there first, so "
                "that it is sold by its link alone; put it in once the others may come.",
                "offer_listed",
                goods=names,
            )
        )
    if lost := [ware.title for ware in wares if not ware.url]:
        names = ", ".join(lost)
        return refused(Reason(f"{names} has no page in the shop that a link could open. Publish it there, unlisted.",
                              "offer_no_page", goods=names))  # fmt: skip
    told = Reason(
        "The goods are out of the shop's catalogue, and we send their link to nobody else. Whoever gets it from them "
        "can buy too. On the day, put the goods into the catalogue yourself.",
        "offer_by_link",
    )
    if offer.value is not None:
        told = Reason(
            "The goods are out of the shop's catalogue, and we send their link to nobody else. Whoever gets it from "
            "them can buy too, at the full price: the lower one needs the personal code. On the day, put the goods "
            "into the catalogue yourself.",
            "offer_by_link_and_code",
        )
    take = Reason("The shopper opens the link in the mail.", "do_open_link")
    terms = _terms(offer, goods, currency) if offer.value is not None else None
    return Realisation("link", told, (take, ENTER) if terms else (take,), terms, url=wares[0].url)
