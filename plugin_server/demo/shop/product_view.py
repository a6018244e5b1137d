"""The fields of products and variations that never differ in this shop."""

from __future__ import annotations

from plugin_server.demo.shop.answers import JsonObject

_COMMON: JsonObject = {
    "description": "",
    "date_on_sale_from": None,
    "date_on_sale_from_gmt": None,
    "date_on_sale_to": None,
    "date_on_sale_to_gmt": None,
    "purchasable": True,
    "virtual": False,
    "downloadable": False,
    "downloads": [],
    "download_limit": -1,
    "download_expiry": -1,
    "tax_status": "taxable",
    "tax_class": "",
    "manage_stock": False,
    "stock_quantity": None,
    "stock_status": "instock",
    "backorders": "no",
    "backorders_allowed": False,
    "backordered": False,
    "low_stock_amount": None,
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "shipping_class": "",
    "shipping_class_id": 0,
    "menu_order": 0,
    "global_unique_id": "",
}

FIXED_FACTS: JsonObject = {
    **_COMMON,
    "featured": False,
    "catalog_visibility": "visible",
    "total_sales": 0,
    "external_url": "",
    "button_text": "",
    "sold_individually": False,
    "shipping_required": True,
    "shipping_taxable": True,
    "reviews_allowed": True,
    "average_rating": "0.00",
    "rating_count": 0,
    "upsell_ids": [],
    "cross_sell_ids": [],
    "purchase_note": "",
    "brands": [],
    "tags": [],
    "images": [],
    "default_attributes": [],
    "grouped_products": [],
    "price_html": "",
    "related_ids": [],
    "post_password": "",
}

VARIATION_FACTS: JsonObject = {**_COMMON, "image": None}

# Asked for as a product, a variation counts its sales in text.
VARIATION_AS_PRODUCT: JsonObject = {"total_sales": "0", "reviews_allowed": False}
