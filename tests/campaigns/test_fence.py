"""Requests that wait at the provider: what is in doubt is called back and made again, what was halted never leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from campaigns.mail.fence import HELD
from connectors.errors import ConnectorError
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.fence import SendGridFence
from plugin_server.db.campaigning import campaigns
from plugin_server.db.sending import doubts, messages
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import fences
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop
from tests.campaigns.test_delivery import reported, states
from tests.campaigns.test_run import holiday, started
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid

GUARDS = {"fenced": True}


@dataclass
class Clock:
    """One clock for us and the provider."""

    now: datetime = NOW

    def later(self, **by: int) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        fake.clock = lambda: clock.now.timestamp()  # noqa: PLW0108 - the clock moves on
        yield fake


@pytest.fixture
def late(app: Services, clock: Clock) -> Services:
    """The process on that clock."""
    return replace(app, now=lambda: clock.now)


@pytest.fixture
def sending(provider: FakeSendGrid, shop: Shop) -> Outside:
    backend = SendGridBackend(provider.api_key, provider.url, timeout=(1, 0.5))
    fence = SendGridFence(provider.api_key, provider.url, timeout=(1, 0.5))
    return Outside(mail=backend, backend="sendgrid", store=lambda _: shop, fence=fence)


def addresses(provider: FakeSendGrid) -> list[str]:
    provider.release()
    return sorted(mail.email for mail in provider.accepted)


EVERYBODY = [f"c{n}@example.com" for n in range(1, 9)]


def test_every_request_waits_behind_a_fence_of_its_own(
    late: Services, clock: Clock, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(late, merchant, holiday(guards=GUARDS))
    assert runs.advance(late, sending, merchant, run_id) == "sending"
    batches = [request["batch_id"] for request in provider.requests]
    assert len(set(batches)) == len(batches) == 3
    assert {request["send_at"] for request in provider.requests} == {int((NOW + HELD).timestamp())}
    assert addresses(provider) == []
    with tenant(late.engine, merchant) as conn:
        run = campaigns.run(conn, run_id)
    assert (run.not_before, run.state_figures["key"]) == (NOW + HELD, "mails_held")
    clock.later(minutes=21)
    assert addresses(provider) == EVERYBODY
    assert runs.advance(late, sending, merchant, run_id) == "done"


@pytest.mark.parametrize("fault", ["accept_then_drop", "500_after_accept", "500"])
def test_a_request_in_doubt_is_called_back_and_made_again(
    late: Services, clock: Clock, merchant: int, sending: Outside, provider: FakeSendGrid, fault: str
) -> None:
    provider.faults = [fault] * 2
    run_id = started(late, merchant, holiday(guards=GUARDS))
    runs.advance(late, sending, merchant, run_id)
    doubtful = states(late, merchant, run_id)["in_doubt"]
    assert doubtful > 1
    with tenant(late.engine, merchant) as conn:
        assert doubts.decide(conn, run_id, resend=True, by="ani", now=clock.now) == 0
    provider.doors_fault = "500"
    assert fences.call_all_back(late, sending, merchant) == 0
    provider.doors_fault = None
    assert fences.call_all_back(late, sending, merchant) == doubtful
    assert fences.call_all_back(late, sending, merchant) == 0
    clock.later(seconds=40)
    runs.advance(late, sending, merchant, run_id)
    assert states(late, merchant, run_id) == {"accepted": 8}
    clock.later(minutes=30)
    assert addresses(provider) == EVERYBODY
    assert runs.advance(late, sending, merchant, run_id) == "done"


def test_a_worker_lost_between_the_yes_of_the_provider_and_the_ledger_hears_the_same_again(
    late: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.fault = "accept_then_drop"
    run_id = started(late, merchant, holiday(guards=GUARDS))
    runs.advance(late, sending, merchant, run_id)
    assert sending.fence
    for request in provider.requests:
        sending.fence.call_back(request["batch_id"])
    assert fences.call_all_back(late, sending, merchant) == 8
    with pytest.raises(ConnectorError, match="not valid"):
        sending.fence.call_back("nobody-made-this")


def test_too_late_to_call_back_is_an_ordinary_doubt_counted_from_the_leaving(
    late: Services, clock: Clock, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.fault = "accept_then_drop"
    run_id = started(late, merchant, holiday(guards=GUARDS))
    runs.advance(late, sending, merchant, run_id)
    clock.later(minutes=9)
    assert fences.call_all_back(late, sending, merchant) == 0
    clock.later(minutes=70)
    sweep.settle_attempts(late, sending, merchant)
    assert states(late, merchant, run_id) == {"in_doubt": 8}
    clock.later(minutes=2)
    sweep.settle_attempts(late, sending, merchant)
    assert states(late, merchant, run_id) == {"failed": 8}
    assert addresses(provider) == EVERYBODY
    reported(late, merchant, provider.events_for("delivered"), clock.now)
    assert states(late, merchant, run_id) == {"delivered": 8}


@pytest.mark.parametrize(("halt", "then"), [("stopped", {"skipped": 8}), ("paused", {"planned": 8})])
def test_a_halted_run_takes_back_what_has_not_left(
    late: Services, clock: Clock, merchant: int, sending: Outside, provider: FakeSendGrid, halt: str,
    then: dict[str, int],
) -> None:  # fmt: skip
    run_id = started(late, merchant, holiday(guards=GUARDS))
    runs.advance(late, sending, merchant, run_id)
    with tenant(late.engine, merchant) as conn:
        campaigns.hold(conn, run_id, to=halt, reason="by ani")
    assert fences.call_all_back(late, sending, merchant) == 8
    assert states(late, merchant, run_id) == then
    # Reports that the provider once took them say nothing any more; they must not end a mail that never left.
    taken = [{"email": one["to"][0]["email"], "event": "processed", "timestamp": 1, **one["custom_args"]}
             for request in provider.requests for one in request["personalizations"]]  # fmt: skip
    assert reported(late, merchant, taken, clock.now) == 1
    assert states(late, merchant, run_id) == then
    clock.later(hours=1)
    assert addresses(provider) == []
    with tenant(late.engine, merchant) as conn:
        rows, resumed = messages.messages(conn, run_id), campaigns.resume(conn, run_id)
    assert all("called back" in row["reason"] for row in rows)
    if resumed:
        runs.advance(late, sending, merchant, run_id)
        clock.later(hours=1)
        assert addresses(provider) == EVERYBODY


def test_a_request_that_arrives_after_its_batch_was_called_back_does_not_leave(
    clock: Clock, sending: Outside, provider: FakeSendGrid
) -> None:
    assert sending.fence
    batch = sending.fence.open()
    sending.fence.call_back(batch)
    provider.accept({"batch_id": batch, "send_at": int((NOW + HELD).timestamp()), "personalizations": [{}]})
    clock.later(hours=1)
    assert addresses(provider) == []


def test_without_a_fence_the_run_waits_or_asks_for_the_right(
    late: Services, clock: Clock, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.doors_fault = "503"
    run_id = started(late, merchant, holiday(guards=GUARDS))
    assert runs.advance(late, sending, merchant, run_id) == "sending"
    assert provider.requests == []
    provider.doors_fault = "403"
    clock.later(minutes=2)
    assert runs.advance(late, sending, merchant, run_id) == "paused"
    with tenant(late.engine, merchant) as conn:
        assert "create and cancel scheduled sends" in campaigns.run(conn, run_id).state_reason
    assert states(late, merchant, run_id) == {"planned": 8}


def test_mails_that_would_leave_in_quiet_hours_wait_for_the_morning(
    late: Services, clock: Clock, merchant: int, sending: Outside
) -> None:
    clock.now = NOW.replace(hour=13, minute=50)
    run_id = started(late, merchant, holiday(guards=GUARDS, key="thanks-2", trigger={"kind": "once"}))
    runs.advance(late, sending, merchant, run_id)
    assert states(late, merchant, run_id) == {"planned": 8}
    with tenant(late.engine, merchant) as conn:
        waits = conn.scalars(text("SELECT DISTINCT not_before FROM message")).all()
    assert waits == [NOW.replace(hour=1) + timedelta(days=1)]
