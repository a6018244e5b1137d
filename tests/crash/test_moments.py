"""Workers are killed at moments nobody chose, while the provider fails in every way it can.

Time is moved on by hand, twenty seconds a round, as the sweeper would come by.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from connectors.sendgrid.client import SendGridBackend
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import merchants
from plugin_server.db.sending import messages
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import events
from plugin_server.locales.sentences import said
from plugin_server.wiring import Services
from tests.campaigns.shop import Shop, add_person, say
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid
from tests.inbox import received

PEOPLE = 90
ROUND = 20
KILLS = 10
FAULTS = (None, None, None, None, "accept_then_drop", "500_after_accept", "500", "503", "429", "slow", "drop")


@dataclass
class Story:
    """One run, the provider, and how far time was moved on."""

    services: Services
    provider: FakeSendGrid
    merchant: int
    run: int
    chance: random.Random
    ahead: float = 0.0

    @property
    def late(self) -> Services:
        """We, on the moved clock."""
        return replace(self.services, now=lambda: datetime.now(UTC) + timedelta(seconds=self.ahead))

    def pass_time(self, seconds: float = ROUND) -> None:
        """The sweeper comes by, and the provider lets out what is due."""
        self.ahead += seconds
        backend = SendGridBackend(self.provider.api_key, self.provider.url)
        sweep.settle_attempts(self.late, Outside(backend, "sendgrid", lambda _: Shop()), self.merchant)
        self.provider.release()

    def report(self, share: float) -> None:
        """The provider reports some of what left, twice and in any order."""
        mails = [mail for mail in self.provider.accepted if self.chance.random() < share]
        raw = self.provider.events_for("delivered", "processed", mails=mails) * 2
        self.chance.shuffle(raw)
        body = json.dumps(raw).encode()
        received(self.services, self.merchant, body, provider="sendgrid", topic="events")
        events.drain(self.late, self.merchant)

    def rows(self) -> list[dict[str, Any]]:
        with tenant(self.services.engine, self.merchant) as conn:
            return messages.messages(conn, self.run)


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        fake.slow_seconds, fake.reset_seconds = 0.3, 5
        yield fake


@pytest.fixture
def story(app: Services, provider: FakeSendGrid, request: pytest.FixtureRequest) -> Story:
    """People who wait for a mail with no code, any hour; fenced or not."""
    seed, fenced = request.param
    number = merchants.add(
        app.engine, name="Toko", email="o@toko.example", timezone="Asia/Jakarta", currency="IDR", locale="id"
    )
    with tenant(app.engine, number) as conn:
        conn.execute(text("UPDATE merchant SET holdout_share = 0, postal_address = 'Jl. Senja 1'"))
        for n in range(1, PEOPLE + 1):
            add_person(conn, number, n)
        say(conn, number, [n for n in range(1, PEOPLE + 1) if n != 12], "subscribed")
        guards = {"quiet_hours": None, "frequency_cap": None, "fenced": fenced}
        wording = {"subject": "Hi {{ customer.first_name }}", "html": "<p>{{ links.unsubscribe }}</p>"}
        made = holiday_discount().document | {"measure": {"holdout": 0}, "guards": guards, "offer": None}
        campaign = parse(made | {"message": {"id": wording}})
        campaigns.save(conn, merchant_id=number, campaign=campaign, by="test")
        now = datetime.now(UTC)
        run = runs.open_now(conn, number, campaign.key, "test", now)
    made_story = Story(replace(app, now=lambda: datetime.now(UTC)), provider, number, run, random.Random(seed))
    provider.clock = lambda: time.time() + made_story.ahead
    return made_story


@contextmanager
def forks(story: Story) -> Iterator[subprocess.Popen[str]]:
    """The process that makes workers."""
    settings = story.services.settings
    told = {
        "database": settings.database_url, "redis": settings.redis_url, "key": story.provider.api_key,
        "url": story.provider.url, "merchant": story.merchant, "run": story.run,
    }  # fmt: skip
    argv = [sys.executable, "-m", "tests.crash.senders"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(told) + "\n")
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def work(process: subprocess.Popen[str], story: Story, *, dies_at: int = 0) -> bool:
    """One worker takes the run as far as it goes, or dies at one of its moments: then True."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"go {story.ahead} {dies_at}\n")
    process.stdin.flush()
    heard = process.stdout.readline()
    assert heard in ("killed\n", "ended 0\n")
    return heard == "killed\n"


@pytest.mark.slow
@pytest.mark.parametrize("story", [(1, False), (2, True)], indirect=True, ids=["open", "fenced"])
def test_whenever_a_worker_dies_and_whatever_the_provider_does(story: Story) -> None:
    provider, chance = story.provider, story.chance
    kills = 0
    with forks(story) as process:
        for _ in range(KILLS):
            provider.faults = [chance.choice(FAULTS) for _ in range(20)]  # type: ignore[misc]
            kills += work(process, story, dies_at=chance.choice((chance.randint(1, 150), -chance.randint(1, 2))))
            story.pass_time()
            if chance.random() < 0.3:
                story.report(0.5)
        assert kills >= 4
        provider.faults = []
        for _ in range(3):
            work(process, story)
            story.pass_time()
        assert not [row for row in story.rows() if row["state"] in ("claimed", "sending")], "not back within 90 s"
        story.pass_time(3600)
        story.report(1.0)
        for _ in range(2):
            story.pass_time(3700)
            work(process, story)
        story.pass_time(3600)
        story.report(1.0)
        story.pass_time()
    settled(story)


def settled(story: Story) -> None:
    """Everybody once, with a state that is true; behind a fence, nobody is left out at all."""
    sent = Counter(mail.email for mail in story.provider.accepted)
    assert {email: times for email, times in sent.items() if times > 1} == {}
    rows = story.rows()
    assert len(rows) == len({row["customer"] for row in rows}) == PEOPLE - 1
    for row in rows:
        assert row["state"] == ("delivered" if row["email"] in sent else "failed"), row
        assert row["state"] == "delivered" or said(row["reason"], "id") != row["reason"], row
    with tenant(story.services.engine, story.merchant) as conn:
        fenced = campaigns.run(conn, story.run).campaign.guards.fenced
    lost = PEOPLE - 1 - len(sent)
    assert lost == 0 if fenced else lost < (PEOPLE - 1) / 2


@pytest.mark.slow
@pytest.mark.parametrize("story", [(3, False), (4, True)], indirect=True, ids=["open", "fenced"])
def test_each_thing_that_a_provider_can_do_once_and_nobody_dies(story: Story) -> None:
    """Every fault is met for certain, each by a request of its own: chance may leave one out."""
    provider = story.provider
    provider.faults = [fault for fault in dict.fromkeys(FAULTS) if fault]
    with forks(story) as process:
        for _ in range(len(FAULTS)):
            work(process, story)
            story.pass_time()
        assert provider.faults == []
        for hours in (1, 2):
            story.pass_time(3600 * hours)
            story.report(1.0)
            work(process, story)
        story.pass_time(3600)
        story.report(1.0)
        story.pass_time()
    settled(story)
