"""What the shop says of itself: the index of the REST API, its status, settings and currency."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response

from plugin_server.demo.shop.answers import Answer, JsonObject, RestError
from plugin_server.demo.shop.routes import V3, floor, response, rest
from plugin_server.demo.shop.state import ShopState

site = Blueprint("site", __name__)
_CURRENCIES = {
    "IDR": ("Indonesian rupiah", "Rp"),
    "EUR": ("Euro", "&euro;"),
    "USD": ("United States (US) dollar", "&#36;"),
}
_ROUTES = (
    "orders", "orders/(?P<id>[\\d]+)", "refunds", "customers", "customers/batch", "products", "products/categories",
    "products/reviews", "coupons", "coupons/batch", "webhooks", "system_status", "settings/general", "data/currencies",
)  # fmt: skip


@site.route("/wp-json/")
def index() -> Response:
    """Namespaces, name and time zone: readable without a key."""
    shop = floor().shop
    offset = (shop.now().astimezone(shop.zone).utcoffset() or timedelta()).total_seconds() / 3600
    return response(
        Answer(
            {
                "name": shop.name,
                "description": "",
                "url": shop.base,
                "home": shop.base,
                "gmt_offset": int(offset) if offset == int(offset) else offset,
                "timezone_string": shop.zone.key,
                "page_for_posts": 0,
                "page_on_front": 0,
                "show_on_front": "posts",
                "namespaces": ["oembed/1.0", "wc/v3", "wc/v2", "wc/store/v1", "wp/v2"],
                "authentication": {},
                "site_logo": 0,
                "site_icon": 0,
                "site_icon_url": "",
                "_links": {"help": [{"href": "https://developer.wordpress.org/rest-api/"}]},
                "routes": [V3.removeprefix("/wp-json"), *(f"/wc/v3/{route}" for route in _ROUTES)],
            }
        )
    )


@rest(site, "GET", "", "view")
def namespace() -> Answer:
    """The routes of wc/v3."""
    return Answer({"namespace": "wc/v3", "routes": ["/wc/v3", *(f"/wc/v3/{route}" for route in _ROUTES)]})


@rest(site, "GET", "/system_status", "view")
def system_status() -> Answer:
    """Versions, money settings, and where orders are stored."""
    shop = floor().shop
    store = "WC_Order_Data_Store_CPT" if shop.legacy else (
        "Automattic\\WooCommerce\\Internal\\DataStores\\Orders\\OrdersTableDataStore"
    )  # fmt: skip
    return Answer(
        {
            "environment": _environment(shop),
            "settings": {
                "api_enabled": False,
                "force_ssl": False,
                "currency": shop.currency,
                "currency_symbol": _CURRENCIES.get(shop.currency, ("", shop.currency))[1],
                "currency_position": "left",
                "thousand_separator": ".",
                "decimal_separator": ",",
                "number_of_decimals": shop.decimals,
                "geolocation_enabled": False,
                "taxonomies": {"simple": "simple", "variable": "variable"},
                "order_datastore": store,
                "HPOS_enabled": not shop.legacy,
                "HPOS_sync_enabled": False,
            },
            "database": {"wc_database_version": shop.woocommerce},
            "security": {"secure_connection": shop.base.startswith("https"), "hide_errors": True},
            "theme": {"name": "Senja", "version": "1.0"},
            "active_plugins": [
                {"plugin": "woocommerce/woocommerce.php", "name": "WooCommerce", "version": shop.woocommerce}
            ],
        }
    )


def _environment(shop: ShopState) -> JsonObject:
    return {
        "home_url": shop.base,
        "site_url": shop.base,
        "store_id": "9a6e4a9e-2d0b-4a55-9a33-5b0f5e3b7d10",
        "version": shop.woocommerce,
        "wp_version": "6.8.8",
        "wp_multisite": False,
        "wp_debug_mode": False,
        "wp_cron": True,
        "wp_environment_type": "production",
        "language": "id_ID",
        "php_version": "8.2.36",
        "default_timezone": "UTC",
    }


def _settings(shop: ShopState) -> dict[str, tuple[str, str, str, str]]:
    """The general settings by id: label, type, default, value."""
    return {
        "woocommerce_store_address": ("Address line 1", "text", "", "Jl. Melati 5"),
        "woocommerce_store_city": ("City", "text", "", "Jakarta"),
        "woocommerce_default_country": ("Country / State", "select", "US:CA", "ID:JK"),
        "woocommerce_calc_taxes": ("Enable taxes", "checkbox", "no", "yes" if shop.tax_rate else "no"),
        "woocommerce_enable_coupons": ("Enable coupons", "checkbox", "yes", "yes"),
        "woocommerce_currency": ("Currency", "select", "USD", shop.currency),
        "woocommerce_price_thousand_sep": ("Thousand separator", "text", ",", "."),
        "woocommerce_price_decimal_sep": ("Decimal separator", "text", ".", ","),
        "woocommerce_price_num_decimals": ("Number of decimals", "number", "2", str(shop.decimals)),
    }


def _setting(shop: ShopState, id: str) -> JsonObject:
    label, kind, default, value = _settings(shop)[id]
    root = f"{shop.base}{V3}/settings/general"
    return {
        "id": id,
        "label": label,
        "description": label,
        "type": kind,
        "default": default,
        "tip": label,
        "value": value,
        "_links": {
            "self": [{"href": f"{root}/{id}", "targetHints": {"allow": ["GET", "POST", "PUT", "PATCH"]}}],
            "collection": [{"href": root}],
        },
    }


@rest(site, "GET", "/settings/general", "view")
def general_settings() -> Answer:
    """Address, currency, decimals."""
    shop = floor().shop
    return Answer([_setting(shop, id) for id in _settings(shop)])


@rest(site, "GET", "/settings/general/<id>", "view")
def general_setting(id: str) -> Answer:
    """One of them."""
    shop = floor().shop
    if id not in _settings(shop):
        raise RestError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return Answer({**_setting(shop, id), "group_id": "general"})


@rest(site, "GET", "/data/currencies/current", "view")
def current_currency() -> Answer:
    """The currency of the shop."""
    shop = floor().shop
    name, symbol = _CURRENCIES.get(shop.currency, (shop.currency, shop.currency))
    root = f"{shop.base}{V3}/data/currencies"
    found = {"self": [{"href": f"{root}/{shop.currency}", "targetHints": {"allow": ["GET"]}}],
             "collection": [{"href": root}]}  # fmt: skip
    return Answer({"code": shop.currency, "name": name, "symbol": symbol, "_links": found})
