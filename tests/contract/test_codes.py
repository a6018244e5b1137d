"""What every store promises about codes: made once, exactly, for one person, and judged by the shop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.offers.codes import code_for
from connectors.types import CodeSpec, DiscountKind
from plugin_server.demo.shop.faults import Broken, Lost
from tests.contract.conftest import NOW
from tests.contract.counters import Counter


def spec(shop: Counter, number: int = 0) -> CodeSpec:
    return CodeSpec(
        code=f"SENJA-{number}",
        kind=DiscountKind.PERCENTAGE,
        value=Decimal(10),
        currency="IDR",
        email=shop.accounts()[number][1],
        expires_at=NOW + timedelta(days=14),
        minimum_minor=50_000_000,
    )


def test_codes_are_made_once_and_can_be_taken_back(shop: Counter) -> None:
    specs = [spec(shop, number) for number in range(12)]
    first = shop.store.create_codes(specs)
    assert [(result.code, result.error) for result in first] == [(one.code, None) for one in specs]
    assert shop.store.create_codes(specs) == first
    assert shop.codes() == {one.code for one in specs}
    assert shop.refusal("SENJA-3", specs[3].email) is None
    ids = [result.external_id or "" for result in first]
    shop.store.revoke_codes(ids)
    shop.store.revoke_codes(ids)
    assert {shop.refusal(one.code, one.email) for one in specs} <= {"unknown", "expired"}


@pytest.mark.parametrize("kind", [DiscountKind.PERCENTAGE, DiscountKind.FREE_SHIPPING])
def test_codes_stand_alone_or_combine_as_they_were_asked_for(shop: Counter, kind: DiscountKind) -> None:
    alone, beside = (replace(spec(shop, n), kind=kind, combines=bool(n)) for n in (0, 1))
    made = shop.store.create_codes([alone, beside])
    assert [result.error for result in made] == [None, None]
    assert shop.store.create_codes([alone, beside]) == made
    # Asked for with other words, it is another code: the one there is taken away, never left as it is.
    again = shop.store.create_codes([replace(alone, combines=True)])[0]
    assert again.external_id != made[0].external_id


def test_a_leaked_code_gives_way_to_the_next_generation(shop: Counter) -> None:
    owner, words = shop.accounts()[0][1], {"prefix": "SENJA", "run_id": 1, "customer_id": 1}
    first, second = (code_for("s" * 32, generation=generation, **words) for generation in (0, 1))  # type: ignore[arg-type]
    old = shop.store.create_codes([replace(spec(shop), code=first)])[0]
    shop.store.revoke_codes([old.external_id or ""])
    shop.store.revoke_codes([old.external_id or ""])
    new = [shop.store.create_codes([replace(spec(shop), code=second)])[0] for _ in range(2)]
    assert new[0] == new[1]
    assert new[0].error is None
    assert shop.refusal(first, owner) in {"unknown", "expired"}
    assert shop.refusal(second, "stranger@contoh.test") == "email"
    shop.redeem(second, owner)
    assert shop.refusal(second, owner) == "limit"


@pytest.mark.parametrize("kind", [DiscountKind.PERCENTAGE, DiscountKind.FIXED, DiscountKind.FREE_SHIPPING])
def test_the_shop_keeps_a_code_to_its_terms(shop: Counter, kind: DiscountKind) -> None:
    asked = replace(spec(shop), kind=kind, value=Decimal(10_000 if kind is DiscountKind.FIXED else 10))
    result = shop.store.create_codes([asked])[0]
    assert result.error is None
    assert shop.refusal(asked.code, shop.accounts()[1][1]) == "email"
    assert shop.refusal(asked.code, "stranger@contoh.test") == "email"
    assert shop.refusal(asked.code, asked.email, pieces=1) == "minimum"
    assert shop.refusal(asked.code.lower(), asked.email.upper()) is None
    order = shop.store.order(shop.redeem(asked.code, asked.email))
    assert order is not None
    assert [code.upper() for code in order.coupon_codes] == [asked.code]
    assert shop.refusal(asked.code, asked.email) == "limit"


def test_a_code_whose_time_is_over_is_refused(shop: Counter) -> None:
    late = replace(spec(shop), expires_at=NOW - timedelta(days=2))
    result = shop.store.create_codes([late])[0]
    assert result.error is not None or shop.refusal(late.code, late.email) == "expired"


def test_a_code_of_somebody_else_is_never_taken_for_ours(shop: Counter) -> None:
    shop.foreign_code("SENJA-0")
    results = shop.store.create_codes([spec(shop, 0), spec(shop, 1)])
    assert results[0].external_id is None
    assert results[0].error
    assert results[1].error is None
    assert shop.codes() == {"SENJA-0", "SENJA-1"}
    assert shop.refusal("SENJA-0", "stranger@contoh.test") is None  # still theirs, and still for all


def test_asking_again_with_other_terms_makes_no_wider_code(shop: Counter) -> None:
    shop.store.create_codes([spec(shop)])
    shop.store.create_codes([replace(spec(shop), value=Decimal(50), email=shop.accounts()[5][1])])
    assert shop.refusal("SENJA-0", shop.accounts()[5][1]) in {"email", "unknown", "expired"}


@pytest.mark.parametrize("email", ["bukan-email", "", "a@b@c.test", "*@contoh.test"])
def test_an_impossible_address_never_opens_a_code_to_all(shop: Counter, email: str) -> None:
    result = shop.store.create_codes([replace(spec(shop), email=email)])[0]
    assert result.external_id is None
    assert result.error
    assert shop.refusal("SENJA-0", "stranger@contoh.test") in {"unknown", "email", "expired"}


@pytest.mark.parametrize("fault", [Lost(), Broken(503)])
def test_an_answer_that_never_came_makes_no_code_twice(shop: Counter, fault: Lost | Broken) -> None:
    shop.spoil("codes", fault)
    specs = [spec(shop, 1), spec(shop, 2)]
    results = shop.store.create_codes(specs)
    if any(result.error for result in results):  # said to be in doubt: then asking again is what mends it
        assert not [result for result in results if result.error and result.permanent]
        results = shop.store.create_codes(specs)
    assert [result.error for result in results] == [None, None]
    assert shop.codes() == {"SENJA-1", "SENJA-2"}
