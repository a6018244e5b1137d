"""The recorded life of coupons, asked again in the recorded order: traps included."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from plugin_server.demo.shop import ShopState, running_shop
from plugin_server.demo.shop.coupon_writing import CouponWriter
from tests.conftest import shared
from tests.demo.mirror import mirror
from tests.demo.shapes import differences
from tests.demo.test_replay_reads import ask

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

_LIFE = (
    "create_percent", "get_by_code", "create_duplicate_same_case", "create_duplicate_other_case", "create_fixed_cart",
    "create_fixed_product", "create_everything", "create_edge_expires_datetime_local", "create_edge_expires_gmt",
    "create_edge_expires_Z", "create_edge_expires_garbage", "create_edge_comma_amount", "create_edge_thousand_sep",
    "create_edge_bad_email", "create_edge_many_emails", "create_edge_usage_limit_0", "create_edge_unicode_code",
    "create_edge_space_code", "create_edge_bad_product", "create_edge_status_draft", "create_edge_fixed_0",
    "create_edge_amp_code", "create_edge_bad_type", "create_edge_negative", "create_edge_no_code",
    "create_edge_percent_150", "search", "update_amount", "update_code_to_taken", "update_clear_expiry", "trash",
    "create_same_code_after_trash", "delete_force", "get_deleted", "batch_create_101", "batch_create_100",
    "batch_partial_failure", "batch_update_100", "batch_51_create_50_delete", "batch_delete_98", "batch_after",
)  # fmt: skip
_VALUES = (
    "code", "amount", "status", "discount_type", "date_expires", "date_expires_gmt", "usage_limit",
    "email_restrictions", "usage_limit_per_user", "limit_usage_to_x_items", "minimum_amount", "maximum_amount",
    "free_shipping", "individual_use", "product_ids", "used_by", "usage_count",
)  # fmt: skip

# The coupons behind the recorded orders: their names and rules, as far as the orders show them.
_BEHIND_ORDERS: dict[str, dict[str, Any]] = {
    "kadaluwarsa29562": {"date_expires": "2020-01-01"},
    "emailku29562": {"email_restrictions": ["budi.santoso@contoh.test"]},
    "sekali29562": {"usage_limit": 1},
    "perorang29562": {"usage_limit_per_user": 1},
    "min35029562": {"discount_type": "fixed_cart", "amount": "20000", "minimum_amount": "350000"},
    "maks29562": {"maximum_amount": "50000"},
    "produksalah29562": {"product_ids": [12]},
    "kategori29562": {"amount": "50", "product_categories": [16]},
    "nosale29562": {"exclude_sale_items": True},
    "ongkir29562": {"discount_type": "fixed_cart", "amount": "0", "free_shipping": True},
    "indi29562": {"individual_use": True},
    "lain29562": {},
    "batalnanti29562": {},
    "beli3bayar70a29562": {
        "discount_type": "fixed_product", "amount": "5000", "product_ids": [14], "limit_usage_to_x_items": 1,
    },
    "beli3bayar70b29562": {
        "discount_type": "fixed_product", "amount": "5000", "product_ids": [14], "limit_usage_to_x_items": 1,
        "minimum_amount": "75000",
    },
    "beli3bayar70c29562": {
        "discount_type": "fixed_product", "amount": "1666.67", "product_ids": [14], "limit_usage_to_x_items": 3,
    },
    "beli10gratis129562": {
        "amount": "100", "product_ids": [20], "limit_usage_to_x_items": 1, "minimum_amount": "198000",
    },
    "hadiah35029562": {"amount": "100", "product_ids": [20], "limit_usage_to_x_items": 1, "minimum_amount": "350000"},
}  # fmt: skip


@pytest.fixture
def recordings() -> Path:
    return shared("contracts", "woocommerce", "recordings")


@pytest.fixture
def shop(recordings: Path) -> ShopState:
    return mirror(recordings)


@pytest.fixture
def url(shop: ShopState) -> Iterator[str]:
    with running_shop(shop, tls=True, interval=60) as address:
        yield address


def _translated(request: dict[str, Any], ids: dict[int, int]) -> dict[str, Any]:
    """The request with the recorded ids replaced by ours."""
    path = re.sub(r"/(\d+)$", lambda found: f"/{ids.get(int(found[1]), int(found[1]))}", request["path"])
    body = request.get("body")
    if isinstance(body, dict):
        body = {**body, "update": [{**one, "id": ids.get(one["id"], one["id"])} for one in body.get("update", [])],
                "delete": [ids.get(one, one) for one in body.get("delete", [])]}  # fmt: skip
        body = {key: value for key, value in body.items() if value != [] or key not in {"update", "delete"}}
    return {**request, "path": path, "body": body}


def _learn(real: Any, ours: Any, ids: dict[int, int]) -> None:
    if isinstance(real, dict) and isinstance(ours, dict) and real.get("id"):
        ids[real["id"]] = ours.get("id", 0)
    elif isinstance(real, dict) and isinstance(ours, dict):
        for key in real.keys() & ours.keys():
            _learn(real[key], ours[key], ids)
    elif isinstance(real, list) and isinstance(ours, list):
        for one, other in zip(real, ours, strict=False):
            _learn(one, other, ids)


def _agree(name: str, real: dict[str, Any], ours: requests.Response) -> None:
    body = ours.json()
    assert ours.status_code == real["status"], (name, ours.text)
    if ours.status_code >= 400:
        assert body == real["body"], name
        return
    assert differences(real["body"], body, name) == []
    if isinstance(body, dict) and "code" in body:
        assert {key: body[key] for key in _VALUES} == {key: real["body"][key] for key in _VALUES}, name


def test_the_life_of_coupons_goes_as_recorded(recordings: Path, url: str) -> None:
    ids: dict[int, int] = {}
    for name in _LIFE:
        recording = json.loads((recordings / "coupons" / f"{name}.json").read_text())
        answer = ask(url, _translated(recording["request"], ids))
        _learn_all(recording, answer, ids)
        _agree(name, recording["response"], answer)


def _learn_all(recording: dict[str, Any], answer: requests.Response, ids: dict[int, int]) -> None:
    """Ids of a trimmed batch answer run on from its first one."""
    real, ours = recording["response"]["body"], answer.json()
    _learn(real, ours, ids)
    if isinstance(ours, dict) and isinstance(ours.get("create"), list) and real.get("create"):
        first = next((one["id"] for one in real["create"] if one.get("id")), 0)
        for at, one in enumerate(one for one in ours["create"] if one["id"]):
            ids[first + at] = one["id"]


def _order_cases() -> list[str]:
    try:
        folder = shared("contracts", "woocommerce", "recordings", "coupons")
    except pytest.skip.Exception:
        return []
    names = [path.stem for path in folder.glob("order_*.json")]
    return sorted(set(names) - {"order_whose_coupon_was_deleted"})


# What must have been ordered before for the recorded answer to come about.
_BEFORE = {
    "order_usage_limit_second": ["order_usage_limit_first"],
    "order_per_user_second_same_email": ["order_per_user_first"],
    "order_per_user_other_email": ["order_per_user_first"],
    "order_per_user_customer_second": ["order_per_user_customer_first"],
}


@pytest.mark.parametrize("name", _order_cases())
def test_an_order_with_a_code_goes_as_recorded(recordings: Path, shop: ShopState, url: str, name: str) -> None:
    shop.products[23].price = Decimal(98_000)  # the small shirt had become cheaper by then
    for code, rules in _BEHIND_ORDERS.items():
        CouponWriter(shop).create({"code": code, "discount_type": "percent", "amount": "10", **rules})
    for earlier in _BEFORE.get(name, []):
        ask(url, json.loads((recordings / "coupons" / f"{earlier}.json").read_text())["request"])
    recording = json.loads((recordings / "coupons" / f"{name}.json").read_text())
    ours = ask(url, recording["request"])
    real, body = recording["response"]["body"], ours.json()
    assert ours.status_code == recording["response"]["status"], ours.text
    if ours.status_code >= 400:
        assert (body["code"], body["message"]) == (real["code"], real["message"])
        assert ("new_draft_order_id" in body["data"]) == ("new_draft_order_id" in real["data"])
        return
    assert differences(real, body) == []
    money = ("discount_total", "discount_tax", "cart_tax", "total", "total_tax", "shipping_total")
    assert {key: body[key] for key in money} == {key: real[key] for key in money}
    assert [line["discount"] for line in body["coupon_lines"]] == [line["discount"] for line in real["coupon_lines"]]
    told = [json.loads(line["meta_data"][0]["value"])[1:] for line in body["coupon_lines"]]
    assert told == [json.loads(line["meta_data"][0]["value"])[1:] for line in real["coupon_lines"]]
