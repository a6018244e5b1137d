"""WooCommerce, by its REST API v3 and webhooks."""
