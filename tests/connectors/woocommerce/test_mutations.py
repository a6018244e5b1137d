"""Rows that came to harm on the way: read, or refused with their place, and never anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import BadPayload
from connectors.woocommerce import catalog_mapping, mapping
from tests.connectors.woocommerce.shop import NOW, order_row
from tests.connectors.woocommerce.test_mapping import customer_row, meta, product_row

READ = "read"


def outcome(read: Callable[[], object]) -> str:
    """``read``, or the place that was refused; any other exception is a failure of the test."""
    try:
        read()
    except BadPayload as error:
        return error.path
    return READ


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FULL_ORDER = order_row(
    5,
    line_items=[{"id": 1, "name": "x", "quantity": 1, "total": "1", "subtotal": "2"}],
    refunds=[{"id": 2, "total": "-1"}],
    meta_data=meta(tangga_consent="yes"),
)


@settings(max_examples=200, deadline=None)
@given(field=st.sampled_from(sorted(FULL_ORDER)), value=json_values)
def test_a_mutated_order_is_read_or_refused_never_anything_else(field: str, value: object) -> None:
    assert outcome(lambda: mapping.order({**FULL_ORDER, field: value}, now=NOW))


@settings(max_examples=150, deadline=None)
@given(field=st.sampled_from(["id", "name", "quantity", "total", "subtotal", "product_id", "sku"]), value=json_values)
def test_a_mutated_line_is_read_or_refused(field: str, value: object) -> None:
    line = {**FULL_ORDER["line_items"][0], field: value}
    place = outcome(lambda: mapping.order({**FULL_ORDER, "line_items": [line]}, now=NOW))
    assert place == READ or place.startswith("orders/5.line_items[0]")


@settings(max_examples=150, deadline=None)
@given(field=st.sampled_from(sorted(customer_row())), value=json_values)
def test_a_mutated_customer_is_read_or_refused(field: str, value: object) -> None:
    assert outcome(lambda: mapping.customer({**customer_row(), field: value}, now=NOW))


@settings(max_examples=150, deadline=None)
@given(field=st.sampled_from([*sorted(product_row()), "cost_of_goods_sold", "image", "attributes"]), value=json_values)
def test_a_mutated_product_is_read_or_refused(field: str, value: object) -> None:
    assert outcome(lambda: catalog_mapping.product({**product_row(), field: value}, currency="IDR", now=NOW))


@given(raw=json_values)
def test_any_json_at_all_is_read_or_refused(raw: object) -> None:
    for read in (mapping.order, mapping.customer, catalog_mapping.review):
        with pytest.raises(BadPayload):
            read(raw, now=NOW)
