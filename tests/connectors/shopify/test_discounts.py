"""Promise 3 at Shopify: no code is worth more, or to others, or longer than its offer says, whatever the shop does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.offer_types import Reach
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.code_batches import CodeBatches
from connectors.shopify.deals import DealMaker
from connectors.shopify.discounts import DiscountMaker
from connectors.types import CodeSpec, Deal, DealKind, DiscountKind
from tests.connectors.server import Answer
from tests.connectors.shopify.discounts import Discounts
from tests.connectors.shopify.shop import NOW, Call, Row, Shop, a_client, running

END = NOW + timedelta(days=14)
SPEC = CodeSpec("LOY-7KQ2", DiscountKind.PERCENTAGE, Decimal("12.5"), "EUR", "Sari@contoh.test", END,
                minimum_minor=5000, description="tangga:17")  # fmt: skip
FIXED = replace(SPEC, code="LOY-FIX", kind=DiscountKind.FIXED, value=Decimal("5.00"), product_external_ids=("9", "7"))
SHIPPING = replace(SPEC, code="LOY-SHIP", kind=DiscountKind.FREE_SHIPPING, value=Decimal(0), minimum_minor=0)


@contextmanager
def selling() -> Iterator[tuple[Shop, Discounts, DiscountMaker]]:
    with running() as (shop, server):
        client = a_client(server)
        yield shop, Discounts(shop), DiscountMaker(client, CatalogReader(client), "EUR")


def test_personal_codes_are_bound_to_their_customer_and_made_once() -> None:
    with selling() as (_, discounts, maker):
        first = maker.create([SPEC, FIXED, SHIPPING])
        assert maker.create([SPEC, FIXED, SHIPPING]) == first
    assert [result.error for result in first] == [None, None, None]
    assert len(discounts.rows) == 3
    asked = {given["code"]: given for given in discounts.given}
    assert asked["LOY-7KQ2"] == {
        "title": "Tangga tangga:17 LOY-7KQ2", "code": "LOY-7KQ2", "startsAt": "2026-11-22T06:55:00Z",
        "endsAt": "2026-12-06T07:00:00Z", "usageLimit": 1, "appliesOncePerCustomer": True,
        "context": {"customers": {"add": ["gid://shopify/Customer/42"]}}, "tags": ["tangga", "tangga-personal"],
        "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False},
        "minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "50.00"}},
        "customerGets": {"value": {"percentage": 0.125}, "items": {"all": True}},
    }  # fmt: skip
    assert asked["LOY-FIX"]["customerGets"] == {
        "value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}},
        "items": {"products": {"productsToAdd": ["gid://shopify/Product/7", "gid://shopify/Product/9"]}},
    }
    assert asked["LOY-SHIP"]["destination"] == {"all": True}


def test_somebody_new_to_the_shop_is_made_a_customer_once_and_owns_the_code() -> None:
    friend = replace(SPEC, email="Teman@contoh.test")
    with selling() as (shop, discounts, maker):
        made = maker.create([friend, replace(friend, code="LOY-TWO")])
    assert [result.error for result in made] == [None, None]
    owner = {"customers": {"add": [f"gid://shopify/Customer/{discounts.people['teman@contoh.test']}"]}}
    assert [given["context"] for given in discounts.given] == [owner, owner]
    assert shop.names().count("CustomerCreate") == 1


def test_a_code_for_somebody_the_shop_does_not_take_is_not_made_at_all() -> None:
    with selling() as (shop, discounts, maker):
        discounts.takes_customers = False
        result = maker.create([replace(SPEC, email="stranger@contoh.test")])[0]
    assert (result.external_id, result.permanent) == (None, True)
    assert "everybody" in (result.error or "")
    assert discounts.rows == {}
    assert shop.names() == ["CustomerByEmail", "CustomerCreate", "CustomerByEmail"]


def everybody(row: Row) -> None:
    row["context"] = {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}


SPOILERS: list[tuple[str, Callable[[Row], object]]] = [
    ("customer", everybody),
    ("customer", lambda row: row["context"]["customers"].append({"id": "gid://shopify/Customer/43"})),
    ("amount", lambda row: row["customerGets"]["value"].update(percentage=0.5)),
    ("end", lambda row: row.update(endsAt=None)),
    ("end", lambda row: row.update(endsAt="2027-12-06T07:00:00Z")),
    ("usage limit", lambda row: row.update(usageLimit=None)),
    ("minimum", lambda row: row.update(minimumRequirement=None)),
    ("combinations", lambda row: row.update(combinesWith={"orderDiscounts": True})),
    ("products", lambda row: row["customerGets"].update(items={"__typename": "DiscountCollections"})),
    ("code", lambda row: row["codes"]["nodes"].append({"id": "x", "code": "OTHER"})),
    ("kind", lambda row: row.update(__typename="DiscountCodeBxgy")),
]


@pytest.mark.parametrize(("name", "spoil"), SPOILERS)
def test_what_the_shop_made_differently_is_deleted_at_once(name: str, spoil: Callable[[Row], None]) -> None:
    with selling() as (_, discounts, maker):
        discounts.spoil = spoil
        result = maker.create([SPEC])[0]
    assert discounts.rows == {}
    assert result.external_id is None
    assert name in (result.error or "")


THREE = replace(
    SPEC, code="LOY-3", kind=DiscountKind.BUY_GET, value=Decimal(100), minimum_minor=0, product_external_ids=("7",),
    reach=Reach(buy=2, get=1, get_products=("7",), each_minor=500, times=2),
)  # fmt: skip
GIFT = replace(
    SPEC, code="LOY-GIFT", kind=DiscountKind.BUY_GET, value=Decimal(100), minimum_minor=35_000,
    reach=Reach(get=1, get_variants=("9",), times=1),
)  # fmt: skip
PIECES: list[tuple[str, CodeSpec, Callable[[Row], object]]] = [
    ("bought pieces", THREE, lambda row: row["customerBuys"]["value"].update(quantity="1")),
    ("bought goods", THREE, lambda row: row["customerBuys"].update(items={"__typename": "AllDiscountItems"})),
    ("pieces", THREE, lambda row: row["customerGets"]["value"].update(quantity={"quantity": "2"})),
    ("products", THREE, lambda row: row["customerGets"].update(items={"__typename": "AllDiscountItems"})),
    ("amount", THREE, lambda row: row["customerGets"]["value"]["effect"]["amount"].update(amount="50.00")),
    ("amount", GIFT, lambda row: row["customerGets"]["value"].update(effect={"__typename": "DiscountAmount"})),
    ("uses in an order", THREE, lambda row: row.update(usesPerOrderLimit=None)),
    ("bought pieces", GIFT, lambda row: row["customerBuys"]["value"].update(amount="3.50")),
    ("customer", GIFT, everybody),
]


@pytest.mark.parametrize(("name", "spec", "spoil"), PIECES)
def test_codes_that_count_pieces_are_compared_in_all_that_gives_them_worth(
    name: str, spec: CodeSpec, spoil: Callable[[Row], None]
) -> None:
    with selling() as (_, discounts, maker):
        assert maker.create([spec]) == maker.create([spec])
        assert maker.create([spec])[0].error is None
        discounts.rows.clear()
        discounts.spoil = spoil
        result = maker.create([spec])[0]
    assert discounts.rows == {}
    assert name in (result.error or "")


def test_pieces_and_sums_are_asked_for_as_shopify_takes_them() -> None:
    with selling() as (_, discounts, maker):
        maker.create([THREE, GIFT])
    three, gift = discounts.given
    seven = {"products": {"productsToAdd": ["gid://shopify/Product/7"]}}
    assert three["customerBuys"] == {"items": seven, "value": {"quantity": "2"}}
    assert three["customerGets"] == {
        "items": seven, "value": {"discountOnQuantity": {"quantity": "1", "effect": {"amount": "5.00"}}},
    }  # fmt: skip
    assert (three["usesPerOrderLimit"], three["usageLimit"]) == (2, 1)
    assert gift["customerBuys"] == {"items": {"all": True}, "value": {"amount": "350.00"}}
    assert gift["customerGets"]["items"] == {"products": {"productVariantsToAdd": ["gid://shopify/ProductVariant/9"]}}
    assert "minimumRequirement" not in gift


@pytest.mark.parametrize(
    "change",
    [{"buy": 0}, {"get": 0}, {"get_products": ()}, {"times": 0}, {"get_products": ("x",)}, {"buy": 100_000}],
)
def test_pieces_that_cannot_be_counted_are_refused(change: dict[str, Any]) -> None:
    with selling() as (shop, _, maker):
        result = maker.create([replace(THREE, reach=replace(THREE.reach, **change))])[0]
    assert (result.external_id, result.permanent) == (None, True)
    assert shop.calls == []


def test_a_discount_of_the_shops_own_with_our_code_is_left_alone() -> None:
    with selling() as (_, discounts, maker):
        maker.create([SPEC])
        row = next(iter(discounts.rows.values()))
        row["tags"] = ["summer"]
        result = maker.create([SPEC])[0]
        assert (result.external_id, result.permanent) == (None, True)
        assert len(discounts.rows) == 1


def test_a_leftover_with_other_terms_is_cleared_away_unless_it_was_used() -> None:
    with selling() as (_, discounts, maker):
        maker.create([SPEC])
        row = next(iter(discounts.rows.values()))
        row["endsAt"] = "2027-01-01T00:00:00Z"
        row["asyncUsageCount"] = 1
        used = maker.create([SPEC])[0]
        assert (used.external_id, used.permanent, len(discounts.rows)) == (None, True, 1)
        row["asyncUsageCount"] = 0
        again = maker.create([SPEC])[0]
        assert (again.external_id, again.permanent, len(discounts.rows)) == (None, False, 0)
        assert maker.create([SPEC])[0].external_id is not None


@pytest.mark.parametrize("made", [True, False])
def test_a_lost_answer_is_looked_up_and_never_sent_again(made: bool) -> None:
    with selling() as (shop, _, maker):

        def lose(call: Call) -> Answer | None:
            if call.name != "DiscountBasicCreate":
                return None
            if made:
                shop.answers[call.name](call.variables)
            return Answer(hang_up=True)

        shop.before = lose
        result = maker.create([SPEC])[0]
    assert shop.names().count("DiscountBasicCreate") == 1
    assert (result.external_id is not None) == made
    assert made or not result.permanent


@pytest.mark.parametrize(
    "change",
    [{"email": ""}, {"expires_at": NOW}, {"usage_limit": 0}, {"currency": "IDR"}, {"value": Decimal(101)},
     {"value": Decimal(0)}, {"value": Decimal("1.005")}, {"code": "a b"}, {"minimum_minor": -1},
     {"product_external_ids": ("x",)}, {"product_external_ids": tuple(map(str, range(1, 60)))}],
)  # fmt: skip
def test_terms_that_mean_something_else_to_the_shop_are_refused_before_they_are_sent(change: dict[str, Any]) -> None:
    with selling() as (shop, _, maker):
        result = maker.create([replace(SPEC, **change)])[0]
    assert (result.external_id, result.permanent) == (None, True)
    assert shop.calls == []


def test_a_refusal_of_the_connection_stops_at_the_first_code_and_one_of_a_code_does_not() -> None:
    denied = {
        "message": "Access denied",
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`write_discounts`"},
    }
    with selling() as (shop, _, maker):
        shop.before = lambda call: shop.good(None, errors=[denied]) if "Create" in call.name else None
        with pytest.raises(ConnectorError, match="write_discounts"):
            maker.create([SPEC, FIXED])
        error = {"field": ["x"], "message": "Product with id: 9 is invalid", "code": "INVALID"}
        shop.before = lambda call: None
        shop.answers["DiscountBasicCreate"] = lambda v: {"discountCodeBasicCreate": {"userErrors": [error]}}
        bad, good = maker.create([FIXED, SHIPPING])
    assert "Product with id: 9 is invalid" in (bad.error or "")
    assert good.external_id


def test_revoked_codes_are_gone_and_revoking_twice_is_fine() -> None:
    with selling() as (_, discounts, maker):
        made = [result.external_id or "" for result in maker.create([SPEC, FIXED])]
        maker.revoke([*made, "", "../x", "999999"])
        maker.revoke(made)
    assert discounts.rows == {}


DEAL = Deal("b2g1", "Buy 2, get 1", DealKind.BUY_GET, Decimal(100), "EUR", NOW, END, buy_quantity=2, get_quantity=1,
            get_product_external_ids=("9",), collection_external_ids=("1",), uses_per_order=1)  # fmt: skip


def test_shared_offers_with_and_without_a_code_are_made_once_and_ended() -> None:
    with running() as (shop, server):
        discounts = Discounts(shop)
        maker = DealMaker(a_client(server), "EUR")
        percent = Deal("p", "Ten off", DealKind.PERCENTAGE, Decimal(10), "EUR", NOW, minimum_quantity=3)
        no_postage = Deal(
            "s", "Free", DealKind.FREE_SHIPPING, Decimal(0), "EUR", NOW, code="SHIPFREE", minimum_minor=3000
        )
        deals = [DEAL, replace(DEAL, key="code", code="B2G1"), percent, no_postage]
        made = [maker.create(deal) for deal in deals]
        assert [maker.create(deal) for deal in deals] == made
        assert [name.partition(":")[0] for name in made] == ["automatic", "code", "automatic", "code"]
        for name in made * 2:
            maker.end(name)
    assert discounts.rows == {}
    automatic, coded, by_pieces, shipping = discounts.given
    assert (automatic["usesPerOrderLimit"], coded["usesPerOrderLimit"]) == ("1", 1)
    assert automatic["customerBuys"] == {
        "items": {"collections": {"add": ["gid://shopify/Collection/1"]}},
        "value": {"quantity": "2"},
    }
    assert automatic["customerGets"]["value"] == {
        "discountOnQuantity": {"quantity": "1", "effect": {"percentage": 1.0}}
    }
    assert by_pieces["minimumRequirement"] == {"quantity": {"greaterThanOrEqualToQuantity": "3"}}
    assert shipping["context"] == {"all": "ALL"}


@pytest.mark.parametrize(
    "change",
    [{"get_product_external_ids": ()}, {"buy_quantity": 0}, {"buy_quantity": 100_000}, {"value": Decimal(101)},
     {"minimum_minor": 5, "minimum_quantity": 2}, {"product_external_ids": ("1",)}, {"ends_at": NOW},
     {"currency": "IDR"}, {"key": "a,b"}, {"customers": tuple(map(str, range(1, 120)))}],
)  # fmt: skip
def test_offers_that_shopify_cannot_make_are_refused_with_a_sentence(change: dict[str, Any]) -> None:
    with running() as (shop, server), pytest.raises(ConnectorError, match=r"\."):
        DealMaker(a_client(server), "EUR").create(replace(DEAL, **change))
    assert shop.calls == []


def test_codes_are_added_250_at_a_time_and_each_has_its_own_outcome() -> None:
    codes = [f"TEAM-{number:04}" for number in range(600)]
    with running() as (shop, server):
        discounts = Discounts(shop)
        client = a_client(server)
        seed = Deal("t", "Team", DealKind.PERCENTAGE, Decimal(10), "EUR", NOW, code="TEAM-SEED", usage_limit=1)
        other = replace(seed, key="o", code="TEAM-0005")
        deal, _ = DealMaker(client, "EUR").create(seed), DealMaker(client, "EUR").create(other)
        batches = CodeBatches(client)
        made = batches.add(deal, [*codes, "a b", "TEAM-0001"])
        again = batches.add(deal, codes)
        assert [len(call.variables["codes"]) for call in shop.calls if call.name == "CodesAdd"][:3] == [250, 250, 100]
        good = [result for result in made if result.external_id]
        assert len(good) == 600  # All but the one of another discount and the one that is no code; one was asked twice.
        assert made[5].error == "The shop already has this code under another discount."
        assert again == made[:600]
        DiscountMaker(client, CatalogReader(client), "EUR").revoke([made[0].external_id or ""])
        assert discounts.of_code("TEAM-0000") is None
        assert discounts.of_code("TEAM-SEED") is not None
        assert batches.add("automatic:1", ["TEAM-1"])[0].error


def test_codes_whose_answer_was_lost_are_looked_up_one_by_one() -> None:
    with running() as (shop, server):
        Discounts(shop)
        client = a_client(server)
        seed = Deal("t", "Team", DealKind.PERCENTAGE, Decimal(10), "EUR", NOW, code="TEAM-SEED")
        deal = DealMaker(client, "EUR").create(seed)

        def lose(call: Call) -> Answer | None:
            if call.name != "CodesAdd":
                return None
            shop.answers["CodesAdd"]({**call.variables, "codes": call.variables["codes"][:1]})
            return Answer({}, 504)

        shop.before = lose
        made, missing = CodeBatches(client).add(deal, ["TEAM-1", "TEAM-2"])
    assert made.external_id
    assert (missing.external_id, missing.permanent) == (None, False)
    assert shop.names().count("CodesAdd") == 1
