"""Rewards: points for a code in the shop, or the points back."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from connectors.errors import ConnectorError
from connectors.types import CodeResult, CodeSpec, OrderStatus
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.points import programme as points
from plugin_server.db.points import rewards
from plugin_server.db.points.rewards import RewardRefused
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.giving.code_watch import watch
from plugin_server.jobs.giving.rewards import made
from plugin_server.jobs.outside import Outside
from tests.data.making import DAY, NOW, Shop, order, refund
from tests.points.conftest import program
from tests.points.test_orders import has, take

SECRET = "s" * 32


class Till:
    """A shop's code counter, at the edge: takes the codes, or says what it was told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.revoked = list(answers), list[CodeSpec](), list[str]()

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        self.asked += codes
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, ConnectorError):
            raise answer
        return [answer or CodeResult(code.code, f"x-{code.code}") for code in codes]

    def revoke_codes(self, external_ids: Sequence[str]) -> None:
        self.revoked += external_ids


@pytest.fixture
def rich(points_shop: Shop) -> Shop:
    """A connected shop with a customer of 600 points."""
    points_shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    take(points_shop, order(total_minor=600_000))
    return points_shop


def claim(shop: Shop, key: str = "five", now: datetime = NOW) -> int:
    customer = shop.rows("SELECT id FROM customer")[0][0]
    return shop.do(
        lambda conn: rewards.claim(
            conn, merchant_id=shop.merchant, customer_id=customer, key=key, secret=SECRET, now=now
        )
    )


def make(shop: Shop, till: Till) -> int:
    return made(shop.app, shop.merchant, lambda *_: till)  # type: ignore[arg-type, return-value]


def test_a_reward_takes_its_points_and_makes_a_personal_code(rich: Shop) -> None:
    claim(rich)
    assert has(rich, NOW) == (100, 0)
    till = Till()
    assert make(rich, till) == 1
    spec = till.asked[0]
    assert (spec.email, spec.value, spec.kind, spec.usage_limit) == ("ani@example.com", 500, "fixed", 1)
    assert spec.expires_at > NOW + timedelta(days=59)
    assert rich.rows("SELECT state, external_id FROM offer_code") == [("issued", f"x-{spec.code}")]


def test_a_shop_that_is_away_is_asked_again_for_the_same_code(rich: Shop) -> None:
    claim(rich)
    till = Till(ConnectorError("away"))
    assert (make(rich, till), make(rich, till)) == (0, 1)
    assert till.asked[0] == till.asked[1]
    assert has(rich, NOW) == (100, 0)


def test_a_shop_that_is_away_keeps_no_other_s_rewards_waiting(rich: Shop) -> None:
    take(rich, order("2", total_minor=900_000))
    first, second = claim(rich), claim(rich)
    other = rich.rows(
        "INSERT INTO store (merchant_id, platform, name, url, currency, timezone, state) SELECT merchant_id, platform, "
        "'Other', 'https://other.example', currency, timezone, 'connected' FROM store RETURNING id"
    )[0][0]
    for table, column in (("reward_claim", "id"), ("offer_code", "claim_id")):
        rich.rows(f"UPDATE {table} SET store_id = {other} WHERE {column} = {second} RETURNING 1")
    tills = {rich.store: Till(ConnectorError("away"), ConnectorError("away")), other: Till()}
    connect: Any = lambda _services, _merchant, store: tills[store]  # noqa: E731
    assert made(rich.app, rich.merchant, connect) == 1
    states = f"SELECT id, state FROM reward_claim WHERE id IN ({first}, {second}) ORDER BY 1"
    assert rich.rows(states) == [(first, "planned"), (second, "issued")]
    rich.rows(f"UPDATE store SET state = 'disconnected' WHERE id = {rich.store} RETURNING id")
    assert (made(rich.app, rich.merchant, connect), len(tills[rich.store].asked)) == (0, 1)


def test_a_code_refused_for_good_gives_the_points_back_with_their_own_end(rich: Shop) -> None:
    claim(rich)
    make(rich, Till(CodeResult("x", None, "no such kind")))
    assert has(rich, NOW) == (600, 0)
    assert rich.rows("SELECT state, error FROM reward_claim") == [("failed", "no such kind")]
    ends = {row[0] for row in rich.rows("SELECT expires_at FROM point_entry WHERE points > 0")}
    assert ends == {DAY + timedelta(days=14 + 365)}


def test_too_few_points_are_said_and_nothing_is_written(rich: Shop) -> None:
    claim(rich)
    with pytest.raises(RewardRefused, match="takes 500 points; you have 100") as refused:
        claim(rich)
    assert refused.value.reason.figures == {"needed": 500, "has": 100}
    assert len(rich.rows("SELECT * FROM reward_claim")) == 1


def test_the_last_of_a_stock_goes_once(rich: Shop) -> None:
    take(rich, order("2", total_minor=900_000))
    scarce = {"key": "five", "name": {"en": "One"}, "points": 500, "kind": "free_shipping", "stock": 1}
    rich.do(lambda conn: points.save_program(conn, rich.merchant, program(rewards=[scarce]), by="o"))
    claim(rich)
    with pytest.raises(RewardRefused, match="gone"):
        claim(rich)


def test_eight_taps_at_once_take_the_points_of_one_reward(rich: Shop) -> None:
    """600 points, 500 each: one reward, seven refusals, and nothing below zero."""

    def tap(_: int) -> str:
        try:
            return f"claim {claim(rich)}"
        except RewardRefused as error:
            return str(error.reason.key)

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(tap, range(8)))
    assert [word for word in said if word.startswith("claim")] == ["claim 1"]
    assert len(set(said)) == 2
    assert has(rich, NOW) == (100, 0)
    assert rich.rows("SELECT count(*) FROM reward_claim") == [(1,)]


def test_the_last_of_a_stock_goes_once_however_many_want_it(rich: Shop) -> None:
    people = [f"p{number}@example.com" for number in range(6)]
    for number, email in enumerate(people):
        take(rich, order(f"s-{number}", email=email, total_minor=900_000))
    scarce = {"key": "five", "name": {"en": "One"}, "points": 500, "kind": "free_shipping", "stock": 2}
    rich.do(lambda conn: points.save_program(conn, rich.merchant, program(rewards=[scarce]), by="o"))
    ids = [row[0] for row in rich.rows("SELECT id FROM customer WHERE email_norm LIKE 'p%'")]

    def tap(customer: int) -> bool:
        try:
            rich.do(
                lambda conn: rewards.claim(
                    conn, merchant_id=rich.merchant, customer_id=customer, key="five", secret=SECRET, now=NOW
                )
            )
        except RewardRefused:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(tap, ids)) == 2
    spent = rich.rows("SELECT count(*) FROM point_entry WHERE kind = 'redeem'")
    assert spent == [(2,)]


def test_an_order_that_falls_through_brings_its_reward_s_points_back_and_ends_the_code(rich: Shop) -> None:
    till = Till()
    claim(rich)
    make(rich, till)
    (code,) = rich.rows("SELECT code FROM offer_code")[0]

    def orders(hours: int, **told: Any) -> tuple[int, int]:
        at = NOW + timedelta(hours=hours)
        take(rich, order("u", total_minor=50_000, coupon_codes=(code,), placed_at=NOW, updated_at=at, **told), now=at)
        watch(rich.app, world, rich.merchant)
        return has(rich, NOW + timedelta(days=2))

    world = Outside(mail=None, backend="folder", store=lambda _: till, repeatable=True)  # type: ignore[arg-type, return-value]
    states = "SELECT k.state, c.state FROM reward_claim k JOIN offer_code c ON c.claim_id = k.id"
    assert orders(1) == (100, 50)
    assert orders(2, refunds=(refund(20_000),)) == (100, 30)
    assert rich.rows(states) == [("issued", "issued")]
    assert orders(3, status=OrderStatus.CANCELLED, paid=False) == (600, 0)
    assert (till.revoked, rich.rows(states)) == ([f"x-{code}"], [("returned", "revoked")])
    assert orders(4) == (100, 50), "the order came back: the reward is had after all"
    assert orders(5, refunds=(refund(50_000),), status=OrderStatus.REFUNDED) == (600, 0)
    assert orders(6, refunds=(refund(50_000),), status=OrderStatus.REFUNDED) == (600, 0)
    assert (len(till.revoked), rich.rows(states)) == (1, [("returned", "revoked")])
    assert rich.rows("SELECT sum(points) FROM point_entry") == [(600,)]
    claim(rich, now=NOW + timedelta(hours=10))  # What came back is spent, and then the order comes back once more.
    assert orders(30) == (-350, 0), "100 were left, and the 50 that the order earns"
    assert orders(31, status=OrderStatus.CANCELLED, paid=False) == (100, 0)
    assert rich.rows("SELECT sum(points) FROM point_entry") == [(100,)]


def test_without_a_shop_that_makes_codes_nothing_is_taken(points_shop: Shop) -> None:
    take(points_shop, order(total_minor=600_000))
    with pytest.raises(RewardRefused, match="No connected shop"):
        claim(points_shop)
    assert has(points_shop, NOW) == (600, 0)


def test_a_reward_nobody_offers_is_refused(rich: Shop) -> None:
    with pytest.raises(RewardRefused, match="no reward 'ten'"):
        claim(rich, "ten")


FELL: dict[str, dict[str, Any]] = {
    "cancelled": {"status": OrderStatus.CANCELLED, "paid": False},
    "failed": {"status": OrderStatus.FAILED, "paid": False},
    "refunded": {"status": OrderStatus.REFUNDED, "refunds": (refund(50_000),)},
}
STANDS: dict[str, dict[str, Any]] = {"paid": {}, "partly": {"refunds": (refund(20_000),)}}
STATES = FELL | STANDS | {"draft": {"status": OrderStatus.DRAFT, "paid": False}}


@dataclass
class Had:
    """A reward of the model: its code, its order's state as last told, whether it fell through then, whether the code
    is to be deleted and was, and whether the points are back."""

    code: str
    told: str = ""
    fell: bool = False
    withdrawn: bool = False
    deleted: bool = False
    back: bool = False


class Rewards(RuleBasedStateMachine):
    """Rewards taken, made and used in orders that are told in any state first and in any order after."""

    shop: Shop
    till: Till
    round = 0

    @initialize()
    def begin(self) -> None:
        Rewards.round += 1
        self.now, self.had = NOW, list[Had]()
        self.email = f"r{Rewards.round}@example.com"
        take(self.shop, order(f"{self.email}-0", email=self.email, total_minor=3_000_000))
        self.customer = self.shop.rows(f"SELECT id FROM customer WHERE email_norm = '{self.email}'")[0][0]
        self.take_one()
        self.take_one()

    def take_one(self) -> None:
        number = self.shop.do(
            lambda conn: rewards.claim(
                conn, merchant_id=self.shop.merchant, customer_id=self.customer, key="five", secret=SECRET, now=NOW
            )
        )
        make(self.shop, self.till)
        self.had.append(Had(self.shop.rows(f"SELECT code FROM offer_code WHERE claim_id = {number}")[0][0]))

    # One rule alone: of several, most would be left out of most runs.
    @rule(place=st.integers(0, 1), state=st.sampled_from(sorted(STATES)), then=st.sampled_from(["", "delete", "look"]))
    def tell(self, place: int, state: str, then: str) -> None:
        """The shop tells the order with a code, for the first time or once more; then it may delete what is to go, or
        everything is looked at again."""
        one = self.had[place]
        self.now += timedelta(minutes=1)
        told = {"total_minor": 50_000, "email": self.email, "placed_at": NOW, "updated_at": self.now, "paid": True}
        take(self.shop, order(f"u-{one.code}", coupon_codes=(one.code,), **told | STATES[state]), now=self.now)
        one.fell = state in FELL or (state not in STANDS and (one.fell or one.told in STANDS))
        one.told, one.withdrawn = state, one.withdrawn or one.fell
        one.back = one.fell and (one.back or one.deleted)
        if then == "delete":
            self.delete_in_the_shop()
        elif then == "look":
            done = Ingested(touched=None)
            self.shop.do(lambda conn: follow(conn, merchant_id=self.shop.merchant, done=done, now=self.now))

    def delete_in_the_shop(self) -> None:
        world = Outside(mail=None, backend="folder", store=lambda _: self.till, repeatable=True)  # type: ignore[arg-type, return-value]
        watch(self.shop.app, world, self.shop.merchant)
        for one in self.had:
            one.deleted = one.deleted or one.withdrawn
            one.back = one.fell

    @invariant()
    def each_is_paid_once_or_not_at_all(self) -> None:
        if hasattr(self, "customer"):
            spent = "SELECT coalesce(sum(points), 0) FROM point_entry WHERE kind IN ('redeem', 'restore') AND "
            paid = sum(not one.back for one in self.had)
            assert self.shop.rows(f"{spent} customer_id = {self.customer}") == [(-500 * paid,)]


@pytest.mark.parametrize("state", sorted(STATES))
def test_an_order_that_is_read_late_gives_its_reward_back_only_if_it_fell_through(rich: Shop, state: str) -> None:
    till = Till()
    claim(rich)
    make(rich, till)
    (code,) = rich.rows("SELECT code FROM offer_code")[0]
    world = Outside(mail=None, backend="folder", store=lambda _: till, repeatable=True)  # type: ignore[arg-type, return-value]
    for minutes in range(2):
        at = NOW + timedelta(minutes=minutes)
        told = {"total_minor": 50_000, "placed_at": NOW, "updated_at": at, "coupon_codes": (code,)}
        take(rich, order("late", **told | STATES[state]), now=at)
        watch(rich.app, world, rich.merchant)
    spent = rich.rows("SELECT sum(points) FROM point_entry WHERE kind IN ('redeem', 'restore')")
    assert (spent, len(till.revoked)) == ([(0 if state in FELL else -500,)], int(state in FELL))


@pytest.mark.slow
def test_a_reward_is_paid_once_or_not_at_all_whatever_the_shop_tells(rich: Shop) -> None:
    Rewards.shop, Rewards.till = rich, Till()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Rewards,
        settings=settings(
            max_examples=6, stateful_step_count=10, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )  # fmt: skip
