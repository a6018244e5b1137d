"""Choosing the goods of an offer in the builder: what is chosen, and what a search found; it works without a script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from plugin_server.db.shops import goods_search
from plugin_server.db.shops.goods_search import Good
from plugin_server.web.campaigning.fields import Fields
from plugin_server.web.campaigning.offer_fields import OfferField, classes, own_fields
from plugin_server.web.words import Words

FIND: Final = "find."
"""Searches are named by their field with this in front, so that they never count as answers."""


@dataclass(frozen=True)
class Row:
    """Goods to tick. ``known`` is False for what no shop has."""

    ref: str
    title: str
    price: str = ""
    cost: str = ""
    shop: str = ""
    picture: str = ""
    sizes: int = 0
    known: bool = True
    active: bool = True
    listed: bool = True


@dataclass(frozen=True)
class Picker:
    """One field for goods: what is chosen, what was looked for, what was found and how many more there are."""

    field: OfferField
    chosen: Sequence[Row]
    find: str = ""
    found: Sequence[Row] = ()
    more: int = 0
    at: str = ""

    @property
    def box(self) -> str:
        """Its name in the page, for swapping it alone."""
        return f"{self.at}{self.field.path}".replace(".", "-")


def searching(given: Fields) -> bool:
    """Whether the form looks for goods: then Enter means the search."""
    return any(re.match(rf"([sv]\d+\.)?{FIND}", name) and value.strip() for name, value in given.items(multi=True))


def pickers(connection: Connection, given: Fields, words: Words, at: str = "") -> Mapping[str, Picker]:
    """By the path of their field; a search is made for the kind that is chosen alone.

    ``at`` stands before the names on the page: ``s2.`` for the third step of a series, ``v0.`` for the first variant.
    """
    fields = [one for kind in classes() for one in own_fields(kind) if one.shape in ("goods", "good")]
    picked = {one.path: list(dict.fromkeys(filter(None, given.getlist(one.path)))) for one in fields}
    known = goods_search.named(connection, sorted({ref for refs in picked.values() for ref in refs}))
    made = {}
    for one in fields:
        rows = [
            _row(known[ref], words, ref) if ref in known else Row(ref, ref, known=False) for ref in picked[one.path]
        ]
        find = " ".join(given.get(FIND + one.path, "").split())[:100]
        wish = find if one.kind == given.get("offer.kind") else ""
        found = goods_search.found(connection, wish, without=picked[one.path])
        made[one.path] = Picker(one, rows, find, [_row(good, words) for good in found.goods], found.more, at)
    return made


def _row(good: Good, words: Words, ref: str = "") -> Row:
    low, high = (words.money(minor, good.currency) for minor in (good.low_minor, good.high_minor))
    cost = "" if good.cost_minor is None else words.money(good.cost_minor, good.currency)
    price = low if low == high else f"{low} – {high}"
    return Row(
        ref or good.ref, good.title, price, cost, good.shop, good.picture, good.sizes, active=good.active,
        listed=good.listed,
    )  # fmt: skip
