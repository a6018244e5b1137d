"""Ready campaigns that name goods, filled with the shop's own: best sellers, what is ordered again, what goes along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, text

from campaigns.offers.margin import Trade, judge
from campaigns.offers.offer import Offer
from campaigns.recipes import YOURS
from connectors.types import Money
from plugin_server.db.campaigning import recipe_goods
from plugin_server.db.campaigning.recipe_goods import Selling
from plugin_server.db.offers import codes as offers
from plugin_server.jobs.campaigning import realising

_OFFER: Final[TypeAdapter[Any]] = TypeAdapter(Offer)
OFF: Final = 93
"""Three for 93 % of their price: 25,000 each, 70,000 for three."""
LARGER: Final = 130
"""A gift for a basket a third above the usual one."""
SMALL: Final = 15
"""A gift is worth at most so many percent of its basket."""
MOST_TRIES: Final = 25


@dataclass(frozen=True, slots=True)
class Chosen:
    """Goods that stand where the recipe has a place for them; ``why``: best, again, along, members or new."""

    why: str
    titles: tuple[str, ...]
    refs: tuple[str, ...]


Choice = tuple[dict[str, Any], Chosen]


def filled(conn: Connection, document: Mapping[str, Any], now: datetime) -> tuple[dict[str, Any], Chosen | None]:
    """The recipe with goods of the shop in its places, prices in its own money, and what was chosen.

    Unchanged, with None, where it has no place for goods or the shop has none that would do.
    """
    offer = document.get("offer") or {}
    if YOURS not in (offer.get("product"), *(offer.get("products") or ())):
        return dict(document), None
    early, tried = offer["kind"] == "early_access", 0
    goods = [one for one in recipe_goods.selling(conn) if one.listed is not early]
    usual = offers.trade(conn, now)
    for changes, chosen in _CHOICES[offer["kind"]](goods, conn, now):
        made = {**offer, **changes}
        if _works(conn, made, now, usual):
            return {**document, "offer": made}, chosen
        if (tried := tried + 1) == MOST_TRIES:
            break
    return dict(document), None


def _works(conn: Connection, offer: Mapping[str, Any], now: datetime, usual: Trade) -> bool:
    """Whether every shop that could give it can, and something is left of it."""
    try:
        made = _OFFER.validate_python(offer)
    except ValidationError:
        return False
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    shops = realising.in_shops(conn, made)
    possible = not shops or any(not shop.realisation.refused for shop in shops)
    return possible and judge(made, currency, offers.trade(conn, now, made, usual)).ok


def _best(goods: Sequence[Selling], conn: Connection, _: datetime) -> Iterator[Choice]:
    for one in goods:
        price = round_sum(3 * one.price_minor * OFF // 100)
        if price < 3 * one.price_minor:
            yield {"products": [one.ref], "price": _major(conn, price)}, _chosen("best", one)


def _again(goods: Sequence[Selling], _: Connection, __: datetime) -> Iterator[Choice]:
    for one in sorted(goods, key=lambda one: -one.again):
        yield {"products": [one.ref]}, _chosen("again", one)


def _along(goods: Sequence[Selling], conn: Connection, now: datetime) -> Iterator[Choice]:
    usual = offers.trade(conn, now).average_order_minor or max((one.price_minor for one in goods), default=0) * 2
    spend = round_sum(usual * LARGER // 100)
    small = [one for one in goods if one.price_minor * 100 <= spend * SMALL]
    others = sorted((one for one in goods if one not in small), key=lambda one: one.price_minor)
    for one in (*sorted(small, key=lambda one: -one.beside), *others):
        larger = max(spend, round_sum(one.price_minor * 100 // SMALL))
        yield {"product": one.ref, "spend": _major(conn, larger)}, _chosen("along", one)


def _members(goods: Sequence[Selling], _: Connection, __: datetime) -> Iterator[Choice]:
    for many in (3, 1):
        for start in range(len(goods) - many + 1):
            some = goods[start : start + many]
            yield {"products": [one.ref for one in some]}, _chosen("members", *some)


def _new(goods: Sequence[Selling], _: Connection, __: datetime) -> Iterator[Choice]:
    for one in sorted(goods, key=lambda one: one.rank):
        yield {"products": [one.ref]}, _chosen("new", one)


_CHOICES: Final[dict[str, Callable[[Sequence[Selling], Connection, datetime], Iterable[Choice]]]] = {
    "quantity_price": _best, "buy_get": _again, "gift": _along, "member_only": _members, "early_access": _new,
}  # fmt: skip


def _chosen(why: str, *goods: Selling) -> Chosen:
    return Chosen(why, tuple(one.title for one in goods), tuple(one.ref for one in goods))


def round_sum(minor: int) -> int:
    """A sum as a price tag has it, with two figures that count: 69,750 is 70,000, and 2,017 is 2,000."""
    unit = int(10 ** max(len(str(minor)) - 2, 0))
    return (minor + unit // 2) // unit * unit


def _major(conn: Connection, minor: int) -> str:
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    return str(Money(minor, currency).as_json()["amount"])
