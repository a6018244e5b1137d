"""Offers that count pieces or sums: natively where a shop counts, by packs of its goods where it does not."""

from __future__ import annotations

from decimal import Decimal

from campaigns.offers.offer import BuyGet, Gift, QuantityPrice
from campaigns.offers.realisation import ENTER, Able, Goods, Realisation, Terms, refused, split
from campaigns.offers.ware import Ware
from campaigns.reasons import Reason
from connectors.offer_types import Pack, Reach
from connectors.types import DiscountKind, Money, minor_units

Parts = tuple[tuple[Ware, int], ...]
"""What a pack holds: goods and how many of each."""


def _price(ware: Ware) -> int | None:
    """The one price of its pieces; None where its sizes cost differently."""
    return ware.price_minor if len(set(ware.sizes)) <= 1 else None


def _uneven(wares: list[Ware]) -> Realisation | None:
    for ware in wares:
        if _price(ware) is None:
            return refused(Reason(
                f"The sizes of {ware.title} cost differently. Name one size by its SKU.",
                "offer_sizes_differ", product=ware.title))  # fmt: skip
    if len({ware.price_minor for ware in wares}) > 1:
        return refused(
            Reason(
                "The products cost differently, and a shop takes the same amount off each. Make an offer for each "
                "price.",
                "offer_prices_differ",
            )
        )
    return None


def quantity_price(offer: QuantityPrice, able: Able, wares: list[Ware], currency: str) -> Realisation:
    """How a shop carries "3 for 70,000" out: a code that counts pieces, else packs; refused where neither is right."""
    if fault := _uneven(wares):
        return fault
    each = wares[0].price_minor
    off = each * offer.pieces - minor_units(offer.price, currency)
    if off <= 0:
        usual = Money(each * offer.pieces, currency).amount.normalize()
        sentence = f"{offer.pieces} pieces cost {usual:f} already: the offer takes nothing off."
        return refused(Reason(sentence, "offer_no_gain", pieces=offer.pieces, usual=usual))
    if able.counts_pieces:
        return _counted_price(offer, wares, off, each)
    return _packed(offer, able, [((ware, offer.pieces),) for ware in wares], off, currency)


def _counted_price(offer: QuantityPrice, wares: list[Ware], off: int, each: int) -> Realisation:
    """The last piece of so many is cheaper, or the last two …: the fewest that bear the whole sum evenly."""
    bears = [n for n in range(1, offer.pieces) if off % n == 0 and off // n <= each]
    if not bears:
        return refused(
            Reason(
                "The reduction cannot be laid evenly on the pieces. Choose another price for them.",
                "offer_uneven_price",
            )
        )
    get = bears[0]
    products, variants = split(wares)
    reach = Reach(variants, (), offer.pieces - get, get, products, variants, off // get, offer.times)
    told = Reason(
        f"The shop counts pieces: with {offer.pieces} in the basket it takes the difference off, "
        f"at most {offer.times} × in one order. If you change the price meanwhile, the sum changes with it.",
        "offer_counted_price", pieces=offer.pieces, times=offer.times,
    )  # fmt: skip
    put = Reason(f"The shopper puts {offer.pieces} into the basket.", "do_put_pieces", pieces=offer.pieces)
    terms = Terms(DiscountKind.BUY_GET, Decimal(100), 0, products, reach)
    return Realisation("code", told, (put, ENTER), terms, url=wares[0].url)


def _packed(
    offer: QuantityPrice | BuyGet, able: Able, contents: list[Parts], off: int, currency: str,
) -> Realisation:  # fmt: skip
    if not able.packs:
        return refused(
            Reason(
                "This shop can neither count pieces nor make packs. Offer a percentage on the goods instead.",
                "offer_no_packs",
            )
        )
    if sized := next((ware for parts in contents for ware, _ in parts if ware.sizes), None):
        return refused(Reason(
            f"{sized.title} comes in sizes, and a pack holds one of them. Name the size by its SKU.",
            "offer_name_size", product=sized.title))  # fmt: skip
    packs = tuple(_pack(parts, currency) for parts in contents)
    pieces = sum(count for _, count in contents[0])
    told = Reason(
        f"The shop cannot count pieces. We make a pack of {pieces} at the price of {pieces}, out of its catalogue, and "
        f"the personal code takes the difference off the pack alone, at most {offer.times} × in one order. "
        "Stock of the single pieces does not go down with it.",
        "offer_packed", pieces=pieces, times=offer.times,
    )  # fmt: skip
    do = Reason(
        f"The shopper must put the pack into the basket, by the link in the mail: {pieces} single pieces cost their "
        "full price, with the code too.",
        "do_take_pack", pieces=pieces,
    )  # fmt: skip
    amount = Money(off, currency).amount
    terms = Terms(DiscountKind.FIXED, amount, 0, (), Reach(times=offer.times))
    return Realisation("pack", told, (do, ENTER), terms, packs)


def _pack(parts: Parts, currency: str) -> Pack:
    price = sum(ware.price_minor * count for ware, count in parts)
    costs = [None if ware.cost_minor is None else ware.cost_minor * count for ware, count in parts]
    known = [cost for cost in costs if cost is not None]
    supply = parts[0][0].supply_days
    return Pack(
        sku="TANGGA-" + "-".join(f"{ware.external_id}X{count}" for ware, count in parts),
        title=" + ".join(f"{ware.title} ({count}×)" for ware, count in parts),
        price_minor=price,
        currency=currency,
        parts=tuple((ware.external_id, count) for ware, count in parts),
        cost_minor=sum(known) if len(known) == len(costs) else None,
        supply_days=min(supply * parts[0][1], 3650) if supply else None,
    )


def buy_get(offer: BuyGet, able: Able, goods: Goods, currency: str) -> Realisation:
    """How a shop carries "buy 10, get 1" out: a code that counts pieces, else packs of bought and free ones."""
    wares = [goods[ref] for ref in offer.products]
    got = [goods[ref] for ref in offer.get_products] or wares
    if able.counts_pieces:
        products, variants = split(wares)
        reach = Reach(variants, (), offer.buy, offer.get, *split(got), 0, offer.times)
        told = Reason(
            f"The shop counts pieces: with {offer.buy} bought, the {offer.get} cheapest of the goods to get are free, "
            f"at most {offer.times} × in one order.",
            "offer_counted_get", buy=offer.buy, get=offer.get, times=offer.times,
        )  # fmt: skip
        put = Reason(
            f"The shopper must put all {offer.buy + offer.get} into the basket; the shop adds nothing by itself.",
            "do_put_all", pieces=offer.buy + offer.get,
        )  # fmt: skip
        terms = Terms(DiscountKind.BUY_GET, Decimal(100), 0, products, reach)
        return Realisation("code", told, (put, ENTER), terms, url=wares[0].url)
    if fault := _uneven(got) or _uneven(wares):
        return fault
    contents: list[Parts] = [((ware, offer.buy + offer.get),) for ware in wares]
    if offer.get_products:
        contents = [((ware, offer.buy), (other, offer.get)) for ware in wares for other in got]
    return _packed(offer, able, contents, got[0].price_minor * offer.get, currency)


def gift(offer: Gift, able: Able, ware: Ware, currency: str) -> Realisation:
    """How a shop carries "spend so much, get a bag" out. The shopper puts the gift into the basket in any shop."""
    price = _price(ware)
    if price is None or (ware.sizes and not able.counts_pieces):
        return refused(Reason(
            f"{ware.title} comes in sizes. Name the one that is the gift by its SKU.",
            "offer_gift_size", product=ware.title))  # fmt: skip
    spend = minor_units(offer.spend, currency)
    products, variants = split([ware])
    add = Reason(
        f"The shopper must put {ware.title} into the basket; no shop adds it by itself.", "do_add_gift",
        product=ware.title,
    )  # fmt: skip
    if able.counts_pieces:
        reach = Reach((), (), 0, 1, products, variants, 0, 1)
        told = Reason("The shop gives the gift once other goods come to the sum.", "offer_counted_gift")
        return Realisation("code", told, (add, ENTER), Terms(DiscountKind.BUY_GET, Decimal(100), spend, (), reach),
                           url=ware.url)  # fmt: skip
    told = Reason(
        "The shop counts the gift's own price towards the sum, so the code asks for that much more: what is paid for "
        "other goods is what you say. If you change the gift's price meanwhile, make the campaign anew.",
        "offer_gift_by_code",
    )
    terms = Terms(DiscountKind.PERCENTAGE, Decimal(100), spend + price, products, Reach(variants=variants, times=1))
    return Realisation("code", told, (add, ENTER), terms, url=ware.url)
