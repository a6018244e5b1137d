"""What the shop makes of the product fields it is sent: new products, and changes of those that are there."""

from __future__ import annotations

import re

from plugin_server.demo.shop.answers import JsonObject, RestError, not_one_of
from plugin_server.demo.shop.coupon_writing import read_amount
from plugin_server.demo.shop.meta_writing import write_meta
from plugin_server.demo.shop.model import Product
from plugin_server.demo.shop.state import ShopState

VISIBILITIES = ("visible", "catalog", "search", "hidden")
STATUSES = ("draft", "pending", "private", "publish", "future", "auto-draft", "trash")
_COPIED = ("tax_status", "tax_class", "shipping_class", "weight", "virtual", "reviews_allowed")


class ProductWriter:
    """Writes the products of one shop and tells the webhooks."""

    def __init__(self, shop: ShopState) -> None:
        self._shop = shop

    def create(self, given: JsonObject) -> Product:
        """A new simple product. A SKU that another product bears is refused, whoever that is."""
        now = self._shop.now()
        name = str(given.get("name") or "Product")
        sku = str(given.get("sku") or "")
        self._free(sku, 0)
        made = Product(self._shop.next_id(), name, self._slug(name), sku, read_amount(0), now, now)
        made.price = made.regular_price = read_amount(given.get("regular_price") or 0)
        self._fill(made, given)
        self._shop.save(made)
        self._shop.tell("product.created", made.id)
        return made

    def update(self, product: Product, given: JsonObject) -> Product:
        """Change a product or variation; ``product.updated`` carries its own id."""
        if "sku" in given:
            self._free(str(given["sku"]), product.id)
            product.sku = str(given["sku"])
        if given.get("regular_price") is not None:
            product.price = product.regular_price = read_amount(given["regular_price"])
        self._fill(product, given)
        product.modified = self._shop.now()
        self._shop.save(product)
        self._shop.tell("product.updated", product.id)
        return product

    def _fill(self, product: Product, given: JsonObject) -> None:
        for name, choices in (("status", STATUSES), ("catalog_visibility", VISIBILITIES)):
            if name in given and given[name] not in choices:
                raise not_one_of(name, name, choices)
        product.name = str(given.get("name", product.name))
        product.status = str(given.get("status", product.status))
        product.visibility = str(given.get("catalog_visibility", product.visibility))
        product.short_description = str(given.get("short_description", product.short_description))
        if given.get("sale_price"):
            product.price = product.sale_price = read_amount(given["sale_price"])
        elif "sale_price" in given:
            product.sale_price = None
            product.price = product.price if product.regular_price is None else product.regular_price
        product.facts |= {name: given[name] for name in _COPIED if name in given}
        write_meta(self._shop, product.meta, given.get("meta_data"), hidden=True)

    def _free(self, sku: str, own: int) -> None:
        taken = [one for one in self._shop.products.values() if sku and one.sku == sku and one.status != "trash"]
        if taken and taken[0].id != own:
            raise RestError(
                400, "product_invalid_sku", "Invalid or duplicated SKU.", resource_id=taken[0].id, unique_sku=f"{sku}-1"
            )

    def _slug(self, name: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "product"
        held = {one.slug for one in self._shop.products.values()}
        return next(one for one in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if one not in held)
