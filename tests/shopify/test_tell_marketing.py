"""Runs stand on the shop's own marketing page, with each day's numbers, however often the telling fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import text

from campaigns.schema import parse
from connectors import shopify as connector
from connectors.base import Store
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.db.shops import marketing, stores
from plugin_server.demo.shopify_shop import Faults, ShopState, running_shop
from plugin_server.demo.shopify_shop.faults import ActedThenBroken, Broken, Throttled
from plugin_server.demo.shopify_shop.model_made import Activity
from plugin_server.jobs.telling.marketing import tell
from plugin_server.wiring import Services

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
CAMPAIGN = {
    "key": "hello",
    "name": "Hello again",
    "trigger": {"kind": "once"},
    "audience": {"rungs": "all"},
    "message": {"en": {"subject": "Hello", "html": "<p>Hello</p>"}},
    "measure": {"holdout": "0", "window_days": 3},
}


@dataclass
class Page:
    """The served shop, one run of two mails in it, and a clock that is moved by hand."""

    app: Services
    merchant: int
    store: int
    run: int
    shop: ShopState
    faults: Faults
    origin: str
    at: list[datetime]

    def connect(self, services: Services, merchant_id: int, store_id: int) -> Store:
        made = connector.connect(
            self.shop.domain, lambda: "shpat_demo", origin=self.origin, allow_private=True, sleep=lambda _: None
        )
        return cast(Store, made)

    def tell(self) -> int:
        return tell(self.app, self.merchant, self.store, self.connect)

    def sql(self, statement: str, **values: Any) -> None:
        with tenant(self.app.engine, self.merchant) as conn:
            conn.execute(text(statement), {"m": self.merchant, "run": self.run, **values})

    def row(self) -> dict[str, Any]:
        with tenant(self.app.engine, self.merchant) as conn:
            [found] = marketing.of_run(conn, self.run)
        return found

    def shown(self) -> Activity:
        [found] = self.shop.activities.values()
        return found

    def counts(self, name: str) -> dict[str, int]:
        """One number of the page by day, without days of none."""
        days = self.shown().engagements
        return {day: told[name] for day, told in sorted(days.items()) if told.get(name)}


@pytest.fixture
def page(app: Services, merchant: int) -> Iterator[Page]:
    shop, faults, at = ShopState(), Faults(), [NOW]
    with running_shop(shop, faults=faults) as origin:
        app = replace(app, now=lambda: at[0])
        with tenant(app.engine, merchant) as conn:
            store = stores.add(
                conn, merchant_id=merchant, platform="shopify", name="Toko Senja", url=f"https://{shop.domain}"
            )
            conn.execute(text("UPDATE store SET capabilities = '{marketing}', currency = 'IDR'"))
            campaigns.save(conn, merchant_id=merchant, campaign=parse(CAMPAIGN), by="t")
            saved = campaigns.need(conn, "hello")
            run, _ = campaigns.open_run(conn, merchant_id=merchant, saved=saved, occasion="once", due_at=NOW, by="t")
        made = Page(app, merchant, store, run, shop, faults, origin, at)
        for customer, days in ((1, 2), (2, 1)):
            made.sql(
                "INSERT INTO audience_member (run_id, customer_id, arm, store_id, merchant_id) "
                "VALUES (:run, :c, 'treated', :s, :m)", c=customer, s=store,
            )  # fmt: skip
            made.sql(
                "INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, accepted_at, "
                "clicked_at) VALUES (:m, :run, :c, 'a@example.com', 'en', 'delivered', :at, :click)",
                c=customer, at=NOW - timedelta(days=days), click=NOW - timedelta(days=1) if customer == 1 else None,
            )  # fmt: skip
        made.sql("UPDATE campaign_run SET state = 'sending', frozen_at = :at", at=NOW - timedelta(days=2))
        yield made


def day(ago: int) -> str:
    return (NOW - timedelta(days=ago)).date().isoformat()


def report(page: Page, kind: str, at: datetime, *, machine: bool = False) -> None:
    page.sql(
        "INSERT INTO delivery_event (merchant_id, dedupe, kind, message_id, machine, occurred_at) "
        "SELECT :m, gen_random_uuid()::text, :kind, min(id), :machine, :at FROM message",
        kind=kind, machine=machine, at=at,
    )  # fmt: skip


def test_a_run_is_shown_with_the_numbers_of_whole_days(page: Page) -> None:
    report(page, "clicked", NOW - timedelta(days=1))
    report(page, "clicked", NOW - timedelta(days=1), machine=True)
    report(page, "unsubscribed", NOW - timedelta(days=1))
    report(page, "clicked", NOW)
    assert page.tell() == 1
    shown = page.shown()
    assert (shown.title, shown.status, shown.remote_id) == ("Hello again", "ACTIVE", f"tangga-run-{page.run}")
    assert shown.utm["campaign"] == f"hello-{page.run}"
    assert shown.remote_url.endswith("/campaigns/hello")
    assert page.counts("sendsCount") == {day(2): 1, day(1): 1}
    assert page.counts("clicksCount") == {day(1): 1}, "neither machines nor a day that is not over"
    assert page.counts("uniqueClicksCount") == {day(1): 1}
    assert page.counts("unsubscribesCount") == {day(1): 1}
    assert page.tell() == 0, "once a day"


def test_late_reports_come_in_and_the_end_is_told(page: Page) -> None:
    page.tell()
    report(page, "clicked", NOW - timedelta(days=1))
    page.sql("UPDATE campaign_run SET state = 'done', finished_at = :at", at=NOW)
    page.at[0] += timedelta(days=1)
    assert page.tell() == 1
    assert page.counts("clicksCount") == {day(1): 1}
    assert page.shown().status == "ACTIVE", "its window is open"
    page.at[0] += timedelta(days=3)
    page.tell()
    assert page.shown().status == "INACTIVE"
    page.at[0] += timedelta(days=3)
    page.tell()
    assert page.row()["state"] == "ended"
    page.at[0] += timedelta(days=30)
    assert page.tell() == 0
    assert page.counts("sendsCount") == {day(2): 1, day(1): 1}, "each day once, whatever was told again"


@pytest.mark.parametrize(
    ("what", "fault"),
    [("marketingActivityUpsertExternal", ActedThenBroken(502)), ("marketingEngagementCreate", ActedThenBroken(502))],
)
def test_an_answer_lost_after_acting_leaves_one_of_each(page: Page, what: str, fault: Any) -> None:
    page.faults.once(what, fault, times=20)
    assert page.tell() == 0
    assert page.row()["error"]
    page.faults._planned.clear()
    page.at[0] += timedelta(hours=7)
    assert page.tell() == 1
    assert len(page.shop.activities) == 1
    assert page.counts("sendsCount") == {day(2): 1, day(1): 1}
    assert page.row()["error"] == ""


@pytest.mark.parametrize("fault", [Throttled(), Broken(503)])
def test_what_fails_waits_and_says_so(page: Page, fault: Any) -> None:
    page.faults.once("marketingActivityUpsertExternal", fault, times=1000)
    assert page.tell() == 0
    assert page.row()["state"] == "planned"
    assert page.row()["error"]
    asked = len(page.faults.requests)
    assert page.tell() == 0
    assert len(page.faults.requests) == asked, "not before its pause is over"


def test_a_worker_that_died_while_telling_is_succeeded(page: Page) -> None:
    with tenant(page.app.engine, page.merchant) as conn:
        marketing.plan(conn, merchant_id=page.merchant, store_id=page.store, now=NOW)
        assert marketing.claim(conn, page.store, NOW)
    assert page.tell() == 0
    page.at[0] += timedelta(minutes=11)
    assert page.tell() == 1
    assert page.row()["state"] == "shown"


@pytest.mark.parametrize(
    "change", ["capabilities = '{}'", "read_only = true", "state = 'frozen'", "state = 'disconnected'"]
)
def test_a_shop_that_cannot_or_must_not_be_told_is_left_alone(page: Page, change: str) -> None:
    page.sql(f"UPDATE store SET {change}")
    assert page.tell() == 0
    assert page.faults.requests == []
