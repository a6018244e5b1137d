"""Products that mails name by their SKU, as the catalogue has them now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from campaigns.mail.blocks import Block, Product, Products
from campaigns.mail.filters import locale_of, print_money
from campaigns.mail.liquid import TemplateError
from campaigns.schema import Campaign, Wording
from connectors.types import Money


def skus(campaign: Campaign) -> list[str]:
    """All SKUs that any wording of the campaign names."""
    grids = (block for wording in campaign.message.values() for block in wording.blocks or ())
    return sorted({one.sku for grid in grids if isinstance(grid, Products) for one in grid.products if one.sku})


def stocked(
    conn: Connection,
    campaign: Campaign,
    *,
    without: str = "",
    form: str = "",
    seen: dict[Any, Any] | None = None,
) -> Campaign:
    """The campaign with its products filled in; those no longer sold are gone, and empty grids with them.

    ``without`` is a SKU to be taken for one that is gone; ``form`` is how prices are written (``en-US``), if not as in
    the mail's language; ``seen`` keeps what was read of the catalogue, for the next mail. Raises ``TemplateError``
    where nothing is left of a mail.
    """
    wanted = skus(campaign)
    if not wanted:
        return campaign
    key, seen = ("sold", *wanted), {} if seen is None else seen
    if key not in seen:
        seen[key] = conn.execute(text(_SOLD), {"skus": wanted}).all()
    found = {row.sku: row for row in seen[key] if row.sku != without}
    message = {language: _wording(wording, found, form or language) for language, wording in campaign.message.items()}
    return campaign.model_copy(update={"message": message})


_SOLD = """SELECT DISTINCT ON (sku) sku, title, price_minor, currency, image_url, url FROM product
    WHERE sku = ANY(:skus) AND active ORDER BY sku, url IS NULL, id"""


def missing(conn: Connection, campaign: Campaign) -> list[str]:
    """SKUs that no shop sells now."""
    wanted = skus(campaign)
    sold = set(conn.scalars(text("SELECT sku FROM product WHERE sku = ANY(:skus) AND active"), {"skus": wanted}))
    return [sku for sku in wanted if sku not in sold]


def _wording(wording: Wording, found: dict[str, Any], language: str) -> Wording:
    blocks: list[Block] = []
    for block in wording.blocks or ():
        if isinstance(block, Products):
            kept = tuple(one for one in (_product(row, found, language) for row in block.products) if one)
            if kept:
                blocks.append(block.model_copy(update={"products": kept}))
        else:
            blocks.append(block)
    if wording.blocks and not blocks:
        raise TemplateError("None of the products of this mail is sold any more.")
    return wording.model_copy(update={"blocks": tuple(blocks)}) if wording.blocks else wording


def _product(one: Product, found: dict[str, Any], language: str) -> Product | None:
    if not one.sku:
        return one
    row = found.get(one.sku)
    if row is None:
        return None
    price = Money(row.price_minor, row.currency).amount if row.price_minor is not None else None
    return one.model_copy(
        update={
            "title": one.title or _plain(row.title),
            "url": one.url or row.url or "",
            "image": one.image or row.image_url or "",
            "price": one.price or (print_money(price, row.currency, locale_of(language)) if price is not None else ""),
        }
    )


def _plain(title: str) -> str:
    # What a shop calls its goods is a name, never Liquid.
    return title.replace("{{", "{").replace("{%", "{")[:200]
