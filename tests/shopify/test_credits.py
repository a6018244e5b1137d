"""Store credit is given once, whatever happens between us and a shop that keeps no word of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from connectors import shopify as connector
from connectors.base import Store
from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.cli import cli
from plugin_server.db.ingest.customers import ingest_customers
from plugin_server.db.merchant import audit_log
from plugin_server.db.offers import credits
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.demo.generator import generate
from plugin_server.demo.shop.faults import Broken, Lost
from plugin_server.demo.shopify_shop import Faults, ShopState, running_shop, stock
from plugin_server.demo.shopify_shop.faults import ActedThenBroken, Throttled
from plugin_server.jobs.giving.credits import give
from plugin_server.jobs.sweep import sweep
from plugin_server.vault import seal
from plugin_server.wiring import Services
from tests.data.making import account
from tests.web.conftest import Visitor

WRITE, READ = "storeCreditAccountCredit", "Credits"
NOW = datetime.now(UTC).replace(microsecond=0)
CAN = "{store_credit,credit_switched_on,new_accounts}"


def well(faults: Faults) -> None:
    """Nothing goes wrong any more."""
    faults._planned.clear()


class Killed(BaseException):
    """What a killed worker leaves: no line of ours runs after the call."""


@dataclass
class Bank:
    """The served shop, our rows about it, and a clock that is moved by hand."""

    app: Services
    merchant: int
    store: int
    customer: int
    account: str
    shop: ShopState
    faults: Faults
    origin: str
    at: list[datetime]
    dies: bool = False

    def connect(self, services: Services, merchant_id: int, store_id: int) -> Store:
        made = connector.connect(
            self.shop.domain, lambda: "shpat_demo", origin=self.origin, allow_private=True, sleep=lambda _: None
        )
        if self.dies:
            booked = made.give_credit

            def dying(intent: Any) -> str:
                booked(intent)
                raise Killed

            made.give_credit = dying  # type: ignore[method-assign]
        return cast(Store, made)

    def plan(self, amount: str = "50000", cause: str = "order:1") -> int:
        with tenant(self.app.engine, self.merchant) as conn:
            return credits.plan(
                conn, merchant_id=self.merchant, customer_id=self.customer, store_id=self.store, amount=Decimal(amount),
                reason="cashback", cause=cause, by="owner@example.com", now=self.at[0],
            )  # fmt: skip

    def give(self) -> int:
        return give(self.app, self.merchant, self.connect)

    def later(self, **by: float) -> None:
        self.at[0] += timedelta(**by)

    def states(self) -> list[tuple[str, str]]:
        with tenant(self.app.engine, self.merchant) as conn:
            return [(one["state"], one["error"]) for one in credits.of_customer(conn, self.customer)]

    def booked(self) -> list[Decimal]:
        mine = [one for one in self.shop.accounts.values() if str(one.customer_id) == self.account]
        return [move.amount for one in mine for move in one.moves]


@pytest.fixture
def bank(app: Services, merchant: int) -> Iterator[Bank]:
    shop, faults, at = ShopState(), Faults(), [NOW]
    stock(shop, generate(seed=3, customers=20, now=NOW))
    with running_shop(shop, faults=faults) as origin:
        settings = app.settings.model_copy(update={"shopify_admin_origin": origin, "allow_private_hosts": True})
        app = replace(app, settings=settings, now=lambda: at[0])
        number = next(id for id, one in shop.customers.items() if one.email)
        person = account(str(number), shop.customers[number].email)
        with tenant(app.engine, merchant) as conn:
            store = stores.add(
                conn, merchant_id=merchant, platform="shopify", name="Toko Senja", url=f"https://{shop.domain}",
                webhook_secrets=seal(app.settings.keys, {"secrets": []}),
            )  # fmt: skip
            conn.execute(text(f"UPDATE store SET capabilities = '{CAN}', currency = 'IDR'"))
            ingest_customers(conn, merchant_id=merchant, store_id=store, customers=[person], now=NOW)
            customer = int(conn.scalar(text("SELECT id FROM customer")) or 0)
        yield Bank(app, merchant, store, customer, str(number), shop, faults, origin, at)


def test_a_cause_gives_credit_once_and_the_log_says_who(bank: Bank) -> None:
    before = bank.booked()
    assert bank.plan() == bank.plan()
    assert [bank.give(), bank.give()] == [1, 0]
    assert bank.plan() > 0
    assert bank.give() == 0
    assert bank.booked() == [*before, Decimal(50_000)]
    assert bank.states() == [("given", "")]
    with tenant(bank.app.engine, bank.merchant) as conn:
        log = [(row.actor, row.action) for row in audit_log.recent(conn)]
    assert log[:2] == [("system", "credit_given"), ("owner@example.com", "credit_planned")]


def test_two_equal_credits_at_once_are_two(bank: Bank) -> None:
    before = bank.booked()
    bank.plan(cause="order:1")
    bank.plan(cause="order:2")
    assert bank.give() == 2
    assert bank.booked() == [*before, Decimal(50_000), Decimal(50_000)]


@pytest.mark.parametrize("fault", [Lost(), ActedThenBroken(502)])
def test_a_lost_answer_is_found_and_not_repeated(bank: Bank, fault: Any) -> None:
    before = bank.booked()
    bank.plan()
    bank.faults.once(WRITE, fault)
    assert bank.give() == 1
    assert bank.booked() == [*before, Decimal(50_000)]


def test_a_doubt_that_cannot_be_looked_up_stays_one_and_is_read_later(bank: Bank) -> None:
    before = bank.booked()
    bank.plan()
    bank.faults.once(WRITE, Lost())
    bank.faults.once(READ, Broken(503), times=1000, after=1)
    assert bank.give() == 0
    assert bank.booked() == [*before, Decimal(50_000)], "it was booked, and nobody told us"
    [(state, error)] = bank.states()
    assert state == "in_doubt"
    assert error
    assert bank.give() == 0, "not before its pause is over"
    bank.later(hours=2)
    assert bank.give() == 0
    assert bank.states()[0][0] == "in_doubt", "an unreadable account ends no doubt"
    well(bank.faults)
    bank.later(hours=2)
    assert bank.give() == 1
    assert bank.booked() == [*before, Decimal(50_000)]
    assert bank.states() == [("given", "")]


def test_throttled_is_no_doubt_and_waits(bank: Bank) -> None:
    before = bank.booked()
    bank.plan()
    bank.faults.once(WRITE, Throttled(), times=1000)
    assert bank.give() == 0
    [(state, error)] = bank.states()
    assert state == "planned"
    assert error
    assert bank.give() == 0, "not before its pause is over"
    well(bank.faults)
    bank.later(hours=2)
    assert bank.give() == 1
    assert bank.booked() == [*before, Decimal(50_000)]


def test_a_worker_killed_between_booking_and_noting_leaves_one_credit(bank: Bank) -> None:
    before = bank.booked()
    bank.plan()
    bank.dies = True
    with pytest.raises(Killed):
        bank.give()
    bank.dies = False
    assert bank.states() == [("sending", "")]
    assert bank.give() == 0, "somebody may still be at it"
    bank.later(minutes=11)
    sweep(bank.app)
    assert bank.app.redis.exists(f"wake:give_credits:{bank.merchant}")
    assert bank.give() == 1
    assert bank.booked() == [*before, Decimal(50_000)]
    assert bank.states() == [("given", "")]


def test_a_refusal_stays_with_its_sentence(bank: Bank) -> None:
    bank.plan(amount="999000000")
    assert bank.give() == 0
    assert bank.states() == [("refused", "The customer has as much store credit as Shopify allows.")]
    bank.later(days=1)
    assert bank.give() == 0


@pytest.mark.parametrize(
    ("capabilities", "key"),
    [("{new_accounts}", "credit_off"), ("{credit_switched_on}", "credit_classic"),
     ("{new_accounts,credit_switched_on}", "credit_not_granted")],
)  # fmt: skip
def test_a_shop_that_cannot_is_named_before_anything_is_written(bank: Bank, capabilities: str, key: str) -> None:
    with tenant(bank.app.engine, bank.merchant) as conn:
        conn.execute(text(f"UPDATE store SET capabilities = '{capabilities}'"))
    with pytest.raises(credits.CreditRefused) as caught:
        bank.plan()
    assert caught.value.reason.key == key
    assert bank.states() == []


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "1e30"])
def test_amounts_that_are_none_are_refused(bank: Bank, amount: str) -> None:
    with pytest.raises(credits.CreditRefused):
        bank.plan(amount=amount)
    assert bank.states() == []


@pytest.fixture
def run(
    bank: Bank, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, services: Any
) -> Callable[..., Any]:
    told = {
        "DATABASE_URL": database, "REDIS_URL": services.redis_url, "TANGGA_HOME": str(tmp_path),
        "SHOPIFY_ADMIN_ORIGIN": bank.origin, "ALLOW_PRIVATE_HOSTS": "true",
        "SECRET_KEYS": ",".join(bank.app.settings.keys),
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    grant = Grant("shpat_demo", ("write_store_credit_account_transactions",), None, None, None)
    shop_access.keep(wiring.vault(bank.app), bank.merchant, bank.store, grant, installed=False)

    def go(*words: str) -> Any:
        done = CliRunner().invoke(cli, [*words, "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else (done.exit_code, str(done.exception))

    return go


def test_the_command_plans_and_says_what_became_of_it(bank: Bank, run: Callable[..., Any]) -> None:
    email = bank.shop.customers[int(bank.account)].email or ""
    found = run("credit", "give", email, "50000", "--reason", "sorry", "--cause", "ticket-9")
    assert isinstance(found, dict), found
    assert (found["shop"], found["amount"], found["currency"]) == ("Toko Senja", "50000.00", "IDR")
    again = run("credit", "give", email, "50000", "--reason", "sorry", "--cause", "ticket-9")
    assert found["id"] == again["id"]
    assert len(run("credit", "show", email)["credits"]) == 1
    assert "above zero" in run("credit", "give", email, "0", "--reason", "x")[1]
    assert "connected" in run("credit", "give", email, "5", "--reason", "x", "--store", "Elsewhere")[1]


def test_an_owner_gives_it_on_the_customers_page(bank: Bank, logged_in: Callable[[str], Visitor]) -> None:
    owner, page = logged_in("owner"), f"/customers/{bank.customer}"
    shown = owner.get(page).get_data(as_text=True)
    assert "Give store credit" in shown
    ticket = shown.split('name="ticket" value="')[1][:32]
    form = {"amount": "50000", "reason": "sorry", "ticket": ticket}
    assert [owner.post(f"{page}/credit", form).status_code for _ in range(2)] == [302, 302]
    assert bank.states() == [("planned", "")]
    owner.post(f"{page}/credit", {**form, "amount": "much", "ticket": "0" * 32})
    assert len(bank.states()) == 1
    assert logged_in("marketer").post(f"{page}/credit", form).status_code == 403
