"""Goods that an offer names, as one shop has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ware:
    """A product, or one size of it (then ``parent`` is the product's number). Prices in minor units of the shop.

    ``ref`` is how the offer calls it. ``sizes`` are the prices of its sizes where it has several and none is meant.
    ``listed`` goods stand in the shop's catalogue, others are found by their link alone.
    """

    ref: str
    external_id: str
    title: str
    price_minor: int
    cost_minor: int | None = None
    parent: str | None = None
    sizes: tuple[int, ...] = ()
    url: str | None = None
    active: bool = True
    supply_days: int | None = None
    categories: tuple[str, ...] = ()
    listed: bool = True
