"""Shopify: the Admin API over GraphQL, webhooks, and the rights an app gets from a shop."""

from connectors.shopify.store import ShopifyStore, connect

__all__ = ["ShopifyStore", "connect"]
