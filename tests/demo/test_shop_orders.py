"""The traps of reading and writing orders, each by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from plugin_server.demo.shop import Faults, ShopState
from plugin_server.demo.shop.model import Order
from tests.demo.conftest import Client, Clock


def fill(shop: ShopState, count: int, *, same_second: bool = False) -> None:
    """``count`` orders with ids from 1001, a minute apart or all of one second."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for at in range(count):
        moment = start if same_second else start + timedelta(minutes=at)
        shop.save(Order(1001 + at, "completed", moment, moment))


def walk(api: Client, **params: object) -> list[int]:
    found: list[int] = []
    page = 1
    while rows := api.ids("orders", page=page, _fields="id", **params):
        found += rows
        page += 1
    return found


def test_two_orders_of_one_second_are_split_by_an_exclusive_cursor(api: Client, shop: ShopState) -> None:
    fill(shop, 2, same_second=True)
    cursor = "2026-01-01T00:00:00"
    assert api.ids("orders", modified_after=cursor, dates_are_gmt="true") == []
    assert api.ids("orders", modified_after="2025-12-31T23:59:59", dates_are_gmt="true") == [1002, 1001]


def test_sorting_by_change_without_tie_break_loses_orders_on_legacy_storage(api: Client, shop: ShopState) -> None:
    fill(shop, 60, same_second=True)
    shop.legacy = True
    seen = walk(api, orderby="modified", order="asc", per_page=7)
    assert len(seen) == 60
    assert len(set(seen)) < 60


def test_sorting_by_change_is_complete_with_order_tables(api: Client, shop: ShopState) -> None:
    fill(shop, 60, same_second=True)
    assert walk(api, orderby="modified", order="asc", per_page=7) == list(range(1001, 1061))


def test_sorting_by_id_is_complete_everywhere(api: Client, shop: ShopState) -> None:
    fill(shop, 60, same_second=True)
    shop.legacy = True
    assert walk(api, orderby="id", order="asc", per_page=7) == list(range(1001, 1061))


def test_an_update_during_a_walk_by_change_hides_one_and_doubles_another(
    api: Client, shop: ShopState, faults: Faults
) -> None:
    fill(shop, 40)

    def touch(_path: str, page: int) -> None:
        if page == 1:
            shop.orders[1003].modified = shop.now()
            shop.save(shop.orders[1003])

    faults.between_pages = touch
    seen = walk(api, orderby="modified", order="asc", per_page=20)
    assert seen.count(1003) == 2
    assert 1021 not in seen


def test_a_new_order_during_a_walk_by_id_comes_at_the_end(api: Client, shop: ShopState, faults: Faults) -> None:
    fill(shop, 30)
    faults.between_pages = lambda _path, page: (
        shop.save(Order(2000, "pending", shop.now(), shop.now())) if page == 1 else None
    )
    assert walk(api, orderby="id", order="asc", per_page=20) == [*range(1001, 1031), 2000]


def test_past_the_last_page_is_an_empty_page_without_a_total(api: Client, shop: ShopState) -> None:
    fill(shop, 3)
    answer = api.get("orders", page=3, per_page=2)
    assert answer.json() == []
    assert (answer.headers["X-WP-Total"], answer.headers["X-WP-TotalPages"]) == ("0", "0")
    assert 'page=0>; rel="prev"' in answer.headers["Link"]


def test_any_shows_drafts_and_never_the_trash(api: Client, shop: ShopState) -> None:
    now = shop.now()
    for id, status in ((1, "checkout-draft"), (2, "trash"), (3, "auto-draft"), (4, "completed")):
        shop.save(Order(id, status, now, now))
    assert api.ids("orders") == [4, 1]
    assert api.ids("orders", status="any,trash") == [4, 1]
    assert api.ids("orders", status="trash") == [2]
    assert api.ids("orders", status="completed,checkout-draft,trash") == [4, 2, 1]


def test_auto_draft_shows_everything_on_legacy_storage(api: Client, shop: ShopState) -> None:
    fill(shop, 2)
    assert api.ids("orders", status="auto-draft") == []
    shop.legacy = True
    assert api.ids("orders", status="auto-draft") == [1002, 1001]


def test_an_empty_put_moves_the_date_with_order_tables_only(api: Client, shop: ShopState, clock: Clock) -> None:
    order = api.order()
    clock.forward(minutes=1)
    moved = api.put(f"orders/{order['id']}").json()["date_modified_gmt"]
    assert moved > order["date_modified_gmt"]
    shop.legacy = True
    clock.forward(minutes=1)
    assert api.put(f"orders/{order['id']}").json()["date_modified_gmt"] == moved
    assert api.put(f"orders/{order['id']}", {"customer_note": "x"}).json()["date_modified_gmt"] > moved


def test_a_refund_moves_the_date_and_leaves_the_total(api: Client, clock: Clock) -> None:
    order = api.order()
    clock.forward(minutes=1)
    refund = api.post(f"orders/{order['id']}/refunds", {"amount": "5000", "reason": "Kompensasi"})
    after = api.get(f"orders/{order['id']}").json()
    assert refund.json()["amount"] == "5000"
    assert refund.json()["line_items"] == []
    assert (after["total"], after["status"]) == ("25000", "processing")
    assert after["refunds"] == [{"id": refund.json()["id"], "reason": "Kompensasi", "total": "-5000"}]
    assert after["date_modified_gmt"] > order["date_modified_gmt"]


def test_taking_a_refund_back_moves_nothing(api: Client, clock: Clock) -> None:
    order = api.order()
    refund = api.post(f"orders/{order['id']}/refunds", {"amount": "5000"}).json()
    before = api.get(f"orders/{order['id']}").json()["date_modified_gmt"]
    clock.forward(minutes=1)
    assert api.delete(f"orders/{order['id']}/refunds/{refund['id']}", force="true").status_code == 200
    after = api.get(f"orders/{order['id']}").json()
    assert (after["refunds"], after["date_modified_gmt"]) == ([], before)


def test_a_full_refund_makes_the_order_refunded(api: Client) -> None:
    order = api.order()
    api.post(f"orders/{order['id']}/refunds", {"amount": "25000"})
    assert api.get(f"orders/{order['id']}").json()["status"] == "refunded"


def test_refunds_of_the_whole_shop_carry_their_order(api: Client) -> None:
    order = api.order()
    refund = api.post(f"orders/{order['id']}/refunds", {"amount": "5000"}).json()
    rows = api.get("refunds").json()
    assert [(row["id"], row["parent_id"], row["amount"]) for row in rows] == [(refund["id"], order["id"], "5000")]


def test_trash_moves_the_date_and_force_leaves_nothing(api: Client, clock: Clock) -> None:
    order = api.order()
    clock.forward(minutes=1)
    api.delete(f"orders/{order['id']}")
    trashed = api.get(f"orders/{order['id']}").json()
    assert trashed["status"] == "trash"
    assert trashed["date_modified_gmt"] > order["date_modified_gmt"]
    assert api.delete(f"orders/{order['id']}").status_code == 410
    assert api.delete(f"orders/{order['id']}", force="true").status_code == 200
    assert api.get(f"orders/{order['id']}").status_code == 404


def test_a_deleted_product_leaves_a_nameless_line(api: Client) -> None:
    order = api.order()
    api.delete("products/11", force="true")
    line = api.get(f"orders/{order['id']}").json()["line_items"][0]
    assert (line["product_id"], line["sku"], line["name"], line["total"]) == (0, None, "Sabun", "25000")


def test_an_unknown_product_is_accepted_and_worth_nothing(api: Client) -> None:
    order = api.order(line_items=[{"product_id": 999, "quantity": 1}])
    assert (order["line_items"][0]["product_id"], order["total"]) == (0, "0")


def test_the_date_of_creation_cannot_be_written(api: Client) -> None:
    order = api.order(date_created="2020-01-01T00:00:00")
    assert order["date_created"] > "2026"
    again = api.put(f"orders/{order['id']}", {"date_created": "2020-01-01T00:00:00"}).json()
    assert again["date_created"] == order["date_created"]


def test_stored_amounts_may_be_finer_than_those_shown(api: Client, shop: ShopState) -> None:
    order = api.order()
    shop.orders[order["id"]].lines[0].total = Decimal("33333.335")
    shop.save(shop.orders[order["id"]])
    line = api.get(f"orders/{order['id']}").json()["line_items"][0]
    assert (line["total"], line["price"]) == ("33333", 33333.34)
    assert api.get(f"orders/{order['id']}", dp=2).json()["line_items"][0]["total"] == "33333.34"


def test_the_address_is_kept_as_typed_and_searched_blind(api: Client) -> None:
    order = api.order(billing={"email": "SITI@Contoh.test"})
    assert order["billing"]["email"] == "SITI@Contoh.test"
    assert api.ids("orders", search="siti@contoh.test") == [order["id"]]
    assert api.ids("orders", customer="0") == [order["id"]]


def test_a_page_holds_a_hundred_at_most(api: Client) -> None:
    assert api.get("orders", per_page=101).json()["data"]["params"] == {
        "per_page": "per_page must be between 1 (inclusive) and 100 (inclusive)"
    }
