"""Products, categories and reviews come in as sets; what did not change is not written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, text

from connectors.types import Category, Product, Review
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.staging import array, cut, put, sheet, take_turn

PRODUCT = (
    "external_id text NOT NULL", "parent_external_id text", "sku text", "title text NOT NULL", "price_minor bigint",
    "currency text NOT NULL", "unit_cost_minor bigint", "days_of_supply int", "category_ids text[]", "image_url text",
    "url text", "active boolean", "listed boolean", "provider_updated_at timestamptz",
)  # fmt: skip
CATEGORY = ("external_id text NOT NULL", "name text NOT NULL", "parent_external_id text")
REVIEW = (
    "external_id text NOT NULL", "email_norm text NOT NULL", "rating int", "text text NOT NULL", "approved boolean",
    "written_at timestamptz", "customer_id bigint",
)  # fmt: skip

Thing = TypeVar("Thing", Product, Category, Review)


def ingest_products(
    connection: Connection, *, merchant_id: int, store_id: int, products: Iterable[Product], now: datetime
) -> Ingested:
    """Bring in products. Cost and days of supply typed in by the owner stay where the store tells none."""
    rows = [
        (
            product.external_id[:200], cut(product.parent_external_id, 200), cut(product.sku),
            cut(product.title) or product.external_id[:200], product.price_minor, product.currency,
            product.unit_cost_minor, product.days_of_supply, array(product.category_ids), cut(product.image_url, 2000),
            cut(product.url, 2000), product.active, product.listed,
            product.updated_at,
        )
        for product in _last(products)
    ]  # fmt: skip
    take_turn(connection, merchant_id)
    put(connection, sheet("in_product", PRODUCT, rows))
    keep = {name: f"coalesce(excluded.{name}, product.{name})" for name in ("unit_cost_minor", "days_of_supply")}
    older = "AND (excluded.provider_updated_at >= product.provider_updated_at) IS NOT FALSE"
    done = _upsert(connection, "product", PRODUCT, merchant_id, store_id, keep=keep, unless=older, stamp=now)
    return _counted(len(rows), done)


def ingest_categories(
    connection: Connection, *, merchant_id: int, store_id: int, categories: Iterable[Category]
) -> Ingested:
    """Bring in categories."""
    rows = [
        (c.external_id[:200], cut(c.name) or c.external_id, cut(c.parent_external_id, 200)) for c in _last(categories)
    ]
    take_turn(connection, merchant_id)
    put(connection, sheet("in_category", CATEGORY, rows))
    return _counted(len(rows), _upsert(connection, "category", CATEGORY, merchant_id, store_id))


def ingest_reviews(
    connection: Connection, *, merchant_id: int, store_id: int, reviews: Iterable[Review], now: datetime
) -> Ingested:
    """Bring in reviews; each counts for the customer whose address wrote it, now or once that customer is known."""
    rows = [
        (
            review.external_id[:200], review.email.strip().lower()[:254], review.rating or None,
            cut(review.text, 10_000) or "", review.approved, review.created_at, None,
        )
        for review in _last(reviews)
    ]  # fmt: skip
    take_turn(connection, merchant_id)
    put(connection, sheet("in_testimonial", REVIEW, rows))
    connection.execute(
        text(
            "UPDATE in_testimonial t SET customer_id = c.id FROM customer c "
            "WHERE c.merchant_id = :merchant AND c.email_norm = t.email_norm AND c.merged_into IS NULL"
        ),
        {"merchant": merchant_id},
    )
    keep = {"customer_id": "coalesce(excluded.customer_id, testimonial.customer_id)"}
    done = _upsert(connection, "testimonial", REVIEW, merchant_id, store_id, keep=keep, stamp=now, gives="customer_id")
    return _counted(len(rows), done)


def _upsert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    merchant_id: int,
    store_id: int,
    *,
    keep: dict[str, str] | None = None,
    unless: str = "",
    stamp: datetime | None = None,
    gives: str = "NULL",
) -> Sequence[Any]:
    """Insert or update ``table`` from ``in_<table>`` by (store, external id); gives a row for each one written."""
    names = [column.split()[0] for column in columns]
    new = {name: (keep or {}).get(name, f"excluded.{name}") for name in names}
    stamped = ", synced_at = :now" if stamp else ""
    statement = f"""
        INSERT INTO {table} (merchant_id, store_id, {", ".join(names)} {", synced_at" if stamp else ""})
        SELECT :merchant, :store, {", ".join(names)} {", :now" if stamp else ""} FROM in_{table} ORDER BY external_id
        ON CONFLICT (store_id, external_id) DO UPDATE
            SET {", ".join(f"{name} = {value}" for name, value in new.items())} {stamped}
            WHERE ({", ".join(f"{table}.{name}" for name in names)})
                IS DISTINCT FROM ({", ".join(new.values())}) {unless}
        RETURNING xmax = 0 AS created, {gives} AS person"""
    values = {"merchant": merchant_id, "store": store_id, "now": stamp}
    return connection.execute(text(statement), values).all()


def _counted(seen: int, rows: Sequence[Any]) -> Ingested:
    created = sum(row.created for row in rows)
    people = {row.person for row in rows if row.person is not None}
    return Ingested(seen, created, len(rows) - created, seen - len(rows), sorted(people))


def _last(things: Iterable[Thing]) -> list[Thing]:
    return list({thing.external_id: thing for thing in things}.values())
