"""Starts PostgreSQL and Valkey out of their wheels, and the product's own processes beside them."""
