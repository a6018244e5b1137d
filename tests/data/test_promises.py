"""Promise 1 by property, promise 5 by looking at every table, and what happens side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from connectors.types import Order, OrderStatus
from plugin_server.db.merchant import merchants
from plugin_server.db.models import Base
from plugin_server.db.session import tenant
from tests.data.making import DAY, Shop, line, order, refund

VERSIONS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3"]),
        st.integers(0, 5),
        st.sampled_from([OrderStatus.PENDING, OrderStatus.PAID, OrderStatus.CANCELLED, OrderStatus.TRASHED]),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda version: version[:2],
)
ROWS = """
    SELECT o.external_id, o.status, o.paid, o.total_minor, o.net_minor, o.provider_updated_at, o.coupon_codes,
        o.content, c.email_norm,
        (SELECT array_agg((l.position, l.title, l.total_minor)::text ORDER BY l.position) FROM order_line l
         WHERE l.order_id = o.id),
        (SELECT array_agg((r.external_id, r.amount_minor)::text ORDER BY 1) FROM order_refund r WHERE r.order_id = o.id)
    FROM shop_order o LEFT JOIN customer c ON c.id = o.customer_id ORDER BY 1
"""


def _version(told: tuple[str, int, OrderStatus, int]) -> Order:
    external_id, hour, status, amount = told
    return order(
        external_id,
        status=status,
        paid=status is OrderStatus.PAID,
        total_minor=amount * 1000,
        updated_at=DAY + timedelta(hours=hour),
        lines=tuple(line(title=f"{n}", total_minor=n) for n in range(amount)),
        refunds=(refund(amount * 100),) if amount % 2 else (),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=VERSIONS, data=st.data())
def test_whatever_way_versions_come_the_same_rows_stand(shop: Shop, versions: Any, data: st.DataObject) -> None:
    orders = [_version(version) for version in versions]
    again = data.draw(st.lists(st.sampled_from(orders), max_size=4))
    arrival = data.draw(st.permutations(orders + again))
    cut = data.draw(st.integers(0, len(arrival)))
    _empty(shop)
    shop.take(*arrival[:cut])
    shop.take(*arrival[cut:])
    came = shop.rows(ROWS)
    _empty(shop)
    for one in sorted(orders, key=lambda o: o.updated_at or DAY):
        shop.take(one)
    assert came == shop.rows(ROWS)


def _empty(shop: Shop) -> None:
    for table in ("order_line", "order_refund", "shop_order", "identity", "customer"):
        shop.do(lambda connection, name=table: connection.execute(text(f"DELETE FROM {name}")))  # type: ignore[misc]


def _side_by_side(*acts: Callable[[], Any]) -> None:
    troubles: list[BaseException] = []

    def run(act: Callable[[], Any]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - whatever a thread raises is the test's to report
            troubles.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []


def test_the_same_new_people_and_orders_side_by_side_come_in_once(shop: Shop) -> None:
    orders = [order(str(n), email=f"c{n % 7}@example.com", customer_external_id=str(n % 5)) for n in range(60)]
    _side_by_side(*(lambda batch=batch: shop.take(*batch) for batch in (orders, orders[::-1], orders[20:], orders)))
    assert shop.rows("SELECT count(*), count(DISTINCT external_id) FROM shop_order") == [(60, 60)]
    assert shop.rows("SELECT count(*) FROM identity") == [(5,)]
    assert shop.rows("SELECT count(*), count(DISTINCT email_norm) FROM customer") == [(5, 5)]


def test_every_table_of_a_merchant_has_its_wall(shop: Shop) -> None:
    ours = {table.name for table in Base.metadata.tables.values() if "merchant_id" in table.columns} | {"merchant"}
    walls = shop.rows("SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relrowsecurity")
    assert ours - {row[0] for row in walls} == set()


def test_another_merchant_sees_and_touches_nothing(shop: Shop) -> None:
    shop.take(order(customer_external_id="7", refunds=(refund(5),)))
    other = merchants.add(
        shop.app.engine, name="Other", email="o@example.com", timezone="UTC", currency="EUR", locale="en"
    )
    with tenant(shop.app.engine, other) as connection:
        for table in ("customer", "identity", "shop_order", "order_line", "order_refund", "store"):
            assert connection.execute(text(f"SELECT * FROM {table}")).all() == []
        assert connection.execute(text("UPDATE shop_order SET total_minor = 0")).rowcount == 0
    assert shop.rows("SELECT total_minor FROM shop_order") == [(10_000,)]


def test_a_row_cannot_be_written_for_another_merchant(shop: Shop) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        shop.do(
            lambda c: c.execute(
                text("INSERT INTO customer (merchant_id, email, email_norm) VALUES (:id, 'x@y.z', 'x@y.z')"),
                {"id": shop.merchant + 1},
            )
        )


def test_consent_once_given_cannot_be_rewritten(shop: Shop) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        shop.do(lambda c: c.execute(text("UPDATE consent SET state = 'subscribed'")))
