"""WooCommerce: orders, customers, products, coupons and webhooks of a shop, through its REST API (wc/v3)."""

from connectors.woocommerce.store import WooStore, connect

__all__ = ["WooStore", "connect"]
