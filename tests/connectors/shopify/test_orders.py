"""Orders as they come: money, states, hidden data, and a walk that loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadPayload, ConnectorError
from connectors.shopify import mapping
from connectors.shopify.orders import OrderReader, changed_since, changed_since_day
from connectors.types import Order, OrderLine, OrderStatus, Refund
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import NOW, Row, Shop, a_client, line_row, money, order_row, page, running, top_error


def read(**more: Any) -> Order:
    return mapping.order(order_row(17, **more), now=NOW)


def refund(number: int, amount: str) -> Row:
    return {"id": f"gid://shopify/Refund/{number}", "createdAt": "2026-10-09T00:00:00Z", "processedAt":
            "2026-10-09T01:00:00Z", "totalRefundedSet": money(amount)}  # fmt: skip


def test_an_order_in_our_words() -> None:
    assert read() == Order(
        external_id="17", number="#17", status=OrderStatus.PAID, raw_status="paid", paid=True,
        placed_at=datetime(2026, 10, 2, 9, 11, 10, tzinfo=UTC), updated_at=NOW - timedelta(days=3), currency="EUR",
        total_minor=2500, customer_external_id="42", email="sari@contoh.test", name="Sari Dewi", phone="+6281",
        country="ID", language="id", discount_minor=200, shipping_minor=300, tax_minor=200, coupon_codes=("loy-7kq2",),
        lines=(OrderLine("170", "Kopi - 250 g", Decimal(2), 2000, "7", "71", "KOPI-250", 200),), source="web",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status", "paid"),
    [("PAID", "paid", True), ("PARTIALLY_REFUNDED", "paid", True), ("REFUNDED", "refunded", True),
     ("PENDING", "pending", False), ("AUTHORIZED", "pending", False), ("PARTIALLY_PAID", "pending", False),
     ("VOIDED", "cancelled", False), ("EXPIRED", "failed", False), ("SOMETHING_NEW", "unknown", False),
     (None, "paid", True)],
)  # fmt: skip
def test_financial_states_are_translated_by_table(word: str | None, status: str, paid: bool) -> None:
    order = read(displayFinancialStatus=word, totalReceivedSet=money("5.0"))
    assert (order.status, order.paid) == (status, paid)
    assert order.raw_status == (word or "none").lower()


def test_a_cancelled_order_is_cancelled_whatever_was_paid() -> None:
    order = read(cancelledAt="2026-10-03T00:00:00Z", currentTotalPriceSet=money("0.0"))
    assert (order.status, order.paid, order.raw_status, order.total_minor) == (
        "cancelled",
        True,
        "cancelled paid",
        2500,
    )


@pytest.mark.parametrize(
    ("left", "refunds", "told", "total", "net"),
    [
        ("25.0", [], "0.0", 2500, 2500),
        ("15.0", ["10.0"], "10.0", 2500, 1500),  # Goods back, money back.
        ("25.0", ["10.0"], "10.0", 2500, 1500),  # A goodwill refund that the shop's own total does not show.
        ("0.0", ["10.0", "15.0"], "25.0", 2500, 0),
        ("15.0", [], "0.0", 1500, 1500),  # Taken off by an edit before it was paid: never owed.
        ("15.0", ["0.0"], "0.0", 1500, 1500),  # The same, with the record of it that moved no money.
        ("40.0", [], "0.0", 2500, 2500),  # Put on by an edit, not yet paid.
        ("15.0", [], "10.0", 2500, 1500),  # The list of refunds was cut short; the money is known all the same.
    ],
)
def test_the_total_stands_and_refunds_stand_beside_it(
    left: str, refunds: list[str], told: str, total: int, net: int
) -> None:
    entries = [refund(number, amount) for number, amount in enumerate(refunds, 1)]
    order = read(currentTotalPriceSet=money(left), totalRefundedSet=money(told), refunds=entries)
    assert order.total_minor == total
    assert order.total_minor - sum(one.amount_minor for one in order.refunds) == net
    assert all(one.amount_minor > 0 for one in order.refunds)


@pytest.mark.parametrize(
    ("kind", "status", "net"),
    [("CHARGEBACK", "LOST", 0), ("CHARGEBACK", "ACCEPTED", 0), ("CHARGEBACK", "UNDER_REVIEW", 1500),
     ("CHARGEBACK", "WON", 1500), ("INQUIRY", "LOST", 1500)],
)  # fmt: skip
def test_a_lost_chargeback_is_money_given_back(kind: str, status: str, net: int) -> None:
    back = {"totalRefundedSet": money("10.0"), "refunds": [refund(1, "10.0")]}
    order = read(disputes=[{"initiatedAs": kind, "status": status}], **back)
    assert order.total_minor - sum(one.amount_minor for one in order.refunds) == net
    assert order.status == ("paid" if net else "refunded")


@pytest.mark.parametrize(("received", "paid"), [("25.0", True), ("30.0", True), ("24.99", False), (None, False)])
def test_an_order_paid_in_full_stays_paid_when_an_edit_puts_more_on_it(received: str | None, paid: bool) -> None:
    came_in = {"totalReceivedSet": money(received)} if received else {"totalReceivedSet": None}
    order = read(displayFinancialStatus="PARTIALLY_PAID", currentTotalPriceSet=money("40.0"), **came_in)
    assert (order.paid, order.total_minor, order.raw_status) == (paid, 2500, "partially_paid")
    assert order.status == ("paid" if paid else "pending")


def test_money_is_the_shops_own_whatever_the_buyer_saw() -> None:
    """A buyer in another currency sees presentment money; the order is counted in what the shop counts in."""
    seen = {"presentmentMoney": {"amount": "441000.0", "currencyCode": "IDR"}}
    order = read(totalPriceSet=money("25.0") | seen, totalDiscountsSet=seen, lineItems=page([line_row(1)]))
    assert (order.currency, order.total_minor, order.discount_minor) == ("EUR", 2500, 0)


def test_a_refund_has_its_time_and_a_test_order_its_mark() -> None:
    order = read(test=True, refunds=[refund(5, "1.5")], totalRefundedSet=money("1.5"))
    assert order.test
    assert order.refunds == (Refund("5", 150, datetime(2026, 10, 9, 1, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("told", "named", "discrepancy", "shipping"),
    [
        ("10.0", "0.0", "0.0", 0),  # For lines.
        ("10.0", "0.0", "-10.0", 120),  # A mere sum: 40 % of what was paid is 40 % of the shipping.
        ("10.0", "0.0", "-5.0", 75),  # Half of it for lines: 5 of the 20 that they leave.
        ("3.0", "3.0", "0.0", 300),  # All the shipping.
        ("8.0", "3.0", "-5.0", 300),  # All the shipping and a sum: no shipping is left for it.
        ("5.0", "0.0", "2.0", 0),  # Less than the lines are worth, as where a fee is kept.
        ("5.0", "0.0", "-9.0", 60),  # More than went back cannot have been given.
    ],
)
def test_a_mere_sum_is_shared_over_goods_and_shipping(told: str, named: str, discrepancy: str, shipping: int) -> None:
    order = read(refunds=[refund(5, told)], totalRefundedSet=money(told), totalRefundedShippingSet=money(named),
                 refundDiscrepancySet=money(discrepancy))  # fmt: skip
    assert sum(one.shipping_minor for one in order.refunds) == shipping
    assert (order.total_minor, order.lines[0].quantity, order.lines[0].total_minor) == (2500, 2, 2000)


def test_a_guest_whose_personal_data_is_hidden_is_still_an_order() -> None:
    order = read(customer=None, email=None, billingAddress=None, customerLocale=None)
    assert (order.customer_external_id, order.email, order.name, order.country) == (None, None, None, None)


def test_the_box_at_the_till_and_the_referrer_of_the_basket_are_read() -> None:
    order = read(customerAcceptsMarketing=True, customAttributes=[{"key": "tangga_referred_by", "value": "R-1"}])
    assert (order.consent, order.referred_by) == ("subscribed", "R-1")
    assert read(referredBy={"value": "R-2"}).referred_by == "R-2"
    assert read().consent is None


@pytest.mark.parametrize(
    ("change", "path"),
    [({"processedAt": "yesterday"}, "orders/17.processedAt"), ({"processedAt": "2031-01-01T00:00:00Z"}, "processedAt"),
     ({"currencyCode": "euro"}, "currencyCode"), ({"totalPriceSet": money("many")}, "totalPriceSet"),
     ({"totalPriceSet": money("-1")}, "totalPriceSet"), ({"lineItems": page([{"id": "x"}])}, "lineItems[0]"),
     ({"id": "gid://shopify/Customer/17"}, "orders.id"), ({"refunds": [None]}, "refunds[0]")],
)  # fmt: skip
def test_what_cannot_be_read_names_its_place(change: Row, path: str) -> None:
    with pytest.raises(BadPayload) as caught:
        read(**change)
    assert path in caught.value.path


KEYS = st.sampled_from(["id", "shopMoney", "amount", "nodes", "value", "emailAddress"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda kids: st.lists(kids, max_size=3) | st.dictionaries(KEYS, kids, max_size=3),
    max_leaves=8,
)


@given(ANYTHING, st.sampled_from(sorted(order_row(1))))
def test_whatever_comes_is_read_or_refused_at_its_place(value: object, name: str) -> None:
    outcome: Order | str
    try:
        outcome = read(**{name: value})
    except BadPayload as error:
        outcome = error.path
    assert outcome
    if isinstance(outcome, Order):
        assert outcome.external_id
        assert outcome.total_minor >= 0


def test_the_walk_asks_in_order_of_change_and_a_little_further_back() -> None:
    asked: list[Row] = []

    def orders(variables: Row) -> Row:
        asked.append(variables)
        start = int(variables["after"] or 0)
        return {"orders": page([order_row(start + 1), order_row(start + 2)], str(start + 2) if start < 4 else None)}

    with running() as (shop, server):
        shop.answers["Orders"] = orders
        reader = OrderReader(a_client(server))
        pages = list(reader.pages(NOW))
    assert [order.external_id for one in pages for order in one.items] == ["1", "2", "3", "4", "5", "6"]
    assert {one["query"] for one in asked} == {"updated_at:>='2026-11-22T06:58:59Z'"}
    assert [one["after"] for one in asked] == [None, "2", "4"]


def test_our_fast_clock_and_the_whole_days_of_customers_move_the_start_back() -> None:
    assert changed_since(NOW, lag=timedelta(minutes=5)) == "updated_at:>='2026-11-22T06:53:59Z'"
    assert changed_since(NOW, lag=timedelta(minutes=-5)) == "updated_at:>='2026-11-22T06:58:59Z'"
    assert changed_since_day(NOW, lag=timedelta(0)) == "updated_at:>='2026-11-21T00:00:00Z'"


def test_a_bad_row_costs_only_itself_and_hidden_fields_are_told_once() -> None:
    row = top_error("ACCESS_DENIED", "not approved to use the email field", ["orders", "nodes", 0, "email"])
    with running() as (shop, server):
        pages = iter([([order_row(1), order_row(2, currencyCode=None)], "c"), ([order_row(3)], None)])
        shop.before = lambda call: shop.good({"orders": page(*next(pages))}, errors=[row])
        got = list(OrderReader(a_client(server)).pages(None))
    assert [order.external_id for one in got for order in one.items] == ["1", "3"]
    places = [place for one in got for place, _ in one.faults]
    assert places == ["orders/2.currencyCode", "personal data"]


def test_an_order_of_many_lines_is_read_to_its_end() -> None:
    rest = {"c25": page([line_row(n) for n in range(26, 28)], "c27"), "c27": page([line_row(28)])}
    with running() as (shop, server):
        many = order_row(1, lineItems=page([line_row(n) for n in range(1, 26)], "c25"))
        shop.answers["OrderAfresh"] = lambda v: {"order": many if v["id"] == "gid://shopify/Order/1" else None}
        shop.answers["OrderLines"] = lambda v: {"order": {"lineItems": rest[v["after"]]}}
        reader = OrderReader(a_client(server))
        order = reader.one("1")
        assert reader.one("2") is None
        assert reader.one("../1") is None
    assert order is not None
    assert [line.external_id for line in order.lines] == [str(n) for n in range(1, 29)]


def test_the_ids_of_all_orders_come_alone() -> None:
    with running(Shop()) as (shop, server):
        shop.answers["OrderIds"] = lambda v: {
            "orders": page([{"id": "gid://shopify/Order/5"}, {"id": None}], None if v["after"] else "c")
        }
        pages = list(OrderReader(a_client(server)).ids())
    assert [one.items for one in pages] == [("5",), ("5",)]
    assert pages[0].faults[0][0] == "orders"


def test_a_page_that_fails_half_way_ends_the_walk_with_its_reason() -> None:
    with running() as (shop, server):
        shop.before = lambda call: Answer({"errors": "x"}, 401) if call.variables["after"] else None
        shop.answers["Orders"] = lambda v: {"orders": page([order_row(1)], "c1")}
        walk = OrderReader(a_client(server)).pages(None)
        assert next(walk).items[0].external_id == "1"
        with pytest.raises(ConnectorError, match="access token"):
            next(walk)


PARCEL = {"status": "SUCCESS", "displayStatus": "FULFILLED", "createdAt": "2026-10-03T02:00:00Z", "deliveredAt": None}
ARRIVED = {**PARCEL, "displayStatus": "DELIVERED", "deliveredAt": "2026-10-04T02:00:00Z"}
TRAVELS = {**PARCEL, "displayStatus": "IN_TRANSIT"}


@pytest.mark.parametrize(
    ("state", "parcels", "day"),
    [("FULFILLED", [PARCEL], 3), ("FULFILLED", [PARCEL, ARRIVED], 4), ("FULFILLED", [ARRIVED, TRAVELS], None),
     ("PARTIALLY_FULFILLED", [ARRIVED], None), ("FULFILLED", [{**TRAVELS, "status": "CANCELLED"}, ARRIVED], 4),
     ("FULFILLED", [], None), (None, None, None)],
)  # fmt: skip
def test_an_order_is_delivered_with_its_last_parcel(state: str | None, parcels: Any, day: int | None) -> None:
    told = read(displayFulfillmentStatus=state, fulfillments=parcels).delivered_at
    assert told == (day and datetime(2026, 10, day, 2, tzinfo=UTC))
