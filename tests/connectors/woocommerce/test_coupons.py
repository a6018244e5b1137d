"""Codes: worth what was asked, to whom it was asked, for as long as it was asked, and made once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.types import CodeSpec, DiscountKind
from connectors.woocommerce.coupon_terms import ADDRESS, body, differences, refusal
from tests.connectors.server import Answer, Asked
from tests.connectors.woocommerce.shop import NOW, Shop, open_shop

ENDS = datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC)
SPEC = CodeSpec(
    code="LEBARAN-A1",
    kind=DiscountKind.PERCENTAGE,
    value=Decimal(10),
    currency="IDR",
    email="Sari@Contoh.test",
    expires_at=ENDS,
    minimum_minor=10_000_000,
)


def numbered(count: int) -> list[CodeSpec]:
    return [replace(SPEC, code=f"KODE-{number:04d}", email=f"o{number}@contoh.test") for number in range(count)]


def test_what_is_asked_for() -> None:
    assert body(SPEC) == {
        "code": "lebaran-a1",
        "discount_type": "percent",
        "amount": "10.00",
        "free_shipping": False,
        "email_restrictions": ["sari@contoh.test"],
        "date_expires": "2026-12-31T16:59:59Z",
        "usage_limit": 1,
        "individual_use": True,
        "minimum_amount": "100000.00",
        "product_ids": [],
        "limit_usage_to_x_items": None,
        "description": "",
        "meta_data": [{"key": "tangga_offer", "value": "lebaran-a1"}],
    }


def test_a_code_is_made_and_a_second_call_makes_none() -> None:
    shop = Shop()
    with open_shop(shop) as (store, _):
        first = store.create_codes([SPEC])
        assert store.create_codes([SPEC]) == first
    assert (first[0].error, len(shop.coupons)) == (None, 1)
    assert str(next(iter(shop.coupons))) == first[0].external_id


def test_batches_of_a_hundred_in_their_order() -> None:
    shop = Shop()
    with open_shop(shop) as (store, server):
        results = store.create_codes(numbered(250))
    assert [result.code for result in results] == [f"KODE-{number:04d}" for number in range(250)]
    assert all(result.external_id for result in results)
    sizes = [len(asked.json["create"]) for asked in server.asked if asked.path.endswith("coupons/batch")]
    assert sizes == [100, 100, 50]


@pytest.mark.parametrize(
    "change",
    [
        {"email": "bukan-email"},
        {"email": ""},
        {"email": "*@contoh.test"},
        {"email": "a@b@contoh.test"},
        {"email": "ñandu@contoh.test"},
        {"email": '"a b"@contoh.test'},
        {"email": "a..b@contoh.test"},
        {"email": "a@contoh"},
        {"email": "a@-contoh.test"},
        {"email": "sari@contoh.test\n"},
        {"code": "A&B<1>"},
        {"code": "AB"},
        {"code": " UJI"},
        {"value": Decimal(101)},
        {"value": Decimal(0)},
        {"value": Decimal(-5)},
        {"value": Decimal("10.005")},
        {"value": Decimal("NaN")},
        {"value": Decimal("Infinity")},
        {"usage_limit": 0},
        {"expires_at": NOW - timedelta(seconds=1)},
        {"expires_at": datetime(2027, 1, 1)},  # noqa: DTZ001
        {"currency": "USD"},
        {"minimum_minor": -1},
        {"product_external_ids": ("x",)},
    ],
)
def test_what_the_shop_would_misread_is_refused_before_it_is_sent(change: dict[str, Any]) -> None:
    with open_shop(Shop(), currency="IDR") as (store, server):
        result = store.create_codes([replace(SPEC, **change)])[0]
    assert result.external_id is None
    assert result.error
    assert result.permanent
    assert server.asked == []


def test_one_refused_spec_does_not_cost_the_others() -> None:
    with open_shop(Shop()) as (store, _):
        results = store.create_codes(
            [replace(SPEC, code="SATU"), replace(SPEC, email="bukan"), replace(SPEC, code="DUA")]
        )
    assert [bool(result.external_id) for result in results] == [True, False, True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email_restrictions", []),
        ("email_restrictions", ["sari@contoh.test", "lain@contoh.test"]),
        ("amount", "10000.00"),
        ("discount_type", "fixed_cart"),
        ("date_expires_gmt", None),
        ("date_expires_gmt", "2027-12-31T16:59:59"),
        ("usage_limit", None),
        ("minimum_amount", "0.00"),
        ("free_shipping", True),
        ("status", "draft"),
        ("product_ids", [1]),
    ],
)
def test_a_coupon_that_came_out_different_is_deleted_at_once(field: str, value: object) -> None:
    shop = Shop()
    shop.after_create = lambda row: row.update({field: value})
    with open_shop(shop) as (store, _):
        result = store.create_codes([SPEC])[0]
    assert shop.coupons == {}
    assert result.external_id is None
    assert result.error is not None
    assert field.removesuffix("_gmt") in result.error
    assert "deleted again" in result.error


def test_a_wrong_coupon_that_cannot_be_deleted_is_said_so() -> None:
    shop = Shop()
    shop.after_create = lambda row: row.update(email_restrictions=[])
    shop.before = lambda asked: Answer(status=500) if b'"delete"' in asked.body else None
    with open_shop(shop) as (store, _):
        result = store.create_codes([SPEC])[0]
    assert result.error is not None
    assert "delete it in the shop" in result.error
    assert not result.permanent


def test_an_answer_lost_on_the_way_is_looked_up_not_repeated() -> None:
    shop = Shop()

    def make_and_fail(asked: Asked) -> Answer | None:
        if b'"create"' not in asked.body:
            return None
        shop._guarded(asked)
        return Answer(hang_up=True)

    shop.before = make_and_fail
    with open_shop(shop) as (store, server):
        results = store.create_codes(numbered(3))
    assert [result.error for result in results] == [None, None, None]
    assert len(shop.coupons) == 3
    assert len([asked for asked in server.asked if asked.method == "POST"]) == 1


def test_a_batch_that_never_arrived_is_to_be_tried_again() -> None:
    shop = Shop()
    shop.before = lambda asked: Answer(status=502) if asked.method == "POST" else None
    with open_shop(shop) as (store, _):
        result = store.create_codes([SPEC])[0]
    assert (result.external_id, result.permanent) == (None, False)


def test_a_coupon_of_the_shops_own_with_this_code_is_left_alone() -> None:
    shop = Shop()
    shop.coupons[5] = {**body(SPEC), "id": 5, "meta_data": [], "date_expires_gmt": "2026-12-31T16:59:59"}
    with open_shop(shop) as (store, _):
        result = store.create_codes([SPEC])[0]
    assert result.error == "The shop already has a coupon of its own with this code."
    assert 5 in shop.coupons


def test_an_unused_leftover_of_ours_with_other_terms_makes_room() -> None:
    shop = Shop()
    shop.coupons[5] = {**body(SPEC), "id": 5, "email_restrictions": [], "date_expires_gmt": "2026-12-31T16:59:59"}
    with open_shop(shop) as (store, _):
        first = store.create_codes([SPEC])[0]
        assert (first.external_id, first.permanent, shop.coupons) == (None, False, {})
        assert store.create_codes([SPEC])[0].error is None


def test_a_used_code_of_ours_with_other_terms_is_kept_and_named() -> None:
    shop = Shop()
    shop.coupons[5] = {
        **body(SPEC),
        "id": 5,
        "amount": "5.00",
        "date_expires_gmt": "2026-12-31T16:59:59",
        "usage_count": 1,
    }
    with open_shop(shop) as (store, _):
        result = store.create_codes([SPEC])[0]
    assert result.error == "The code exists and was used, with another amount."
    assert 5 in shop.coupons


def test_one_code_asked_for_twice_is_made_once() -> None:
    shop = Shop()
    with open_shop(shop) as (store, _):
        same = store.create_codes([SPEC, replace(SPEC, code="lebaran-a1")])
        assert same[1].error == "The same code was asked for twice, with different terms."
        twice = store.create_codes([SPEC, SPEC])
    assert twice[0].external_id == twice[1].external_id
    assert len(shop.coupons) == 1


def test_a_refused_key_is_raised_before_anything_was_made() -> None:
    shop = Shop()
    shop.permission = "read"
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError) as caught:
        store.create_codes([SPEC])
    assert (caught.value.code, caught.value.permanent) == ("read_only", True)


def test_a_refusal_half_way_keeps_what_was_made() -> None:
    shop = Shop()
    batches: list[int] = []

    def second_is_throttled(asked: Asked) -> Answer | None:
        if asked.method == "POST":
            batches.append(1)
        return Answer(status=429) if len(batches) == 2 and asked.method == "POST" else None

    shop.before = second_is_throttled
    with open_shop(shop) as (store, _):
        results = store.create_codes(numbered(150))
    assert sum(1 for result in results if result.external_id) == 100
    assert {result.permanent for result in results[100:]} == {False}


def test_free_shipping_and_fixed_amounts() -> None:
    free = body(replace(SPEC, kind=DiscountKind.FREE_SHIPPING, value=Decimal(0)))
    assert (free["discount_type"], free["amount"], free["free_shipping"]) == ("percent", "0.00", True)
    fixed = body(replace(SPEC, kind=DiscountKind.FIXED, value=Decimal("25000")))
    assert (fixed["discount_type"], fixed["amount"]) == ("fixed_cart", "25000.00")
    product = body(replace(SPEC, kind=DiscountKind.FIXED, value=Decimal(5000), product_external_ids=("14",)))
    assert (product["discount_type"], product["product_ids"]) == ("fixed_product", [14])


def test_an_amount_off_a_product_is_given_for_one_piece_only() -> None:
    spec = replace(SPEC, kind=DiscountKind.FIXED, value=Decimal(5000), product_external_ids=("14",))
    wanted = body(spec)
    assert wanted["limit_usage_to_x_items"] == 1
    made = {**wanted, "date_expires_gmt": "2026-12-31T16:59:59", "limit_usage_to_x_items": None}
    assert differences(made, spec) == ["limit_usage_to_x_items"]


def test_revoked_codes_are_gone_and_revoking_again_is_fine() -> None:
    shop = Shop()
    with open_shop(shop) as (store, server):
        numbers = [result.external_id or "" for result in store.create_codes(numbered(150))]
        store.revoke_codes(numbers)
        store.revoke_codes(numbers)
    assert shop.coupons == {}
    sizes = [len(asked.json["delete"]) for asked in server.asked if b'"delete"' in asked.body]
    assert sizes == [100, 50, 100, 50]


def test_a_code_the_shop_will_not_delete_is_an_error() -> None:
    shop = Shop()
    kept = {"delete": [{"id": 5, "error": {"code": "woocommerce_rest_cannot_delete", "message": "No <b>rights</b>."}}]}
    shop.before = lambda asked: Answer(kept) if b'"delete"' in asked.body else None
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError, match="The shop keeps a code: No rights"):
        store.revoke_codes(["5"])


@pytest.mark.parametrize("answer", [{}, [], None, {"delete": []}, {"delete": "done"}])
def test_an_answer_that_says_nothing_of_the_codes_does_not_count_as_deleted(answer: object) -> None:
    shop = Shop()
    shop.before = lambda asked: Answer(answer) if b'"delete"' in asked.body else None
    with open_shop(shop) as (store, _), pytest.raises(ConnectorError, match="whether the codes are gone") as caught:
        store.revoke_codes(["5"])
    assert not caught.value.permanent


@given(local=st.text("ab.+'-_ñ* ", max_size=8), labels=st.lists(st.text("ab1-_.", max_size=5), max_size=4))
def test_no_accepted_address_is_one_wordpress_would_drop(local: str, labels: list[str]) -> None:
    """WordPress: ASCII, one @, no dots in a row, a domain of two labels without hyphens at their ends, 6 and up."""
    address = f"{local}@{'.'.join(labels)}"
    if not ADDRESS.fullmatch(address):
        return
    domain = address.rpartition("@")[2].split(".")
    assert address.isascii()
    assert 6 <= len(address) <= 254
    assert not {" ", "*"} & set(address)
    assert ".." not in address
    assert not local.startswith(".")
    assert len(domain) >= 2
    assert all(label and label.strip("-") == label and "_" not in label for label in domain)


@pytest.mark.parametrize("address", ["sari@contoh.test", "O'Neil+x@mail.toko-senja.co.id", "a_b-c.d@x1.io"])
def test_ordinary_addresses_are_accepted(address: str) -> None:
    assert refusal(replace(SPEC, email=address), currency="IDR", now=NOW) == ""


@given(
    percent=st.decimals(min_value="0.01", max_value=100, places=2),
    minimum=st.integers(0, 10**12),
    limit=st.integers(1, 100),
)
def test_an_honest_shop_always_passes_the_comparison(percent: Decimal, minimum: int, limit: int) -> None:
    spec = replace(SPEC, value=percent, minimum_minor=minimum, usage_limit=limit)
    assert refusal(spec, currency="IDR", now=NOW) == ""
    coupon = {**body(spec), "id": 1, "status": "publish", "date_expires_gmt": "2026-12-31T16:59:59"}
    assert differences(coupon, spec) == []
