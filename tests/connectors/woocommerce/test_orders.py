"""Order walks that lose nothing, whatever happens between two pages."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.errors import ConnectorError
from connectors.types import Order, OrderStatus
from connectors.woocommerce import WooStore
from tests.connectors.server import Answer, Asked
from tests.connectors.woocommerce.shop import NOW, Shop, open_shop, order_row, written

OLD = NOW - timedelta(days=90)


def stocked(count: int, first: int = 1) -> Shop:
    shop = Shop()
    shop.orders = {number: order_row(number, modified=OLD) for number in range(first, first + count)}
    return shop


def read(store: WooStore, since: datetime | None = None) -> dict[str, Order]:
    """The last word on every order, by id."""
    return {order.external_id: order for page in store.orders(since=since) for order in page.items}


def once_at(offset: int, change: object) -> object:
    """Runs ``change`` once, just before the page at ``offset`` or later is served."""
    done: list[bool] = []

    def before(asked: Asked) -> None:
        if not done and int(asked.query.get("offset") or 0) >= offset and asked.query.get("status") == "any":
            done.append(True)
            change()  # type: ignore[operator]

    return before


def test_a_full_walk_reads_every_order_once() -> None:
    with open_shop(stocked(250)) as (store, _):
        pages = list(store.orders(since=None))
    ids = [order.external_id for page in pages for order in page.items]
    assert ids == [str(number) for number in range(1, 251)]
    assert {page.total for page in pages} == {250}


def test_the_closing_pass_repeats_nothing_that_stayed_the_same() -> None:
    shop = stocked(120)
    for row in shop.orders.values():
        row["date_modified_gmt"] = written(NOW)
    with open_shop(shop) as (store, server):
        ids = [order.external_id for page in store.orders(since=None) for order in page.items]
    assert len(ids) == len(set(ids)) == 120
    assert [asked for asked in server.asked if "modified_after" in asked.query]


def test_an_empty_shop_is_read() -> None:
    with open_shop(Shop()) as (store, _):
        assert list(store.orders(since=None)) == []


@pytest.mark.parametrize("count", [1, 99, 100, 101, 199, 200])
def test_walks_of_every_length_end(count: int) -> None:
    with open_shop(stocked(count)) as (store, _):
        assert len(read(store)) == count


def test_orders_deleted_for_good_between_two_pages_hide_no_other() -> None:
    """The shop clears away its drafts by itself; each one deleted moves all later rows up."""
    shop = stocked(320)

    def delete_eleven() -> None:
        for number in range(5, 16):
            del shop.orders[number]

    shop.before = once_at(150, delete_eleven)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        found = read(store)
    assert set(found) >= {str(number) for number in shop.orders}


def test_more_than_a_page_deleted_at_once_hides_no_other() -> None:
    shop = stocked(600)

    def delete_many() -> None:
        for number in range(1, 251):
            del shop.orders[number]

    shop.before = once_at(290, delete_many)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        found = read(store)
    assert set(found) >= {str(number) for number in shop.orders}


def test_the_end_of_the_list_deleted_under_the_walk_hides_no_other() -> None:
    """Fewer rows than the position: the page past the end is empty and says total 0."""
    shop = stocked(210)

    def delete_most() -> None:
        for number in range(1, 150):
            del shop.orders[number]

    shop.before = once_at(99, delete_most)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        found = read(store)
    assert set(found) >= {str(number) for number in shop.orders}


def test_an_order_trashed_during_the_walk_ends_up_trashed() -> None:
    shop = stocked(300)

    def trash() -> None:
        shop.orders[3].update(status="trash", date_modified_gmt=written(NOW))

    shop.before = once_at(150, trash)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        found = read(store)
    assert len(found) == 300
    assert found["3"].status is OrderStatus.TRASHED


def test_an_order_changed_behind_the_walk_is_read_again_at_its_end() -> None:
    shop = stocked(300)

    def refund() -> None:
        refunds = [{"id": 900, "reason": "", "total": "-50000"}]
        shop.orders[2].update(refunds=refunds, date_modified_gmt=written(NOW))

    shop.before = once_at(150, refund)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        assert [refund.amount_minor for refund in read(store)["2"].refunds] == [5_000_000]


def test_orders_made_during_the_walk_are_in_it() -> None:
    shop = stocked(150)

    def insert() -> None:
        shop.orders[151] = order_row(151)

    shop.before = once_at(50, insert)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        assert "151" in read(store)


def test_an_order_restored_behind_the_walk_is_in_it() -> None:
    shop = stocked(250)
    shop.orders[1]["status"] = "trash"

    def restore() -> None:
        shop.orders[1].update(status="processing", date_modified_gmt=written(NOW))

    shop.before = once_at(150, restore)  # type: ignore[assignment]
    with open_shop(shop) as (store, _):
        found = read(store)
    assert found["1"].status is OrderStatus.PAID
    assert len(found) == 250


def test_rows_the_key_may_not_see_do_not_stop_the_walk() -> None:
    shop = stocked(400)
    shop.hidden = set(range(95, 260))
    with open_shop(shop) as (store, _):
        assert set(read(store)) == {str(number) for number in shop.orders if number not in shop.hidden}


def test_trashed_orders_come_with_their_own_walk() -> None:
    """any,trash would mean just any."""
    shop = stocked(5)
    shop.orders[4]["status"] = "trash"
    with open_shop(shop) as (store, server):
        assert read(store)["4"].status is OrderStatus.TRASHED
        assert [number for page in store.order_ids() for number in page.items] == ["1", "2", "3", "5"]
    assert all("," not in asked.query.get("status", "") for asked in server.asked)


def test_two_orders_of_one_second_with_a_poll_between_are_both_read() -> None:
    shop = stocked(1)
    moment = NOW - timedelta(minutes=5)
    shop.orders[2] = order_row(2, modified=moment)
    with open_shop(shop) as (store, _):
        assert set(read(store, since=moment)) == {"2"}
        shop.orders[3] = order_row(3, modified=moment)
        assert set(read(store, since=moment)) == {"2", "3"}


def test_the_start_is_sent_as_naive_gmt_with_its_flag() -> None:
    with open_shop(stocked(1)) as (store, server):
        read(store, since=NOW)
    asked = next(asked for asked in server.asked if "modified_after" in asked.query)
    assert asked.query["modified_after"] == "2026-11-22T06:58:59"
    assert asked.query["dates_are_gmt"] == "true"
    assert asked.query["orderby"] == "id"


def test_a_shop_whose_clock_is_behind_loses_nothing() -> None:
    """The order was made at our 07:00, which is 06:50 in the shop's own time."""
    shop = Shop()
    shop.shown_date = NOW - timedelta(minutes=10)
    shop.orders[1] = order_row(1, modified=NOW - timedelta(minutes=10))
    with open_shop(shop) as (store, _):
        assert set(read(store, since=NOW - timedelta(seconds=1))) == {"1"}


def test_one_unreadable_order_does_not_cost_the_others() -> None:
    shop = stocked(3)
    shop.orders[2]["date_created_gmt"] = "0000-00-00T00:00:00"
    with open_shop(shop) as (store, _):
        page = next(iter(store.orders(since=None)))
    assert [order.external_id for order in page.items] == ["1", "3"]
    assert page.faults[0][0] == "orders/2.date_created_gmt"
    assert "'0000-00-00T00:00:00' is not a date and time" in page.faults[0][1]


def test_a_page_too_large_to_take_is_read_in_parts() -> None:
    """A plugin that writes megabytes into each order must not keep the shop from being read."""
    shop = stocked(9)
    for row in shop.orders.values():
        row["customer_note"] = "A" * 9_000
    with open_shop(shop) as (store, server):
        store._client.http._max_body = 30_000
        assert set(read(store)) == {str(number) for number in range(1, 10)}
        sizes = {asked.query["per_page"] for asked in server.asked if asked.path.endswith("/orders")}
        assert sizes >= {"100", "50", "26"}
        shop.orders[5]["customer_note"] = "A" * 40_000
        with pytest.raises(ConnectorError) as caught:
            read(store)
    assert caught.value.code == "too_large"


def test_refund_times_come_from_one_list_for_a_full_walk() -> None:
    shop = stocked(30)
    for number in range(1, 21):
        shop.orders[number]["refunds"] = [{"id": 500 + number, "reason": "", "total": "-1000"}]
        shop.refunds.append({"id": 500 + number, "parent_id": number, "date_created_gmt": "2026-06-01T00:00:00"})
    with open_shop(shop) as (store, server):
        found = read(store)
    times = {refund.refunded_at for order in found.values() for refund in order.refunds}
    assert [moment.isoformat() for moment in times if moment] == ["2026-06-01T00:00:00+00:00"]
    assert len([asked for asked in server.asked if "refunds" in asked.path]) == 1


def test_a_shop_without_a_list_of_refunds_still_gives_amounts() -> None:
    shop = stocked(1)
    shop.orders[1]["refunds"] = [{"id": 7, "reason": "", "total": "-1000"}]

    def refuse(asked: Asked) -> Answer | None:
        return Answer({"code": "rest_no_route"}, 404) if asked.path.endswith("refunds") else None

    shop.before = refuse
    with open_shop(shop) as (store, _):
        refund = read(store)["1"].refunds[0]
    assert (refund.amount_minor, refund.refunded_at) == (100_000, None)


def test_one_order_afresh_or_none() -> None:
    shop = stocked(1)
    with open_shop(shop) as (store, _):
        found = store.order("1")
        assert found is not None
        assert found.total_minor == 11_100_000
        assert store.order("99") is None
        assert store.order("../settings") is None


def test_a_shop_that_ignores_paging_is_not_taken_for_complete() -> None:
    shop = stocked(250)

    def first_page_for_ever(asked: Asked) -> Answer | None:
        rows = [shop.orders[number] for number in range(1, 101)]
        return Answer(rows, headers={"X-WP-Total": "250"}) if asked.query.get("status") == "any" else None

    shop.before = first_page_for_ever
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError) as caught:
        read(store)
    assert caught.value.code == "no_paging"


@pytest.mark.parametrize("count", [30, 80, 250])
@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
def test_a_host_that_allows_fewer_rows_on_a_page_hides_no_order(count: int, told: bool) -> None:
    shop = stocked(count)
    shop.most = 30
    serve = shop._guarded
    if not told:
        shop._guarded = lambda asked: replace(serve(asked), headers={})  # type: ignore[method-assign]
    with open_shop(shop) as (store, _):
        assert set(read(store)) == set(map(str, range(1, count + 1)))


def test_a_shop_that_does_not_sort_is_not_taken_for_complete() -> None:
    shop = stocked(300)

    def newest_first(asked: Asked) -> Answer | None:
        rows = [shop.orders[number] for number in range(300, 200, -1)]
        return Answer(rows, headers={"X-WP-Total": "300"}) if asked.query.get("status") else None

    shop.before = newest_first
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError) as caught:
        read(store)
    assert caught.value.code == "no_sorting"


def test_a_list_on_one_page_may_come_in_any_order() -> None:
    shop = stocked(3)
    rows = [shop.orders[3], shop.orders[1], shop.orders[2]]
    shop.before = lambda asked: Answer(rows, headers={"X-WP-Total": "3"}) if asked.query.get("status") else None
    with open_shop(shop) as (store, _):
        assert set(read(store)) == {"1", "2", "3"}


def test_at_most_two_pages_are_asked_for_at_once() -> None:
    shop = stocked(1500)
    lock, busy, most = threading.Lock(), [0], [0]
    serve = shop._guarded

    def counted(asked: Asked) -> Answer:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        answer = serve(asked)
        with lock:
            busy[0] -= 1
        return answer

    shop._guarded = counted  # type: ignore[method-assign]
    with open_shop(shop) as (store, _):
        assert len(read(store)) == 1500
    assert most[0] <= 2
