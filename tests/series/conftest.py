"""Toko Senja with a clock that is moved by hand, an outbox, and a shop that takes codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.schema import Campaign
from connectors.folder.client import FolderBackend
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.campaigning import ticks
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.series import walk as series
from plugin_server.launcher.supervisor import ServiceUrls
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop, fill


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Any:
        return self.now


class House:
    """A running business, walked through time."""

    def __init__(self, app: Services, merchant: int, shop: Shop, clock: Clock) -> None:
        self.app, self.merchant, self.shop, self.clock = app, merchant, shop, clock
        backend = FolderBackend(app.settings.outbox, clock=app.now)
        self.world = Outside(mail=backend, backend="folder", store=lambda _: shop, repeatable=True)

    def save(self, campaign: Campaign) -> int:
        """Save it; gives the version."""
        with tenant(self.app.engine, self.merchant) as conn:
            return campaigns.save(conn, merchant_id=self.merchant, campaign=campaign, by="test")

    def begin(self, campaign: Campaign) -> int:
        """Save it, start it by hand, and let everybody in; gives the run."""
        self.save(campaign)
        with tenant(self.app.engine, self.merchant) as conn:
            run_id = runs.open_now(conn, self.merchant, campaign.key, "test", self.app.now())
        assert runs.advance(self.app, self.world, self.merchant, run_id) == "done"
        self.walk()
        return run_id

    def walk(self, **ahead: float) -> int:
        """Let time go by, then everybody go as far as it takes them."""
        self.clock.now += timedelta(**ahead)
        ticks.tick_merchant(self.app, self.merchant)
        with tenant(self.app.engine, self.merchant) as conn:
            waiting = campaigns.waiting(conn, self.app.now())
        for run_id in waiting:
            runs.advance(self.app, self.world, self.merchant, run_id)
        return series.walk(self.app, self.world, self.merchant)

    def swept(self, **ahead: float) -> int:
        """The same after the sweeper has freed what a dead worker had in hand."""
        self.clock.now += timedelta(**ahead)
        sweep.settle_attempts(self.app, self.world, self.merchant)
        return self.walk()

    def ask(self, statement: str, **given: Any) -> list[Any]:
        """Rows of the merchant's database."""
        with tenant(self.app.engine, self.merchant) as conn:
            return list(conn.execute(text(statement), given))

    def do(self, statement: str, **given: Any) -> None:
        """Change something in the merchant's database."""
        with tenant(self.app.engine, self.merchant) as conn:
            conn.execute(text(statement), given)

    def places(self) -> dict[int, tuple[str, str]]:
        """Customer → where they stand, or (left, outcome)."""
        rows = self.ask("SELECT customer_id, state, step, outcome FROM series_place ORDER BY id")
        return {row.customer_id: (row.state, row.outcome if row.state == "left" else row.step) for row in rows}

    def mails(self) -> list[tuple[str, str]]:
        """(recipient, subject) of everything in the outbox, sorted."""
        made = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in Path(self.app.settings.outbox).rglob("*.eml")
        ]
        return sorted((mail["To"].addresses[0].addr_spec, str(mail["Subject"])) for mail in made)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(services: ServiceUrls, database: str, tmp_path: Path, clock: Clock) -> Iterator[Services]:
    settings = Settings(
        tangga_home=tmp_path / "home", database_url=database, redis_url=services.redis_url, secret_keys=("k" * 40,),
        public_url="https://mail.toko.example", allow_private_hosts=True,
    )  # fmt: skip
    made = replace(wiring.build(settings), now=clock)
    yield made
    made.engine.dispose()
    made.redis.close()


@pytest.fixture
def merchant(app: Services) -> int:
    number = merchants.add(
        app.engine, name="Toko Senja", email="owner@toko.example", timezone="Asia/Jakarta", currency="IDR", locale="id"
    )
    fill(app, number)
    return number


@pytest.fixture
def house(app: Services, merchant: int, clock: Clock) -> House:
    """The business of ``tests.campaigns.shop.fill`` at 09:00 in Jakarta."""
    return House(app, merchant, Shop(), clock)
