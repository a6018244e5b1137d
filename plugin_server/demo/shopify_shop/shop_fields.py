"""The shop itself, its goods, and what is looked up by global id, as the schema shows them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from plugin_server.demo.shopify_shop.connections import listed
from plugin_server.demo.shopify_shop.fields import Context, View, field_of, fields, money
from plugin_server.demo.shopify_shop.gids import DISCOUNT_NODES, gid, number, parsed
from plugin_server.demo.shopify_shop.lists import Catalogue, connection, found
from plugin_server.demo.shopify_shop.metafield_fields import hung_on
from plugin_server.demo.shopify_shop.model import Product, Variant
from plugin_server.demo.shopify_shop.order_fields import counted, order_by_gid
from plugin_server.demo.shopify_shop.search import Searchable
from plugin_server.demo.shopify_shop.state import ShopState

PRODUCTS = Catalogue(
    "products",
    lambda shop: shop.products.values(),
    lambda _shop: {
        "id": Searchable("number", lambda product: product.id),
        "title": Searchable("text", lambda product: product.title),
        "handle": Searchable("text", lambda product: product.handle),
        "status": Searchable("states", lambda product: [product.status]),
        "product_type": Searchable("text", lambda product: product.product_type),
        "vendor": Searchable("text", lambda product: product.vendor),
        "tag": Searchable("words", lambda product: product.tags),
        "created_at": Searchable("time", lambda product: product.created_at),
        "updated_at": Searchable("time", lambda product: product.updated_at),
        "collection_id": Searchable("words", lambda product: product.collection_ids),
    },
    {
        "ID": lambda product: product.id,
        "TITLE": lambda product: product.title,
        "CREATED_AT": lambda product: product.created_at,
        "UPDATED_AT": lambda product: product.updated_at,
    },
)
COLLECTIONS = Catalogue(
    "collections",
    lambda shop: shop.collections.values(),
    lambda _shop: {
        "id": Searchable("number", lambda one: one.id),
        "title": Searchable("text", lambda one: one.title),
        "handle": Searchable("text", lambda one: one.handle),
        "updated_at": Searchable("time", lambda one: one.updated_at),
    },
    {"ID": lambda one: one.id, "TITLE": lambda one: one.title, "UPDATED_AT": lambda one: one.updated_at},
)
VARIANTS = Catalogue(
    "productVariants",
    lambda shop: shop.variants.values(),
    lambda shop: {
        "id": Searchable("number", lambda one: one.id),
        "sku": Searchable("text", lambda one: one.sku),
        "title": Searchable("text", lambda one: one.title),
        "product_id": Searchable("number", lambda one: one.product_id),
        "updated_at": Searchable("time", lambda one: shop.products[one.product_id].updated_at),
    },
    {"ID": lambda one: one.id, "TITLE": lambda one: one.title, "SKU": lambda one: one.sku or ""},
)


def _offset_minutes(shop: ShopState) -> int:
    offset = shop.now().astimezone(ZoneInfo(shop.zone)).utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


fields(
    "QueryRoot",
    {
        "shop": lambda _root, context: context.shop,
        "storeCreditConfiguration": lambda _root, context: {"storeCreditEnabled": context.shop.store_credit},
        "products": lambda _root, context, savedSearchId=None, **args: connection(PRODUCTS, context, **args),
        "product": lambda _root, context, id: context.shop.products.get(number(id, "Product") or 0),
        "productVariants": lambda _root, context, savedSearchId=None, **args: connection(VARIANTS, context, **args),
        "productVariant": lambda _root, context, id: context.shop.variants.get(number(id, "ProductVariant") or 0),
        "productsCount": lambda _root, context, query=None, limit=10_000, savedSearchId=None: counted(
            len(found(PRODUCTS, context, query)), limit
        ),
        "collections": lambda _root, context, savedSearchId=None, **args: connection(COLLECTIONS, context, **args),
        "collection": lambda _root, context, id: context.shop.collections.get(number(id, "Collection") or 0),
        "node": lambda _root, context, id: node(context, id),
        "nodes": lambda _root, context, ids: [node(context, id) for id in ids],
    },
)


fields("Metafield", {"owner": lambda one, context: node(context, one.owner)})


@field_of("QueryRoot", "currentAppInstallation")
def _installation(_root: object, context: Context) -> dict[str, Any]:
    return {
        "id": gid("AppInstallation", 1),
        "accessScopes": [{"handle": scope} for scope in sorted(context.shop.grants.scopes)],
        "launchUrl": f"{context.shop.base}/admin/apps/tangga",
        "activeSubscriptions": [],
        "app": {"id": gid("App", 1), "handle": "tangga", "title": "Tangga"},
    }


fields(
    "Shop",
    {
        "id": lambda shop, _: gid("Shop", shop.shop_id),
        "myshopifyDomain": lambda shop, _: shop.domain,
        "primaryDomain": lambda shop, _: {"host": shop.domain, "url": f"https://{shop.domain}"},
        "contactEmail": lambda shop, _: shop.email,
        "currencyCode": lambda shop, _: shop.currency,
        "enabledPresentmentCurrencies": lambda shop, _: [shop.currency],
        "ianaTimezone": lambda shop, _: shop.zone,
        "timezoneOffsetMinutes": lambda shop, _: _offset_minutes(shop),
        "taxesIncluded": lambda _shop, _: True,
        "createdAt": lambda shop, _: shop.opened,
        "url": lambda shop, _: f"https://{shop.domain}",
        "shopAddress": lambda _shop, _: {"countryCodeV2": "ID", "country": "Indonesia"},
        "features": lambda _shop, _: {"storefront": True},
        "customerAccountsV2": lambda shop, _: {
            "customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS", "loginRequiredAtCheckout": False,
            "url": f"https://{shop.domain}/account",
        },
    },
)  # fmt: skip


def node(context: Context, id: str) -> Any:
    """Whatever has that global id, None where it is gone."""
    kind, at = parsed(id) or ("", 0)
    shop = context.shop
    if kind == "Order":
        return order_by_gid(context, id)
    if kind in DISCOUNT_NODES:
        discount = shop.discounts.get(at)
        right = discount is not None and kind != f"Discount{'Code' if discount.automatic else 'Automatic'}Node"
        return View(kind, discount) if right else None
    if kind == "Shop":
        return shop if at == shop.shop_id else None
    if kind == "ProductVariant":
        return shop.variants.get(at)
    shelves = {"Customer": "Customer", "Product": "Product", "Collection": "Collection", "Metafield": "Metafield",
               "BulkOperation": "BulkOperation", "WebhookSubscription": "Subscription",
               "MarketingActivity": "Activity", "AbandonedCheckout": "Checkout"}  # fmt: skip
    return shop.shelf(shelves[kind]).get(at) if kind in shelves else None


fields(
    "Product",
    {
        "id": lambda product, _: gid("Product", product.id),
        "legacyResourceId": lambda product, _: product.id,
        "descriptionHtml": lambda product, _: f"<p>{product.description}</p>",
        "description": lambda product, _, truncateAt=None: product.description[:truncateAt],
        "onlineStoreUrl": lambda product, context: (
            f"{context.shop.base}/products/{product.handle}" if product.sold else None
        ),
        "isGiftCard": lambda _product, _: False,
        "featuredMedia": lambda _product, _: None,
        "totalInventory": lambda product, _: sum(variant.stock for variant in product.variants),
        "publishedAt": lambda product, _: product.created_at if product.sold else None,
        "category": lambda _product, _: None,
        "collections": lambda product, context, **args: listed(
            [context.shop.collections[id] for id in product.collection_ids if id in context.shop.collections], args,
            bulk=context.bulk,
        ),
        "variants": lambda product, context, **args: listed(product.variants, args, bulk=context.bulk),
        **hung_on("Product"),
        "priceRangeV2": lambda product, context: {
            "minVariantPrice": money(context, min(one.price for one in product.variants)),
            "maxVariantPrice": money(context, max(one.price for one in product.variants)),
        },
    },
)  # fmt: skip


def _product(variant: Variant, context: Context) -> Product:
    return context.shop.products[variant.product_id]


def _changed(variant: Variant, context: Context) -> datetime:
    return _product(variant, context).updated_at


def _cost(variant: Variant, context: Context) -> dict[str, Any] | None:
    return money(context, variant.unit_cost) if variant.unit_cost is not None else None


def _two_places(amount: Decimal) -> str:
    return f"{amount:.2f}"


fields(
    "ProductVariant",
    {
        "id": lambda variant, _: gid("ProductVariant", variant.id),
        "legacyResourceId": lambda variant, _: variant.id,
        "displayName": lambda variant, context: f"{_product(variant, context).title} - {variant.title}",
        "barcode": lambda _variant, _: None,
        "price": lambda variant, _: _two_places(variant.price),
        "compareAtPrice": lambda _variant, _: None,
        "availableForSale": lambda variant, _: variant.stock > 0,
        "inventoryQuantity": lambda variant, _: variant.stock,
        "createdAt": lambda variant, context: _product(variant, context).created_at,
        "updatedAt": _changed,
        "product": _product,
        "selectedOptions": lambda variant, _: [
            {"name": "Title" if variant.title == "Default Title" else "Ukuran", "value": variant.title}
        ],
        "inventoryItem": lambda variant, _: View("InventoryItem", variant),
        **hung_on("ProductVariant"),
        "image": lambda _variant, _, **_size: None,
    },
)
fields(
    "InventoryItem",
    {
        "id": lambda variant, _: gid("InventoryItem", variant.id),
        "legacyResourceId": lambda variant, _: variant.id,
        "unitCost": _cost,
        "tracked": lambda _variant, _: True,
        "updatedAt": _changed,
    },
)
fields(
    "Collection",
    {
        "id": lambda one, _: gid("Collection", one.id),
        "legacyResourceId": lambda one, _: one.id,
        "productsCount": lambda one, context: counted(
            sum(one.id in product.collection_ids for product in context.shop.products.values()), None
        ),
        "products": lambda one, context, sortKey=None, **args: listed(
            [product for product in context.shop.products.values() if one.id in product.collection_ids], args,
            bulk=context.bulk,
        ),
    },
)  # fmt: skip
