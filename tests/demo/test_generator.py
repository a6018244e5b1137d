"""The generated two years: the same for the same seed, and shaped as the figures they were drawn from."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from plugin_server.demo.generator import generate
from plugin_server.demo.generator_export import CONTACT_COLUMNS, contacts_csv, truth_jsonl
from plugin_server.demo.generator_season import Season, day_weight
from plugin_server.demo.generator_types import Family, ShopData, Standing

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def data() -> ShopData:
    return generate(seed=1, now=NOW)


def test_the_same_seed_gives_the_same_shop() -> None:
    assert generate(seed=3, customers=200, now=NOW) == generate(seed=3, customers=200, now=NOW)
    assert generate(seed=3, customers=200, now=NOW) != generate(seed=4, customers=200, now=NOW)


def test_contacts_are_buyers_prospects_and_suspects(data: ShopData) -> None:
    assert Counter(person.standing for person in data.people) == {
        Standing.BUYER: 3000, Standing.PROSPECT: 1250, Standing.SUSPECT: 750,
    }  # fmt: skip


@pytest.mark.parametrize(("customers", "buyers"), [(100, 60), (1000, 600), (20, 12)])
def test_the_parts_scale_with_the_size(customers: int, buyers: int) -> None:
    data = generate(seed=1, customers=customers, now=NOW)
    assert len(data.people) == customers
    assert len({order.person for order in data.orders if order.counts}) == buyers


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ladder_of_buyers_stands_near_the_simulated_one(seed: int) -> None:
    counts = Counter(truth.rung for truth in generate(seed=seed, now=NOW).truths)
    expected = {"shopper": 2049, "customer": 517, "member": 294, "advocate": 109, "raving_fan": 31}
    off = {rung: counts[rung] / count for rung, count in expected.items()}
    assert sum(counts[rung] for rung in expected) == 3000
    assert 0.95 < off["shopper"] < 1.05
    assert all(0.85 < off[rung] < 1.15 for rung in ("customer", "member"))
    assert 0.8 < off["advocate"] < 1.2
    assert 15 <= counts["raving_fan"] <= 45


def test_orders_are_worth_what_the_simulation_found(data: ShopData) -> None:
    counting = [order.total for order in data.orders if order.counts]
    assert 5_300 < len(counting) < 5_900
    assert 290_000 < sum(counting) / len(counting) < 340_000
    assert 215_000 < sorted(counting)[len(counting) // 2] < 260_000


def test_everything_happened_within_two_years_before_now(data: ShopData) -> None:
    opening = NOW - timedelta(days=731)
    for order in data.orders:
        assert opening - timedelta(days=2) < order.created <= NOW
        assert order.created <= order.modified <= NOW
        assert order.paid is None or order.created <= order.paid <= NOW


def test_ids_run_in_the_order_of_time_and_are_never_shared(data: ShopData) -> None:
    assert [order.created for order in data.orders] == sorted(order.created for order in data.orders)
    ids = [order.id for order in data.orders] + [one.id for order in data.orders for one in order.refunds]
    assert len(ids) == len(set(ids))


def test_lines_follow_the_price_list_and_the_code(data: ShopData) -> None:
    prices = {(product.id, 0): product.price for product in data.products if not product.variations}
    prices |= {(product.id, size.id): size.price for product in data.products for size in product.variations}
    for order in data.orders:
        for line in order.lines:
            assert line.subtotal == prices[line.product_id, line.variation_id] * line.quantity
            assert 0 <= line.total <= line.subtotal
        assert order.coupon or all(line.total == line.subtotal for line in order.lines)


def test_misfortunes_have_their_shares(data: ShopData) -> None:
    paid = [order for order in data.orders if order.paid]
    status = Counter(order.status for order in data.orders)
    assert 0.27 < sum(order.coupon is not None for order in paid) / len(paid) < 0.33
    assert 0.015 < sum(bool(order.refunds) for order in paid) / len(paid) < 0.035
    assert 0.02 < (status["failed"] + status["cancelled"]) / len(paid) < 0.07


def test_refunds_never_exceed_the_order_and_never_hit_the_first(data: ShopData) -> None:
    seen: set[int] = set()
    for order in data.orders:
        assert sum(one.amount for one in order.refunds) <= order.total
        assert order.status != "refunded" or order.person in seen
        seen |= {order.person} if order.counts else set()


def test_friends_were_brought_by_real_earlier_buyers(data: ShopData) -> None:
    by_id = {person.customer_id: at for at, person in enumerate(data.people) if person.customer_id}
    first: dict[int, datetime] = {}
    for order in data.orders:
        first.setdefault(order.person, order.created)
    brought = [(at, by_id[person.referred_by]) for at, person in enumerate(data.people) if person.referred_by]
    assert 0.06 < len(brought) / 3000 < 0.12
    assert all(first[referrer] < first[friend] + timedelta(days=1) for friend, referrer in brought)


def test_members_have_three_orders_an_account_and_a_number_of_their_own(data: ShopData) -> None:
    bought = Counter(order.person for order in data.orders if order.counts)
    members = [(at, person) for at, person in enumerate(data.people) if person.member_since]
    assert len({person.member_number for _, person in members}) == len(members)
    assert all(bought[at] >= 3 and person.customer_id for at, person in members)


def test_consent_is_given_confirmed_and_withdrawn_as_assumed(data: ShopData) -> None:
    known = [person for person in data.people if person.standing is not Standing.SUSPECT]
    given = [person.consent for person in known if person.consent]
    states = Counter(consent.state for consent in given)
    assert 0.59 < len(given) / len(known) < 0.65
    assert 0.19 < states["pending"] / len(given) < 0.25
    assert 0.02 < states["unsubscribed"] / len(given) < 0.06


def test_addresses_can_reach_nobody(data: ShopData) -> None:
    typed = {person.email for person in data.people} | {order.email.lower() for order in data.orders}
    assert len({person.email for person in data.people}) == 5000
    assert all(re.fullmatch(r"[a-z0-9.]+@[a-z]+\.(test|example)", address) for address in typed)


def test_some_guests_type_the_address_of_an_account_in_capitals(data: ShopData) -> None:
    accounts = {person.email for person in data.people if person.customer_id}
    odd = [order for order in data.orders if order.customer_id == 0 and order.email not in accounts
           and order.email.lower() in accounts]  # fmt: skip
    assert len(odd) > 5


def test_reviews_come_from_buyers(data: ShopData) -> None:
    buyers = {person.email for person in data.people if person.standing is Standing.BUYER}
    assert {review.email.lower() for review in data.reviews} <= buyers
    assert {review.rating for review in data.reviews} >= {4, 5}


def test_suspects_are_a_contacts_file_and_unknown_to_the_shop(data: ShopData) -> None:
    rows = list(csv.DictReader(io.StringIO(contacts_csv(data))))
    assert tuple(rows[0]) == CONTACT_COLUMNS
    assert len(rows) == 750
    assert {row["consent"] for row in rows} == {"pending"}
    assert not {row["email"] for row in rows} & {order.email.lower() for order in data.orders}


def test_the_truth_has_a_line_for_everybody(data: ShopData) -> None:
    lines = [json.loads(line) for line in truth_jsonl(data).splitlines()]
    assert [line["email"] for line in lines] == [person.email for person in data.people]
    assert all(line["rate"] > 0 and 0 <= line["dropout"] <= 1 for line in lines if line["standing"] == "buyer")


@pytest.mark.parametrize(
    ("day", "weight"),
    [("2026-03-05", 1.7), ("2026-03-20", 0.3), ("2025-11-11", 2.2), ("2025-12-12", 2.5), ("2026-06-27", 1.15)],
)
def test_the_feasts_make_days_longer_or_shorter(day: str, weight: float) -> None:
    assert day_weight(datetime.fromisoformat(day).date(), Family.FASHION) == pytest.approx(weight)


def test_the_clock_of_a_season_runs_as_long_as_the_days() -> None:
    season = Season(datetime(2025, 1, 1).date(), 365, Family.FASHION)  # noqa: DTZ001
    assert season.length == pytest.approx(365)
    assert [season.day_at(0.0), season.day_at(364.999), season.day_at(400.0)] == [0, 364, 364]
