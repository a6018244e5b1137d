"""What every store promises about reading it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import Store
from connectors.types import Order, OrderStatus
from tests.contract.conftest import NOW
from tests.contract.counters import Counter

LONG_AGO = NOW - timedelta(days=2000)


@pytest.fixture(params=["woocommerce", "woocommerce-legacy", "shopify"])
def platform(request: pytest.FixtureRequest) -> str:
    """Orders are kept in two ways by WooCommerce, which is felt when reading them."""
    return str(request.param)


def read(store: Store, since: datetime | None) -> dict[str, Order]:
    """All orders of a walk, the last word on each; every page without a fault."""
    found = {}
    for page in store.orders(since=since):
        assert page.faults == ()
        found.update({order.external_id: order for order in page.items})
    return found


def test_every_check_of_a_sound_connection_is_well(shop: Counter) -> None:
    assert [check for check in shop.store.checks() if not check.ok] == []
    told = shop.store.info()
    assert (told.currency, told.timezone) == ("IDR", "Asia/Jakarta")
    assert shop.codes() == set()


def test_everything_in_the_shop_is_read_without_a_fault(shop: Counter) -> None:
    store = shop.store
    assert set(read(store, None)) >= shop.orders()
    pages = list(store.customers(since=None))
    assert [fault for page in pages for fault in page.faults] == []
    told = {(one.external_id, (one.email or "").lower()) for page in pages for one in page.items}
    assert told == {(id, email.lower()) for id, email in shop.accounts()}
    for walk in (store.products(since=None), store.categories(), store.reviews(since=None)):
        assert [fault for page in walk for fault in page.faults] == []


def test_a_full_walk_and_a_walk_since_say_the_same(shop: Counter) -> None:
    full, since = read(shop.store, None), read(shop.store, LONG_AGO)
    drafts = {id for id, order in full.items() if order.status is OrderStatus.DRAFT}
    assert {id: full[id] for id in full.keys() - drafts} == {id: since[id] for id in since.keys() - drafts}


def test_orders_that_changed_in_one_second_are_all_read(shop: Counter) -> None:
    at = NOW - timedelta(minutes=5)
    expected = {shop.sell("same@contoh.test", at=at) for _ in range(130)}
    assert set(read(shop.store, at)) >= expected
    assert not expected & set(read(shop.store, at + timedelta(hours=2)))


def test_orders_that_change_or_come_during_the_walk_are_not_lost(shop: Counter) -> None:
    waiting, made = sorted(shop.orders())[:20], []

    def change() -> None:
        shop.touch(waiting.pop(), datetime.now(NOW.tzinfo).replace(microsecond=0)) if waiting else None
        made.append(shop.sell("late@contoh.test", at=datetime.now(NOW.tzinfo).replace(microsecond=0)))
        if len(made) > 30:
            shop.on_page(lambda: None)

    shop.on_page(change)
    before = shop.orders()
    began = datetime.now(NOW.tzinfo).replace(microsecond=0)
    found = set(read(shop.store, LONG_AGO))
    shop.on_page(lambda: None)
    assert found >= before
    assert found | set(read(shop.store, began)) >= shop.orders()
    assert made


def test_orders_that_go_during_the_walk_hide_no_other(shop: Counter) -> None:
    going = sorted(shop.orders())[:25]
    shop.on_page(lambda: shop.bin(going.pop()) if going else None)
    found = set(read(shop.store, LONG_AGO))
    assert found >= shop.orders()
    assert len(going) < 25


def test_an_order_that_went_is_not_among_the_ids(shop: Counter) -> None:
    id = sorted(shop.orders())[0]
    shop.bin(id)
    assert {one for page in shop.store.order_ids() for one in page.items} >= shop.orders() - {id}
    assert id not in {one for page in shop.store.order_ids() for one in page.items}
    afresh = shop.store.order(id)
    assert afresh is None or afresh.status is OrderStatus.TRASHED


def test_what_goes_back_shows_beside_a_total_that_stays(shop: Counter) -> None:
    id = shop.sell("back@contoh.test", at=NOW, amount=200_000)
    shop.give_back(id, 50_000)
    part = shop.store.order(id)
    assert part is not None
    assert (part.total_minor, [one.amount_minor for one in part.refunds]) == (20_000_000, [5_000_000])
    assert part.paid
    shop.give_back(id, 150_000)
    whole = shop.store.order(id)
    assert whole is not None
    assert (whole.total_minor, sum(one.amount_minor for one in whole.refunds)) == (20_000_000, 20_000_000)


def test_what_goes_back_for_shipping_is_told_apart(shop: Counter) -> None:
    before = next(
        one for one in read(shop.store, None).values() if one.paid and one.shipping_minor and not one.refunds
    )  # fmt: skip
    shop.give_back(before.external_id, before.shipping_minor // 100, shipping=True)
    shop.give_back(before.external_id, 1000)
    for after in (shop.store.order(before.external_id), read(shop.store, None)[before.external_id]):
        assert after is not None
        assert sum(one.amount_minor for one in after.refunds) == before.shipping_minor + 100_000
        assert sum(one.shipping_minor for one in after.refunds) == before.shipping_minor == after.shipping_minor


def test_a_mere_sum_leaves_the_goods_and_is_shared_over_goods_and_shipping(shop: Counter) -> None:
    before = next(
        one for one in read(shop.store, None).values() if one.paid and one.shipping_minor and not one.refunds
    )  # fmt: skip
    shop.give_back(before.external_id, 1000)
    for after in (shop.store.order(before.external_id), read(shop.store, None)[before.external_id]):
        assert after is not None
        assert (after.total_minor, after.lines) == (before.total_minor, before.lines)
        told = [(one.amount_minor, one.shipping_minor) for one in after.refunds]
        assert told == [(100_000, 100_000 * before.shipping_minor // before.total_minor)]


def test_a_guest_is_known_by_the_address_alone(shop: Counter) -> None:
    id, email = shop.accounts()[0]
    guest, known = shop.sell("Tamu@Contoh.test", at=NOW), shop.sell(email, at=NOW, customer=id)
    first, second = shop.store.order(guest), shop.store.order(known)
    assert first is not None
    assert second is not None
    assert (first.customer_external_id, (first.email or "").lower()) == (None, "tamu@contoh.test")
    assert second.customer_external_id == id
    assert (first.currency, first.paid, first.lines[0].title) == ("IDR", True, "Kopi")


def test_a_customer_is_read_afresh_and_a_stranger_is_none(shop: Counter) -> None:
    id, email = shop.accounts()[0]
    found = shop.store.customer(id)
    assert found is not None
    assert (found.external_id, (found.email or "").lower()) == (id, email.lower())
    assert shop.store.customer("999999999") is None
    assert shop.store.order("999999999") is None
