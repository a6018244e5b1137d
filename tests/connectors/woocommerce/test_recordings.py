"""Everything a real WooCommerce said while it was recorded, through our mapping. Skipped without recordings."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import BadPayload, BadSignature
from connectors.signatures import verify_hmac
from connectors.types import OrderStatus, StoreEventKind
from connectors.woocommerce import catalog_mapping, mapping, webhooks
from connectors.woocommerce.coupon_terms import MARK
from tests.conftest import shared

RECORDED = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)
VERSIONS = ["recordings", "recordings-legacy-10.0.2"]


def answers(version: str, folder: str, pattern: str) -> list[tuple[str, Any]]:
    """(name, body) of all good recorded answers."""
    found: list[tuple[str, Any]] = []
    for path in sorted(shared("contracts", "woocommerce", version, folder).glob(pattern)):
        data = json.loads(path.read_text())
        response = data.get("response") if isinstance(data, dict) else None
        if isinstance(response, dict) and response.get("status") in (200, 201):
            found.append((path.name, response.get("body")))
    return found


def rows(version: str, folder: str, pattern: str, *needs: str) -> list[dict[str, Any]]:
    """All recorded objects that have the fields ``needs``, also out of lists."""
    found: list[dict[str, Any]] = []
    for _, body in answers(version, folder, pattern):
        found += [row for row in (body if isinstance(body, list) else [body]) if isinstance(row, dict)]
    return [row for row in found if all(name in row for name in needs)]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_order_is_read(version: str) -> None:
    recorded = rows(version, "rest-reads", "order*.json", "line_items", "currency", "date_created_gmt", "status")
    orders = [mapping.order(row, now=RECORDED) for row in recorded]
    assert len(orders) > 100
    assert {order.status for order in orders} >= set(OrderStatus) - {OrderStatus.UNKNOWN}
    assert all(order.total_minor >= 0 and order.raw_status for order in orders)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_money_is_exact(version: str) -> None:
    recorded = rows(version, "rest-reads", "order_special_part_refund_0.json", "refunds")
    order = mapping.order(recorded[0], now=RECORDED)
    assert order.total_minor == int(recorded[0]["total"]) * 100
    assert sum(refund.amount_minor for refund in order.refunds) == -100 * sum(
        int(refund["total"]) for refund in recorded[0]["refunds"]
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_customer_is_read(version: str) -> None:
    recorded = rows(version, "rest-reads", "customer*.json", "role", "billing")
    customers = [mapping.customer(row, now=RECORDED) for row in recorded]
    assert len(customers) > 20
    assert {customer.consent for customer in customers} == {None}
    assert any(customer.email and customer.email.isupper() for customer in customers)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_product_category_and_review_is_read(version: str) -> None:
    recorded = rows(version, "rest-reads", "product*.json", "sku", "price")
    products = [catalog_mapping.product(row, currency="IDR", now=RECORDED) for row in recorded]
    assert len(products) > 10
    names = [catalog_mapping.category(row).name for row in rows(version, "rest-reads", "categories.json")]
    assert "Sabun & Lilin" in names


def test_every_recorded_review_is_read() -> None:
    reviews = [catalog_mapping.review(row, now=RECORDED) for row in rows("recordings", "reviews", "list.json")]
    assert reviews
    assert all(review.text and "<" not in review.text for review in reviews)


def test_recorded_variations_are_read_with_their_parent() -> None:
    parent = catalog_mapping.product(
        rows("recordings", "rest-reads", "product_KAOS.json")[0], currency="IDR", now=RECORDED
    )
    found = [
        catalog_mapping.product(row, currency="IDR", now=RECORDED, parent=parent)
        for row in rows("recordings", "rest-reads", "variations.json")
    ]
    assert {item.parent_external_id for item in found} == {"22"}
    assert "Kaos Toko Senja - XL — Ekstra" in {item.title for item in found}


def deliveries() -> list[tuple[Path, dict[str, Any]]]:
    folder = shared("contracts", "woocommerce", "recordings", "webhooks-raw")
    return [(path, json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))]


def test_every_recorded_signature_holds_over_its_raw_bytes() -> None:
    signed = 0
    for path, call in deliveries():
        signature = call["headers"].get("X-WC-Webhook-Signature")
        if signature is not None and call["signature_ok"]:
            assert verify_hmac(base64.b64decode(call["body_b64"]), signature, ["newest", call["secret"]]), path.name
            signed += 1
    assert signed > 500


def test_the_recorded_rotated_secret_holds_as_given() -> None:
    call = next(call for path, call in deliveries() if path.name == "0133-order_updated-ok2.json")
    body = base64.b64decode(call["body_b64"])
    assert verify_hmac(body, call["headers"]["X-WC-Webhook-Signature"], ["a&b\"c<d>'e"])


def test_every_recorded_delivery_is_verified_and_parsed() -> None:
    kinds: dict[StoreEventKind, int] = {}
    for _, call in deliveries():
        if call["path"] == "/callback" or call["headers"]["Content-Type"].startswith("application/json;"):
            continue
        body, headers = base64.b64decode(call["body_b64"]), call["headers"]
        webhooks.verify(headers, body, [call["secret"], "a&b\"c<d>'e"])
        event = webhooks.parse(headers, body, now=RECORDED, currency=lambda: "IDR")
        kinds[event.kind] = kinds.get(event.kind, 0) + 1
        assert not event.note or event.kind is StoreEventKind.IGNORED, (event, body[:200])
    assert kinds[StoreEventKind.PING] == 43
    assert kinds[StoreEventKind.ORDER_GONE] == 5
    assert kinds[StoreEventKind.ORDER] > 150
    assert kinds[StoreEventKind.IGNORED] > 50


def test_no_recorded_delivery_holds_when_one_byte_is_cut() -> None:
    for _, call in deliveries()[:120]:
        if "X-WC-Webhook-Signature" in call["headers"]:
            with pytest.raises(BadSignature):
                webhooks.verify(call["headers"], base64.b64decode(call["body_b64"])[:-1], [call["secret"]])


def test_a_recorded_delivery_encoded_anew_is_refused() -> None:
    """The same JSON with its \\u escapes resolved is other bytes."""
    call = next(call for _, call in deliveries() if "\\ud83c" in call["body_utf8"])
    again = json.dumps(json.loads(call["body_utf8"]), ensure_ascii=False).encode()
    with pytest.raises(BadSignature):
        webhooks.verify(call["headers"], again, [call["secret"]])


def test_recorded_coupons_were_not_ours() -> None:
    recorded = rows("recordings", "coupons", "create_*.json", "code", "meta_data")
    assert recorded
    assert [row["code"] for row in recorded if MARK in json.dumps(row["meta_data"])] == []


def test_recorded_error_objects_are_no_orders() -> None:
    refusals = [call["body_utf8"] for _, call in deliveries() if '"code":"woo' in call["body_utf8"]]
    assert refusals
    for body in refusals:
        with pytest.raises(BadPayload):
            mapping.order(json.loads(body), now=RECORDED)
