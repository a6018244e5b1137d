"""Accounts and their meta data, products, categories and reviews: the surprising parts, and the recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_server.demo.shop import ShopState, running_shop
from plugin_server.demo.shop.model import Customer
from tests.conftest import shared
from tests.demo.conftest import Client
from tests.demo.mirror import mirror
from tests.demo.shapes import differences
from tests.demo.test_replay_reads import ask


def meta(answer: object) -> dict[str, object]:
    return {entry["key"]: entry["value"] for entry in answer.json()["meta_data"]}  # type: ignore[attr-defined]


def write(api: Client, *entries: dict[str, object]) -> dict[str, object]:
    return meta(api.put("customers/2", {"meta_data": list(entries)}))


def test_the_same_key_overwrites_and_numbers_become_text(api: Client) -> None:
    write(api, {"key": "level", "value": "Emas"})
    assert write(api, {"key": "level", "value": "Perak"}, {"key": "points", "value": 1250}) == {
        "level": "Perak", "points": "1250",
    }  # fmt: skip


def test_hidden_and_reserved_keys_are_dropped_in_silence(api: Client) -> None:
    assert write(api, {"key": "_hidden", "value": "x"}, {"key": "wp_capabilities", "value": {"administrator": 1}}) == {}


def test_orders_keep_hidden_keys(api: Client) -> None:
    order = api.order(meta_data=[{"key": "_hidden", "value": "2"}])
    assert [entry["key"] for entry in order["meta_data"]] == ["_hidden"]


def test_null_deletes_an_entry(api: Client) -> None:
    api.put("customers/2", {"meta_data": [{"key": "level", "value": "Emas"}]})
    id = api.get("customers/2").json()["meta_data"][0]["id"]
    assert write(api, {"id": id, "key": "level", "value": None}) == {}


def test_a_meta_key_named_as_a_field_changes_the_field(api: Client) -> None:
    assert write(api, {"key": "billing_phone", "value": "999"}) == {}
    assert api.get("customers/2").json()["billing"]["phone"] == "999"


def test_customers_know_no_changes_and_no_sums(api: Client) -> None:
    row = api.get("customers", modified_after="2099-01-01T00:00:00").json()[0]
    assert row["id"] == 2
    assert not {"orders_count", "total_spent"} & row.keys()
    assert api.get("customers", orderby="modified").json()["code"] == "rest_invalid_param"


def test_other_roles_are_shown_only_when_asked_for(api: Client, shop: ShopState) -> None:
    shop.save(Customer(1, "pemilik@contoh.test", shop.now(), role="administrator", username="admin"))
    assert api.ids("customers") == [2]
    assert api.ids("customers", role="all") == [1, 2]
    assert api.ids("customers", email="BUDI@contoh.test") == [2]


def test_a_batch_of_accounts_reports_the_unknown_in_its_place(api: Client) -> None:
    answer = api.post("customers/batch", {"update": [
        {"id": 2, "meta_data": [{"key": "tangga_rung", "value": "shopper"}]}, {"id": 77, "meta_data": []},
    ]}).json()["update"]  # fmt: skip
    assert answer[0]["meta_data"][0]["value"] == "shopper"
    assert (answer[1]["id"], answer[1]["error"]["code"]) == (77, "wc_user_invalid_id")


def test_a_deleted_account_leaves_its_orders_to_a_guest(api: Client) -> None:
    order = api.order(customer_id=2)
    assert api.delete("customers/2").status_code == 501
    assert api.delete("customers/2", force="true").status_code == 200
    assert api.get(f"orders/{order['id']}").json()["customer_id"] == 0


def test_category_names_come_as_html(api: Client) -> None:
    assert api.get("products/categories").json()[0]["name"] == "Sabun &amp; Lilin"
    assert api.get("products/11").json()["categories"][0]["name"] == "Sabun &amp; Lilin"


def test_variations_stand_below_their_product(api: Client) -> None:
    assert api.ids("products") == [13, 12, 11]
    assert [(row["id"], row["name"]) for row in api.get("products/13/variations").json()] == [(15, "XL"), (14, "S")]
    assert api.get("products/15").json()["name"] == "Kaos - XL"


def test_a_changed_product_is_seen_by_its_date(api: Client) -> None:
    api.put("products/12", {"regular_price": "70000"})
    assert api.ids("products", modified_after="2026-01-01T00:00:00Z") == [12]
    assert api.get("products/12").json()["price"] == "70000"


def test_reviews_keep_the_address_as_typed_and_find_it_blind(api: Client) -> None:
    given = {
        "product_id": 11,
        "review": "Wangi sekali",
        "reviewer": "Siti",
        "reviewer_email": "Siti@Contoh.test",
        "rating": 5,
    }
    made = api.post("products/reviews", given)
    assert (made.status_code, made.json()["review"], made.json()["verified"]) == (201, "Wangi sekali", False)
    row = api.get("products/reviews", reviewer_email="siti@contoh.test").json()[0]
    assert (row["reviewer_email"], row["review"]) == ("Siti@Contoh.test", "<p>Wangi sekali</p>\n")
    assert api.ids("products/reviews", verified="true", modified_after="2099-01-01T00:00:00") == [row["id"]]
    assert api.ids("products/reviews", after="2099-01-01T00:00:00") == []


@pytest.fixture
def recordings() -> Path:
    return shared("contracts", "woocommerce", "recordings")


@pytest.fixture
def mirrored(recordings: Path) -> Iterator[str]:
    with running_shop(mirror(recordings), tls=True, interval=60) as address:
        yield address


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_recorded_writes_of_meta_data_come_out_the_same(recordings: Path, mirrored: str) -> None:
    for name in ("put", "get", "put_same_key", "put_by_id", "reserved", "put_admin_user"):
        recording = json.loads((recordings / "customers-meta" / f"customer_meta_{name}.json").read_text())
        for entry in (recording["request"].get("body") or {}).get("meta_data", []):
            entry.pop("id", None)
        ours, real = ask(mirrored, recording["request"]), recording["response"]
        assert ours.status_code == real["status"]
        assert differences(real["body"], ours.json(), name) == []
        assert meta(ours) == {entry["key"]: entry["value"] for entry in real["body"]["meta_data"]} | (
            {"crm_level": "Berlian"} if name == "reserved" else {}  # deleted in between, in the recording
        )
        assert ours.json()["billing"] == real["body"]["billing"]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_the_recorded_review_and_webhook_answers_have_our_shape(recordings: Path, mirrored: str) -> None:
    for name in ("reviews/create", "reviews/list", "webhooks/create_order_updated", "webhooks/create_bad_topic",
                 "webhooks/create_ftp_url", "webhooks/create_no_url", "webhooks/list",
                 "webhooks/create_with_read_key"):  # fmt: skip
        recording = json.loads((recordings / f"{name}.json").read_text())
        request = {"key": "rw", **recording["request"]}
        if (request.get("body") or {}).get("delivery_url", "").startswith("http:"):
            request["body"]["delivery_url"] = "http://127.0.0.1:9/none"
        ours, real = ask(mirrored, request), recording["response"]
        assert ours.status_code == real["status"], name
        if ours.status_code >= 400:
            assert ours.json() == real["body"]
        else:
            assert differences(real["body"], ours.json(), name) == []
