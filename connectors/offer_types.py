"""What offers need of a shop beyond a plain code: codes that count pieces, and packs made of its goods."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """On which goods a code works beside ``CodeSpec.product_external_ids``, and how often in one order.

    ``buy`` and ``get`` (pieces) are for codes of the kind BUY_GET: of what is bought (the code's own products and
    variants, all goods with none) so many, or goods for the code's minimum with ``buy`` 0; of ``get_products`` and
    ``get_variants`` so many more for less: ``each_minor`` off each of them, or the code's percentage with 0.
    ``times`` is how often in one order; with 0 the shop's own rule holds.
    """

    variants: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    buy: int = 0
    get: int = 0
    get_products: tuple[str, ...] = ()
    get_variants: tuple[str, ...] = ()
    each_minor: int = 0
    times: int = 0


EVERYTHING = Reach()
"""All goods, as often as the shop's own rule lets it."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A product that holds several pieces of others, found again by its ``sku``. Prices are without any discount.

    ``parts`` are (product's external id, pieces); cost and days of supply are those of all pieces together.
    """

    sku: str
    title: str
    price_minor: int
    currency: str
    parts: tuple[tuple[str, int], ...]
    cost_minor: int | None = None
    supply_days: int | None = None


@dataclass(frozen=True, slots=True)
class PackResult:
    """What became of a pack: the shop has it exactly so (``external_id``, ``url``), or not, with the reason."""

    sku: str
    external_id: str | None
    url: str | None = None
    error: str | None = None
