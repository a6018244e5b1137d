"""Webhooks: what is genuine, what it means, and keeping ours alive."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadPayload, BadSignature, ConnectorError
from connectors.signatures import sign_hmac
from connectors.types import StoreEvent, StoreEventKind
from connectors.woocommerce import webhooks
from tests.connectors.server import Answer, Asked
from tests.connectors.woocommerce.shop import NOW, Shop, open_shop, order_row
from tests.connectors.woocommerce.test_mapping import customer_row, product_row

SECRET = "rahasia"
URL = "https://tangga.test/webhooks/woocommerce/1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed(topic: str, data: object) -> tuple[dict[str, str], bytes]:
    body = json.dumps(data).encode()
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-ID": "5",
        "X-WC-Webhook-Signature": sign_hmac(body, SECRET),
    }
    return headers, body


def parsed(topic: str, data: object) -> StoreEvent:
    headers, body = signed(topic, data)
    assert webhooks.verify(headers, body, [SECRET])
    return webhooks.parse(headers, body, now=NOW, currency=lambda: "IDR")


def test_a_signed_delivery_holds_whatever_the_case_of_its_headers() -> None:
    headers, body = signed("order.updated", order_row(1))
    assert webhooks.verify({name.upper(): value for name, value in headers.items()}, body, ["new", SECRET])


@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: body + b" ", lambda body: b"", bytes.swapcase])
def test_a_truncated_or_changed_body_is_refused(change: Any) -> None:
    headers, body = signed("order.updated", order_row(1))
    with pytest.raises(BadSignature):
        webhooks.verify(headers, change(body), [SECRET])


def test_a_delivery_without_signature_is_refused() -> None:
    headers, body = signed("order.updated", order_row(1))
    del headers["X-WC-Webhook-Signature"]
    with pytest.raises(BadSignature):
        webhooks.verify(headers, body, [SECRET])


def test_the_unsigned_ping_is_recognised_and_holds_nothing() -> None:
    assert not webhooks.verify(FORM, b"webhook_id=12", [SECRET])
    event = webhooks.parse(FORM, b"webhook_id=12", now=NOW, currency=lambda: "IDR")
    assert event == StoreEvent(StoreEventKind.PING)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, b"webhook_id=12&order=1"),
        (FORM, b"webhook_id="),
        ({**FORM, "X-WC-Webhook-Topic": "order.updated"}, b"webhook_id=12"),
        ({"Content-Type": "application/json"}, b"webhook_id=12"),
        ({}, b"webhook_id=12"),
    ],
)
def test_nothing_else_passes_for_a_ping(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        webhooks.verify(headers, body, [SECRET])


@given(body=st.binary(max_size=60), signature=st.text(max_size=50))
def test_no_forgery_passes(body: bytes, signature: str) -> None:
    with pytest.raises(BadSignature):
        webhooks.verify({"X-WC-Webhook-Signature": signature, "Content-Type": "application/json"}, body, [SECRET])


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_an_order_event_holds_the_order_as_it_is_now(topic: str) -> None:
    event = parsed(topic, order_row(9, status="completed"))
    assert (event.kind, event.external_id, event.refetch) == (StoreEventKind.ORDER, "9", False)
    assert event.order is not None
    assert event.order.paid


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("order.deleted", StoreEventKind.ORDER_GONE),
        ("customer.deleted", StoreEventKind.CUSTOMER_GONE),
        ("product.deleted", StoreEventKind.PRODUCT_GONE),
    ],
)
def test_deleted_is_only_a_reason_to_look(topic: str, kind: StoreEventKind) -> None:
    """product.deleted comes for a trashed page too, order.deleted for one that is in the trash and can come back."""
    assert parsed(topic, {"id": 187}) == StoreEvent(kind, external_id="187", refetch=True)


@pytest.mark.parametrize("code", ["woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_cannot_view"])
def test_a_signed_error_object_is_never_taken_for_an_order(code: str) -> None:
    event = parsed("order.updated", {"code": code, "message": "Invalid ID.", "data": {"status": 404}})
    assert (event.kind, event.order, event.external_id) == (StoreEventKind.IGNORED, None, None)
    assert code in event.note


def test_an_order_a_plugin_trimmed_is_read_again() -> None:
    event = parsed("order.updated", {"id": 5, "status": "completed"})
    assert (event.kind, event.external_id, event.order, event.refetch) == (StoreEventKind.ORDER, "5", None, True)


def test_a_customer_and_staff() -> None:
    event = parsed("customer.updated", customer_row())
    assert event.customer is not None
    assert event.customer.external_id == "7"
    assert parsed("customer.updated", customer_row(role="administrator")).kind is StoreEventKind.IGNORED


def test_our_own_rung_comes_back_as_nothing_new() -> None:
    known = parsed("customer.updated", customer_row()).customer
    rung = [{"id": 1, "key": "tangga_rung", "value": "member"}]
    echo = parsed("customer.updated", customer_row(meta_data=rung, date_modified_gmt="2026-11-22T06:00:00")).customer
    assert known is not None
    assert echo is not None
    assert replace(echo, updated_at=known.updated_at) == known


def test_a_changed_variation_names_its_parent() -> None:
    event = parsed("product.updated", product_row(id=25, type="variation", parent_id=22))
    assert [(item.external_id, item.parent_external_id) for item in event.products] == [("25", "22")]


@pytest.mark.parametrize("topic", ["action.wc_x", "", "order", "page.updated"])
def test_topics_we_never_asked_for_are_ignored(topic: str) -> None:
    event = parsed(topic, {"id": 1})
    assert event.kind is (StoreEventKind.ORDER if topic == "order" else StoreEventKind.IGNORED)


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"', b"{}", b'{"id": "1; drop"}'])
def test_what_is_no_event_raises_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        webhooks.parse({"X-WC-Webhook-Topic": "order.updated"}, body, now=NOW, currency=lambda: "IDR")


def test_all_topics_are_made_once() -> None:
    shop = Shop()
    with open_shop(shop) as (store, _):
        first = store.ensure_webhooks(url=URL, secret=SECRET)
        assert store.ensure_webhooks(url=URL, secret=SECRET) == first
        assert store.webhook_states(url=URL) == first
    assert [state.topic for state in first] == list(webhooks.TOPICS)
    assert {row["delivery_url"] for row in shop.hooks.values()} == {URL}
    assert {row["secret"] for row in shop.hooks.values()} == {SECRET}
    assert len(shop.hooks) == 10


def test_a_new_secret_reaches_webhooks_that_exist() -> None:
    shop = Shop()
    with open_shop(shop) as (store, _):
        store.ensure_webhooks(url=URL, secret=SECRET)
        store.ensure_webhooks(url=URL, secret="newer")
    assert {row["secret"] for row in shop.hooks.values()} == {"newer"}


def test_a_disabled_webhook_is_replaced_because_its_failures_are_not_forgotten() -> None:
    shop = Shop()
    with open_shop(shop) as (store, _):
        store.ensure_webhooks(url=URL, secret=SECRET)
        old = min(shop.hooks)
        shop.hooks[old]["status"] = "disabled"
        assert store.webhook_states(url=URL)[0].state == "disabled"
        states = store.ensure_webhooks(url=URL, secret=SECRET)
    assert {state.state for state in states} == {"active"}
    assert old not in shop.hooks
    assert len(shop.hooks) == 10


def test_duplicates_of_ours_are_cleared_and_others_are_left_alone() -> None:
    shop = Shop()
    shop.hooks = {
        1: {"id": 1, "topic": "order.created", "status": "active", "delivery_url": "https://other.test/hook"},
        2: {"id": 2, "topic": "order.created", "status": "active", "delivery_url": URL},
        3: {"id": 3, "topic": "order.created", "status": "active", "delivery_url": URL},
    }
    with open_shop(shop) as (store, _):
        store.ensure_webhooks(url=URL, secret=SECRET)
    assert {1, 2} <= shop.hooks.keys()
    assert 3 not in shop.hooks
    assert len(shop.hooks) == 11


def test_a_creation_whose_answer_was_lost_is_found_not_repeated() -> None:
    shop = Shop()
    lost: list[int] = []

    def make_and_fail(asked: Asked) -> Answer | None:
        if asked.method == "POST" and not lost:
            lost.append(1)
            shop._guarded(asked)
            return Answer(status=504)
        return None

    shop.before = make_and_fail
    with open_shop(shop) as (store, _):
        states = store.ensure_webhooks(url=URL, secret=SECRET)
    assert len(shop.hooks) == 10
    assert {state.state for state in states} == {"active"}


def test_ours_are_removed_and_removing_again_is_fine() -> None:
    shop = Shop()
    shop.hooks = {1: {"id": 1, "topic": "order.created", "status": "active", "delivery_url": "https://other.test/hook"}}
    with open_shop(shop) as (store, _):
        store.ensure_webhooks(url=URL, secret=SECRET)
        store.remove_webhooks(url=URL)
        store.remove_webhooks(url=URL)
        assert {state.state for state in store.webhook_states(url=URL)} == {"missing"}
    assert list(shop.hooks) == [1]


def test_a_webhook_without_secret_is_not_made() -> None:
    with open_shop(Shop()) as (store, server), pytest.raises(ConnectorError) as caught:
        store.ensure_webhooks(url=URL, secret="")
    assert caught.value.code == "no_secret"
    assert server.asked == []
