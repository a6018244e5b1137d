"""What the shop sells and what people say of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from connectors.types import Category, Product, Review
from plugin_server.db.ingest.catalogue import ingest_categories, ingest_products, ingest_reviews
from plugin_server.db.ingest.counts import Ingested
from tests.data.making import DAY, NOW, Shop, account


def _product(**told: Any) -> Product:
    return Product(**({"external_id": "1", "title": "Kopi", "price_minor": 100, "currency": "IDR"} | told))


def _products(shop: Shop, *products: Product) -> Ingested:
    return shop.do(
        lambda c: ingest_products(c, merchant_id=shop.merchant, store_id=shop.store, products=products, now=NOW)
    )


def _reviews(shop: Shop, *reviews: Review) -> Ingested:
    return shop.do(
        lambda c: ingest_reviews(c, merchant_id=shop.merchant, store_id=shop.store, reviews=reviews, now=NOW)
    )


def _review(email: str, approved: bool = True) -> Review:
    return Review("r1", "1", email, 5, "Enak", DAY, approved)


def test_a_product_is_created_updated_and_left_alone(shop: Shop) -> None:
    assert _products(shop, _product()).created == 1
    assert _products(shop, _product()).unchanged == 1
    assert _products(shop, _product(price_minor=120)).updated == 1
    assert shop.rows("SELECT title, price_minor FROM product") == [("Kopi", 120)]


def test_an_older_product_is_refused(shop: Shop) -> None:
    _products(shop, _product(updated_at=DAY))
    assert _products(shop, _product(price_minor=1, updated_at=DAY - timedelta(hours=1))).unchanged == 1


def test_a_cost_that_the_store_does_not_tell_stays(shop: Shop) -> None:
    _products(shop, _product(unit_cost_minor=40, days_of_supply=30))
    _products(shop, _product(title="Kopi 2"))
    assert shop.rows("SELECT title, unit_cost_minor, days_of_supply FROM product") == [("Kopi 2", 40, 30)]


def test_categories_come_in_by_name(shop: Shop) -> None:
    things = [Category("1", "Biji"), Category("2", "Robusta", "1")]
    done = shop.do(lambda c: ingest_categories(c, merchant_id=shop.merchant, store_id=shop.store, categories=things))
    assert done.created == 2
    assert shop.rows("SELECT name, parent_external_id FROM category ORDER BY id") == [("Biji", None), ("Robusta", "1")]


def test_a_review_counts_for_the_customer_who_wrote_it(shop: Shop) -> None:
    (person,) = shop.know(account()).touched or []
    assert _reviews(shop, _review("ANI@example.com")).touched == [person]


def test_a_review_finds_its_writer_later(shop: Shop) -> None:
    _reviews(shop, _review("ani@example.com"))
    (person,) = shop.know(account()).touched or []
    assert shop.rows("SELECT customer_id, approved, rating FROM testimonial") == [(person, True, 5)]
