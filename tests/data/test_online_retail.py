"""A real shop's year, line by line: what is known of it must come out exactly."""

from __future__ import annotations

import pytest

from plugin_server.jobs.reading.imports import OrdersFile, import_orders
from tests.conftest import shared
from tests.data.making import Shop

MAPPING = {
    "order_id": "InvoiceNo",
    "ordered_at": "InvoiceDate",
    "customer_id": "CustomerID",
    "country": "Country",
    "line_sku": "StockCode",
    "line_title": "Description",
    "line_quantity": "Quantity",
    "line_unit_price": "UnitPrice",
}


@pytest.mark.slow
def test_a_year_of_a_shop_comes_in_exactly_and_again_changes_nothing(shop: Shop) -> None:
    file = shared("data", "online-retail-1", "online_retail.csv.gz")
    given = OrdersFile(file, shop.store, MAPPING, currency="GBP", timezone="Europe/London")
    told = import_orders(shop.app, shop.merchant, given)
    assert {name: told[name] for name in ("rows", "orders", "customers", "created", "updated", "rejected_count")} == {
        "rows": 541_909, "orders": 25_900, "customers": 4_372, "created": 25_900, "updated": 0, "rejected_count": 0,
    }  # fmt: skip
    assert shop.rows("SELECT count(*), sum(quantity) FROM order_line") == [(541_909, 5_176_450)]
    assert shop.rows("SELECT count(*) FROM customer") == [(4_372,)]
    assert shop.rows("SELECT sum(total_minor) FROM shop_order") == [(974_774_793,)]
    assert shop.rows("SELECT count(*) FROM shop_order WHERE total_minor < 0 AND counts") == [(0,)]
    again = import_orders(shop.app, shop.merchant, given)
    assert (again["created"], again["updated"]) == (0, 0)
