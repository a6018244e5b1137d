"""Cashback is paid once, for one order, after the return window, by what the shop can do; or it lapses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.offers.till import Line
from campaigns.schema import parse
from connectors.folder.client import FolderBackend
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import card
from plugin_server.db.offers import cashback
from plugin_server.db.offers import codes as offers
from plugin_server.db.points import programme as points
from plugin_server.db.proof import money as results_money
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.giving import credits, rewards
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.shop import add_order
from tests.offers.shops import NOW, Counterpart
from tests.offers.test_runs import document
from tests.points.conftest import program

OFFER: dict[str, Any] = {
    "kind": "cashback", "percent": "5", "minimum": "100000", "most": "50000", "wait_days": 14, "keep_days": 60,
    "valid_days": 30, "budget": "400000",
}  # fmt: skip
CAN = "{store_credit,credit_switched_on,new_accounts}"


class Promise:
    """A merchant whose campaign has promised cashback to its eight buyers; customer 1 is known to the served shop."""

    def __init__(self, app: Services, merchant: int, counterpart: Counterpart, offer: dict[str, Any]) -> None:
        self.app, self.merchant, self.counterpart = replace(app, now=lambda: NOW), merchant, counterpart
        external, email = counterpart.counter.accounts()[0]
        with tenant(app.engine, merchant) as conn:
            able = CAN if counterpart.platform == "shopify" else "{}"
            self.store = conn.scalar(
                text("UPDATE store SET platform = :p, capabilities = CAST(:c AS text[]) RETURNING id"),
                {"p": counterpart.platform, "c": able},
            )
            conn.execute(text("UPDATE customer SET email = :e, email_norm = :e WHERE id = 1"), {"e": email.lower()})
            conn.execute(
                text("INSERT INTO identity (merchant_id, customer_id, store_id, external_id) VALUES (:m, 1, :s, :x)"),
                {"m": merchant, "s": self.store, "x": external},
            )
            campaign = parse(document(offer))
            campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
            self.run_id = runs.open_now(conn, merchant, campaign.key, "test", NOW)
        backend = FolderBackend(app.settings.outbox, clock=app.now)
        world = Outside(mail=backend, backend="folder", store=lambda _: counterpart.counter.store, repeatable=True)
        assert runs.advance(self.app, world, merchant, self.run_id) == "done"

    def order(self, customer: int, rupiah: int, day: float, name: str = "", **values: Any) -> int:
        """A paid order so many days after the promise."""
        with tenant(self.app.engine, self.merchant) as conn:
            return add_order(
                conn, self.merchant, customer, store=self.store, external=name or f"n{customer}-{day}",
                at=str(NOW + timedelta(days=day)), total_minor=rupiah * 100, **values,
            )  # fmt: skip

    def settle(self, day: float) -> dict[str, int]:
        """The nightly round so many days later."""
        with tenant(self.app.engine, self.merchant) as conn:
            return cashback.settle(conn, merchant_id=self.merchant, secret="k" * 40, now=self.at(day))

    def at(self, day: float) -> datetime:
        return NOW + timedelta(days=day)

    def ask(self, sql: str) -> list[Any]:
        with tenant(self.app.engine, self.merchant) as conn:
            return [tuple(row) for row in conn.execute(text(sql)).all()]


@pytest.fixture
def promise(app: Services, merchant: int, counterpart: Counterpart) -> Promise:
    return Promise(app, merchant, counterpart, OFFER)


def test_the_mail_goes_without_a_code_and_the_promise_is_counted(promise: Promise) -> None:
    assert promise.ask("SELECT state, count(*) FROM offer_code GROUP BY 1") == [("promised", 8)]
    assert promise.ask("SELECT issued_minor FROM offer_budget") == [(8 * 1_000_000,)]  # 5 % of the usual 200,000
    assert len(list(promise.app.settings.outbox.rglob("*.eml"))) == 8
    with tenant(promise.app.engine, promise.merchant) as conn:
        mine = card.card(conn, 1, NOW)
        gone = card.card(conn, 1, promise.at(32))
    assert mine is not None
    assert gone is not None
    assert ([one.terms["percent"] for one in mine.promises], mine.offers, gone.promises) == (["5"], [], [])


def test_it_is_paid_once_after_the_return_window(promise: Promise) -> None:
    promise.order(1, 99_999, 1)
    promise.order(1, 400_000, 2, refunded_minor=10_000_000)
    promise.order(1, 900_000, 3)
    assert promise.settle(15) == {"paid": 0, "refused": 0, "lapsed": 0}
    assert promise.settle(16.1)["paid"] == 1
    assert promise.settle(17)["paid"] == 0
    assert promise.ask(
        "SELECT state, terms ->> 'paid_minor' FROM offer_code WHERE kind = 'cashback' AND customer_id = 1"
    ) == [("kept", "1500000")]
    with tenant(promise.app.engine, promise.merchant) as conn:
        saved = campaigns.need(conn, "eid-al-fitr-thanks")
        cost = results_money.offers(conn, [promise.run_id], saved, "IDR", offers.trade(conn, promise.at(17)))
    assert (cost["issued"], cost["redeemed"], cost["discount"]["amount"]) == (8, 1, "15000.00")
    later = replace(promise.app, now=lambda: promise.at(17))
    store = promise.counterpart.counter.store
    if promise.counterpart.platform == "shopify":
        assert promise.ask("SELECT amount_minor, cause LIKE 'cashback:%' FROM credit_intent") == [(1_500_000, True)]
        assert credits.give(later, promise.merchant, lambda *_: store) == 1
        return
    assert rewards.made(later, promise.merchant, lambda *_: store) == 1
    [(code, email)] = promise.ask("SELECT code, email FROM offer_code WHERE claim_id IS NOT NULL")
    lines = promise.counterpart.goods["VTC-30"]
    assert promise.counterpart.order([Line(lines, 2)], {}, code, email=email) == 178_000 - 15_000


def test_an_order_taken_back_within_the_window_pays_nothing(promise: Promise) -> None:
    number = promise.order(1, 300_000, 2)
    with tenant(promise.app.engine, promise.merchant) as conn:
        conn.execute(text("UPDATE shop_order SET refunded_minor = total_minor WHERE id = :id"), {"id": number})
    assert promise.settle(20)["paid"] == 0
    promise.order(1, 200_000, 20)
    assert promise.settle(35)["paid"] == 1


def test_what_was_not_used_lapses_and_frees_its_budget(promise: Promise) -> None:
    promise.order(1, 200_000, 29)
    promise.order(2, 200_000, 32)
    found = promise.settle(40)
    assert (found["paid"], found["lapsed"]) == (0, 7)
    assert promise.ask("SELECT issued_minor FROM offer_budget") == [(1_000_000,)]
    assert promise.settle(43.5)["paid"] == 1


def test_two_promises_are_not_kept_by_one_order(app: Services, merchant: int, counterpart: Counterpart) -> None:
    first = Promise(app, merchant, counterpart, OFFER)
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=parse(document(OFFER, key="second")), by="test")
        run_id = runs.open_now(conn, merchant, "second", "test", NOW)
    backend = FolderBackend(app.settings.outbox, clock=app.now)
    world = Outside(mail=backend, backend="folder", store=lambda _: counterpart.counter.store, repeatable=True)
    assert runs.advance(replace(app, now=lambda: NOW), world, merchant, run_id) in ("done", "sending")
    first.order(1, 200_000, 1)
    assert (first.settle(20)["paid"], first.settle(21)["paid"]) == (1, 0)
    assert first.ask("SELECT state FROM offer_code WHERE customer_id = 1 AND kind = 'cashback' ORDER BY id") == [
        ("kept",), ("promised",),
    ]  # fmt: skip
    first.order(1, 300_000, 21)
    assert first.settle(36)["paid"] == 1


def test_points_where_the_shop_has_no_credit(app: Services, merchant: int, counterpart: Counterpart) -> None:
    with tenant(app.engine, merchant) as conn:
        points.save_program(conn, merchant, program(point_value="100"), by="owner@example.com")
    made = Promise(app, merchant, counterpart, OFFER | {"elsewhere": "points"})
    made.order(1, 200_000, 1)
    assert made.settle(20)["paid"] == 1
    found = made.ask("SELECT points FROM point_entry WHERE key LIKE 'cashback:%'")
    assert found == ([] if counterpart.platform == "shopify" else [(100,)])
