"""The ledger against a model of loops and lists: after anything that can happen, every point is somewhere, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from connectors.types import OrderStatus
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import programme as points
from plugin_server.db.points.ledger import NotEnough
from tests.data.making import DAY, Shop, order, refund
from tests.points.conftest import program
from tests.points.test_orders import take


@dataclass
class Lot:
    """A lot of the model: points left, and when they can be spent."""

    left: int
    starts: datetime
    ends: datetime | None
    order: int | None = None


@dataclass
class Model:
    """Lots, debts and what each order has given, in lists."""

    lots: list[Lot] = field(default_factory=list)
    debts: list[tuple[int, int | None]] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)

    def end(self, now: datetime) -> None:
        for lot in self.lots:
            if lot.left and lot.ends and lot.ends <= now:
                if lot.order is not None:
                    self.ended[lot.order] = self.ended.get(lot.order, 0) + lot.left
                lot.left = 0

    def settle(self, now: datetime) -> list[list[tuple[Lot, int]]]:
        """Debts take from lots; gives what each took."""
        took: list[list[tuple[Lot, int]]] = [[] for _ in self.debts]
        for own in (True, False):
            for place, (debt, whose) in enumerate(self.debts):
                owed = debt
                ranked = sorted(
                    (lot for lot in self.lots if lot.left and (not own or (whose is not None and lot.order == whose))),
                    key=lambda lot: (
                        not own and lot.starts > now,
                        lot.ends is None,
                        lot.ends or now,
                        self.lots.index(lot),
                    ),
                )
                for lot in ranked:
                    part = min(owed, lot.left)
                    lot.left -= part
                    owed -= part
                    if part:
                        took[place].append((lot, part))
                self.debts[place] = (owed, whose)
        return took

    def available(self, now: datetime) -> int:
        spendable = sum(lot.left for lot in self.lots if lot.starts <= now and (lot.ends is None or lot.ends > now))
        return spendable - sum(owed for owed, _ in self.debts)


class Ledger(RuleBasedStateMachine):
    """Orders, refunds, cancellations, changes in the shop and of the programme, spending, adjusting, and time."""

    shop: Shop
    round = 0

    @initialize()
    def begin(self) -> None:
        Ledger.round += 1
        self.name = f"p{Ledger.round}"
        self.now, self.model = DAY, Model()
        self.orders: dict[int, tuple[datetime, int]] = {}
        self.rate, self.rates = 1, dict[int, int]()
        self.refunded: dict[int, int] = {}
        self.changes = 0
        self.spent: list[tuple[int, list[tuple[Lot, int]]]] = []
        self.change_the_programme(1)
        take(self.shop, order(f"{self.name}-0", email=f"{self.name}@example.com", total_minor=1), now=self.now)
        self.customer = self.shop.rows(f"SELECT id FROM customer WHERE email_norm = '{self.name}@example.com'")[0][0]

    @rule(days=st.sampled_from([1, 7, 14, 30, 200, 400]))
    def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(worth=st.integers(1, 40))
    def buy(self, worth: int) -> None:
        number = len(self.orders) + 1
        self.orders[number] = (self.now, worth * 1_000)
        self.rates[number] = self.rate
        self._tell(number, 0)

    @rule(data=st.data(), worth=st.integers(1, 60))
    def edit_in_the_shop(self, data: st.DataObject, worth: int) -> None:
        """The owner adds or takes away goods of an order that is placed."""
        if self.orders:
            number = data.draw(st.sampled_from(sorted(self.orders)))
            self.orders[number] = (self.orders[number][0], worth * 1_000)
            self._tell(number, 0)

    @rule(rate=st.integers(1, 3))
    def change_the_programme(self, rate: int) -> None:
        """What was bought before stays with the programme of its first look."""
        self.rate = rate
        earn = [{"kind": "amount", "points": rate, "per": "10"}]
        self.shop.do(lambda conn: points.save_program(conn, self.shop.merchant, program(earn=earn), by="o"))

    @rule(data=st.data(), share=st.integers(0, 10))
    def refund_or_cancel(self, data: st.DataObject, share: int) -> None:
        if self.orders:
            number = data.draw(st.sampled_from(sorted(self.orders)))
            self._tell(number, self.orders[number][1] * share // 10)

    def _tell(self, number: int, back: int) -> None:
        placed, total = self.orders[number]
        self.changes += 1
        take(
            self.shop,
            order(
                f"{self.name}-{number}",
                email=f"{self.name}@example.com",
                placed_at=placed,
                updated_at=self.now + timedelta(seconds=self.changes),
                total_minor=total,
                status=OrderStatus.PAID if back < total else OrderStatus.REFUNDED,
                refunds=(refund(back),) if back else (),
            ),
            now=self.now,
        )
        self._earn(number, (total - back) * self.rates[number] // 1_000, placed)

    def _earn(self, number: int, worth: int, placed: datetime) -> None:
        model = self.model
        model.end(self.now)
        change = worth - model.given.get(number, 0)
        if change > 0:
            starts = placed + timedelta(days=14)
            model.lots.append(Lot(change, starts, starts + timedelta(days=365), number))
            model.given[number] = worth
        elif change + model.ended.get(number, 0) < 0:
            model.debts.append((-change - model.ended.get(number, 0), number))
            model.given[number] = worth + model.ended.get(number, 0)
        model.end(self.now)
        model.settle(self.now)

    @rule(wanted=st.integers(1, 60))
    def spend(self, wanted: int) -> None:
        self.model.end(self.now)
        self.changes += 1
        if self.model.available(self.now) < wanted:
            with pytest.raises(NotEnough):
                self._take(wanted)
            return
        entry = self._take(wanted)
        self.model.debts.append((wanted, None))
        self.spent.append((entry, self.model.settle(self.now)[-1]))

    def _take(self, wanted: int) -> int:
        return self.shop.do(
            lambda conn: points_ledger.take(
                conn, self.customer, wanted, kind="redeem", key=f"{self.name}:{self.changes}", reason="", now=self.now
            )
        )

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        if not self.spent:
            return
        entry, took = data.draw(st.sampled_from(self.spent))
        returned = self.shop.do(lambda conn: points_ledger.give_back(conn, entry, reason="", now=self.now))
        assert returned == sum(part for _, part in took)
        for lot, part in took:
            least = self.now + timedelta(days=30)
            self.model.lots.append(Lot(part, self.now, max(lot.ends, least) if lot.ends else None))
        took.clear()
        self.model.settle(self.now)

    @rule(by=st.integers(1, 20))
    def adjust(self, by: int) -> None:
        self.changes += 1
        key = f"{self.name}:{self.changes}"
        given = {"kind": "adjust", "key": key, "reason": "goodwill", "now": self.now, "expires_at": None}
        assert self.shop.do(lambda conn: points_ledger.give(conn, self.customer, by, **given))
        assert not self.shop.do(lambda conn: points_ledger.give(conn, self.customer, by, **given))
        self.model.end(self.now)
        self.model.lots.append(Lot(by, self.now, None))
        self.model.settle(self.now)

    @rule()
    def night(self) -> None:
        self.shop.do(lambda conn: points_ledger.expire(conn, None, self.now))
        self.model.end(self.now)

    @invariant()
    def the_balance_is_the_models(self) -> None:
        if hasattr(self, "customer"):
            found = self.shop.do(lambda conn: points.balance(conn, self.customer, self.now))
            assert found.available == self.model.available(self.now)
            pending = sum(lot.left for lot in self.model.lots if lot.starts > self.now)
            assert found.pending == pending

    @invariant()
    def every_point_is_somewhere_once(self) -> None:
        assert self.shop.rows(UNBALANCED) == []


UNBALANCED = """
SELECT e.id FROM point_entry e LEFT JOIN LATERAL (
    SELECT coalesce(sum(points), 0) AS n FROM point_use u WHERE u.lot_id = e.id OR u.debit_id = e.id) AS used ON true
WHERE used.n + e.open_points <> abs(e.points)
"""


@pytest.mark.slow
def test_points_balance_to_the_unit_after_anything(shop: Shop) -> None:
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(), by="owner@example.com"))
    Ledger.shop = shop
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Ledger,
        settings=settings(
            max_examples=15,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def test_spending_more_than_there_is_is_refused_and_writes_nothing(points_shop: Shop) -> None:
    take(points_shop, order())
    customer: Any = points_shop.rows("SELECT id FROM customer")[0][0]
    later = DAY + timedelta(days=20)
    with pytest.raises(NotEnough, match="There are 10 points to spend, 11 are needed"):
        points_shop.do(
            lambda conn: points_ledger.take(conn, customer, 11, kind="redeem", key="x", reason="", now=later)
        )
    assert points_shop.rows("SELECT kind FROM point_entry") == [("earn",)]
