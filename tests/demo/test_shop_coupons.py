"""The traps of coupons, each by its name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plugin_server.demo.shop import ShopState
from tests.demo.conftest import Client, Clock


def refusal(api: Client, code: str, **given: object) -> str:
    """The message with which an order of four soaps and this code is refused."""
    lines = [{"product_id": 11, "quantity": 4}]
    basic = {"billing": {"email": "siti@contoh.test"}, "line_items": lines, "coupon_lines": [{"code": code}]}
    answer = api.post("orders", {**basic, **given})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["message"])


def use(api: Client, code: str, **given: object) -> dict[str, object]:
    return api.order(**{"line_items": [{"product_id": 11, "quantity": 4}], "coupon_lines": [{"code": code}], **given})


def test_an_invalid_address_is_dropped_and_the_coupon_open_to_all(api: Client) -> None:
    made = api.coupon("TERBUKA", email_restrictions=["bukan-email"])
    assert made["email_restrictions"] == []
    assert use(api, "terbuka")["discount_total"] == "10000"


def test_characters_an_address_cannot_hold_are_cut_out_of_it(api: Client) -> None:
    made = api.coupon("X", email_restrictions=["si ti@contoh.test", "BUDI@Contoh.TEST", "*@vip.test"])
    assert made["email_restrictions"] == ["siti@contoh.test", "budi@contoh.test", "*@vip.test"]


@pytest.mark.parametrize(
    ("written", "local", "gmt"),
    [
        ("2026-12-31", "2026-12-31T00:00:00", "2026-12-30T17:00:00"),
        ("2026-12-31T23:59:59", "2026-12-31T23:59:59", "2026-12-31T16:59:59"),
        ("2026-12-31T16:59:59Z", "2026-12-31T23:59:59", "2026-12-31T16:59:59"),
        ("besok", "1970-01-01T00:00:00", "1969-12-31T17:00:00"),
    ],
)
def test_a_date_of_expiry_is_shop_time(api: Client, written: str, local: str, gmt: str) -> None:
    made = api.coupon("X", date_expires=written)
    assert (made["date_expires"], made["date_expires_gmt"]) == (local, gmt)


def test_the_gmt_form_of_the_expiry_is_ignored_and_only_empty_text_clears_it(api: Client) -> None:
    assert api.coupon("A", date_expires_gmt="2026-12-31T16:59:59")["date_expires"] is None
    made = api.coupon("B", date_expires="2026-12-31")
    assert api.put(f"coupons/{made['id']}", {"date_expires": None}).json()["date_expires"] == "2026-12-31T00:00:00"
    assert api.put(f"coupons/{made['id']}", {"date_expires": ""}).json()["date_expires"] is None


def test_a_bare_date_does_not_work_on_its_own_day(api: Client, shop: ShopState) -> None:
    today = datetime.now(UTC).astimezone(shop.zone).date().isoformat()
    api.coupon("HARIINI", date_expires=today)
    assert refusal(api, "hariini") == "Coupon &quot;hariini&quot; has expired."


@pytest.mark.parametrize(("written", "kept"), [("25.000", "25.00"), ("10,5", "10.50"), ("1.250.000", "1250.00")])
def test_amounts_are_read_in_a_mix_of_notations(api: Client, written: str, kept: str) -> None:
    assert api.coupon("X", discount_type="fixed_cart", amount=written)["amount"] == kept


def test_more_than_all_is_refused_and_on_the_old_version_becomes_nothing(api: Client, shop: ShopState) -> None:
    answer = api.post("coupons", {"code": "x", "discount_type": "percent", "amount": "150"})
    assert (answer.status_code, answer.json()["code"]) == (400, "coupon_invalid_amount")
    shop.legacy = True
    assert api.coupon("y", amount="150", status="draft")["amount"] == "0.00"
    assert api.get("coupons", code="y").json()[0]["status"] == "publish"


def test_a_code_is_taken_whatever_its_case_until_it_is_in_the_trash(api: Client) -> None:
    first = api.coupon("HEMAT")
    assert first["code"] == "hemat"
    again = api.post("coupons", {"code": "hEmAt", "amount": "1"})
    assert again.json()["code"] == "woocommerce_rest_coupon_code_already_exists"
    api.delete(f"coupons/{first['id']}")
    assert api.coupon("HEMAT")["id"] != first["id"]
    assert api.get(f"coupons/{first['id']}").json()["status"] == "trash"


def test_a_batch_of_101_is_refused_whole(api: Client, shop: ShopState) -> None:
    answer = api.post("coupons/batch", {"create": [{"code": f"c{at}", "amount": "1"} for at in range(101)]})
    assert (answer.status_code, shop.coupons) == (413, {})


def test_failures_in_a_batch_stand_in_their_places(api: Client, shop: ShopState) -> None:
    kept = api.coupon("ada")
    answer = api.post("coupons/batch", {
        "create": [{"code": "ADA", "amount": "1"}, {"code": "baru", "amount": "1"}, {"amount": "1"}],
        "update": [{"id": 9999, "amount": "1"}], "delete": [kept["id"]],
    }).json()  # fmt: skip
    codes = [one.get("error", {}).get("code") for one in answer["create"]]
    assert codes == ["woocommerce_rest_coupon_code_already_exists", None, "woocommerce_rest_empty_coupon_code"]
    assert answer["update"] == [{"id": 9999, "error": {"code": "woocommerce_rest_shop_coupon_invalid_id",
                                                       "message": "Invalid ID.", "data": {"status": 400}}}]  # fmt: skip
    assert answer["delete"][0]["code"] == "ada"
    assert [coupon.code for coupon in shop.coupons.values()] == ["baru"]


def test_a_personal_code_is_refused_to_others_and_leaves_a_draft_behind(api: Client, shop: ShopState) -> None:
    api.coupon("KHUSUS", email_restrictions=["budi@contoh.test"])
    said = "Please enter a valid email at checkout to use coupon code &quot;khusus&quot;."
    assert refusal(api, "khusus") == said
    drafts = [order for order in shop.orders.values() if order.status == "checkout-draft"]
    assert [draft.billing["email"] for draft in drafts] == ["siti@contoh.test"]
    assert use(api, "khusus", billing={"email": "BUDI@contoh.test"})["discount_total"] == "10000"


def test_a_code_is_given_back_by_failed_cancelled_and_trashed_orders(api: Client) -> None:
    coupon = api.coupon("SEKALI", usage_limit=1)
    order = use(api, "sekali", status="pending")
    counts = []
    for status in ("on-hold", "processing", "completed", "refunded", "failed", "cancelled", "pending"):
        api.put(f"orders/{order['id']}", {"status": status})
        counts.append(api.get(f"coupons/{coupon['id']}").json()["usage_count"])
    api.delete(f"orders/{order['id']}")
    counts.append(api.get(f"coupons/{coupon['id']}").json()["usage_count"])
    assert counts == [1, 1, 1, 1, 0, 0, 1, 0]


def test_used_by_mixes_addresses_and_accounts(api: Client) -> None:
    coupon = api.coupon("RAMAI")
    use(api, "ramai")
    use(api, "ramai", customer_id=2, billing={"email": "budi@contoh.test"})
    assert api.get(f"coupons/{coupon['id']}").json()["used_by"] == ["siti@contoh.test", "2"]


def test_a_used_code_is_refused(api: Client) -> None:
    api.coupon("SEKALI", usage_limit=1)
    use(api, "sekali")
    assert refusal(api, "sekali") == "Usage limit for coupon &quot;sekali&quot; has been reached."


def test_a_put_enforces_codes_too(api: Client, shop: ShopState, clock: Clock) -> None:
    api.coupon("LAMA", date_expires="2020-01-01")
    order = api.order()
    answer = api.put(f"orders/{order['id']}", {"coupon_lines": [{"code": "lama"}]})
    assert (answer.status_code, answer.json()["code"]) == (400, "woocommerce_rest_invalid_coupon")
    assert shop.orders[order["id"]].coupon_lines == []


def test_an_amount_off_the_cart_is_spread_and_never_more_than_the_cart(api: Client) -> None:
    api.coupon("BESAR", discount_type="fixed_cart", amount="1000000")
    api.coupon("POTONG", discount_type="fixed_cart", amount="10000")
    lines = [{"product_id": 11, "quantity": 2}, {"product_id": 12, "quantity": 1}]
    spread = use(api, "potong", line_items=lines)
    assert [line["total"] for line in spread["line_items"]] == ["43334", "61666"]
    assert spread["discount_total"] == "10000"
    assert use(api, "besar", line_items=lines)["total"] == "0"


def test_markup_in_a_code_kills_the_request(api: Client) -> None:
    assert api.post("coupons", {"code": "A&B<1>", "amount": "5"}).status_code == 500
