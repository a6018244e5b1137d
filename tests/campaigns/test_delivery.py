"""Sending through a provider that fails in every way, and what its reports settle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.mail_types import DeliveryEvent, DeliveryKind
from connectors.sendgrid.client import SendGridBackend
from plugin_server.db.campaigning import campaigns
from plugin_server.db.sending import delivery, messages
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import events
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop
from tests.campaigns.test_run import holiday, started
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid
from tests.inbox import received


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    """SendGrid on loopback."""
    with fake_sendgrid() as fake:
        yield fake


@pytest.fixture
def sending(provider: FakeSendGrid, shop: Shop) -> Outside:
    """A world that sends through the fake, and waits half a second for it."""
    backend = SendGridBackend(provider.api_key, provider.url, timeout=(1, 0.5))
    return Outside(mail=backend, backend="sendgrid", store=lambda _: shop)


def at(app: Services, after: timedelta) -> Services:
    """The same process, later."""
    return replace(app, now=lambda: NOW + after)


def states(app: Services, merchant: int, run_id: int) -> dict[str, int]:
    """Messages by state."""
    with tenant(app.engine, merchant) as conn:
        found: dict[str, int] = runs.report(conn, run_id)["messages"]
        return found


def reported(app: Services, merchant: int, raw: list[dict[str, Any]], now: datetime = NOW) -> int:
    """Reports arrive by way of the inbox and are worked off."""
    body = json.dumps(raw).encode()
    received(app, merchant, body, provider="sendgrid", topic="events")
    return events.drain(replace(app, now=lambda: now), merchant)


def test_every_recipient_is_accepted_once(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "done"
    assert sorted(mail.email for mail in provider.accepted) == [f"c{n}@example.com" for n in range(1, 9)]
    with tenant(app.engine, merchant) as conn:
        rows = messages.messages(conn, run_id)
    assert {row["provider_reference"] for row in rows} == {mail.reference for mail in provider.accepted}


@pytest.mark.parametrize("fault", ["accept_then_drop", "500_after_accept"])
def test_what_may_have_left_is_not_sent_again_and_reports_settle_it(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid, fault: str
) -> None:
    provider.faults = [fault]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    before = len(provider.accepted)
    assert states(app, merchant, run_id)["in_doubt"] >= 1
    sweep.settle_attempts(at(app, timedelta(minutes=30)), sending, merchant)
    runs.advance(at(app, timedelta(minutes=30)), sending, merchant, run_id)
    assert len(provider.accepted) == before == 8
    assert reported(app, merchant, provider.events_for("processed", mails=provider.accepted)) == 1
    assert states(app, merchant, run_id) == {"accepted": 8}
    assert runs.advance(at(app, timedelta(hours=1)), sending, merchant, run_id) == "done"


def test_one_report_settles_the_whole_request(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.fault = "accept_then_drop"
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    biggest = max(provider.requests, key=lambda request: len(request["personalizations"]))
    address = biggest["personalizations"][0]["to"][0]["email"]
    one = [mail for mail in provider.accepted if mail.email == address]
    reported(app, merchant, provider.events_for("delivered", mails=one))
    assert states(app, merchant, run_id)["delivered"] == 1
    assert states(app, merchant, run_id)["accepted"] == len(biggest["personalizations"]) - 1


def test_a_doubt_that_nobody_ends_is_given_up_with_a_reason(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.fault = "500_after_accept"
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    late = at(app, timedelta(minutes=61))
    sweep.settle_attempts(late, sending, merchant)
    assert runs.advance(late, sending, merchant, run_id) == "done"
    with tenant(app.engine, merchant) as conn:
        rows = messages.messages(conn, run_id)
    assert {(row["state"], row["reason"]) for row in rows} == {
        ("failed", "in doubt: the provider never confirmed it within 60 minutes, so it is not sent again")
    }
    reported(app, merchant, provider.events_for("delivered"))
    assert states(app, merchant, run_id) == {"delivered": 8}


def test_a_run_may_ask_for_rather_twice_than_never(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.faults = ["500"] * 3
    run_id = started(app, merchant, holiday(guards={"in_doubt": "resend"}))
    runs.advance(app, sending, merchant, run_id)
    assert provider.accepted == []
    late = at(app, timedelta(minutes=61))
    sweep.settle_attempts(late, sending, merchant)
    assert runs.advance(late, sending, merchant, run_id) == "done"
    assert len(provider.accepted) == 8


def test_a_certain_no_is_sent_again_when_the_provider_is_patient(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.faults = ["429"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    assert provider.accepted == []
    assert runs.advance(at(app, timedelta(minutes=10)), sending, merchant, run_id) == "done"
    assert len(provider.accepted) == 8


def test_a_wrong_key_pauses_the_run_and_says_so(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    provider.faults = ["401"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "paused"
    with tenant(app.engine, merchant) as conn:
        report = runs.report(conn, run_id)
        assert "does not know this API key" in report["reason"]
        assert report["messages"] == {"planned": 8}
        campaigns.resume(conn, run_id)
    assert runs.advance(at(app, timedelta(minutes=10)), sending, merchant, run_id) == "done"
    assert len(provider.accepted) == 8


def test_a_worker_lost_before_sending_leaves_nothing_stuck(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    with pytest.raises(KeyboardInterrupt):
        runs.advance(app, replace(sending, mail=Killed()), merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE send_attempt SET state = 'prepared'"))
        conn.execute(text("UPDATE message SET state = 'claimed' WHERE state = 'sending'"))
    soon = at(app, timedelta(seconds=46))
    sweep.settle_attempts(soon, sending, merchant)
    runs.advance(soon, sending, merchant, run_id)
    assert len(provider.accepted) == 8


def test_a_worker_lost_while_sending_leaves_a_doubt(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    with pytest.raises(KeyboardInterrupt):
        runs.advance(app, replace(sending, mail=Killed()), merchant, run_id)
    lost = states(app, merchant, run_id)["sending"]
    later = at(app, timedelta(seconds=76))
    sweep.settle_attempts(later, sending, merchant)
    runs.advance(later, sending, merchant, run_id)
    assert states(app, merchant, run_id) == {"accepted": 8 - lost, "in_doubt": lost}
    assert len(provider.accepted) == 8 - lost


class Killed:
    """A backend in the middle of which the process is killed."""

    def send(self, mail: Any) -> Any:
        """Never comes back."""
        raise KeyboardInterrupt


def test_a_folder_ends_its_doubts_itself(app: Services, merchant: int, world: Outside) -> None:
    run_id = started(app, merchant, holiday())
    with pytest.raises(KeyboardInterrupt):
        runs.advance(app, replace(world, mail=Killed()), merchant, run_id)
    later = at(app, timedelta(seconds=80))
    sweep.settle_attempts(later, world, merchant)
    sweep.settle_attempts(later, world, merchant)
    assert runs.advance(later, world, merchant, run_id) == "done"
    assert len(list(app.settings.outbox.rglob("*.eml"))) == 8


def test_bounces_and_complaints_end_all_later_mail(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    by = {mail.email: mail for mail in provider.accepted}
    reported(
        app,
        merchant,
        provider.events_for("bounce", mails=[by["c1@example.com"]], type="bounce", reason="550 no such user")
        + provider.events_for("spamreport", mails=[by["c2@example.com"]])
        + provider.events_for("unsubscribe", mails=[by["c3@example.com"]])
        + provider.events_for("bounce", mails=[by["c4@example.com"]], type="blocked", reason="busy"),
    )
    assert states(app, merchant, run_id) == {"accepted": 4, "bounced": 2, "complained": 1, "delivered": 1}
    with tenant(app.engine, merchant) as conn:
        reasons = dict(conn.execute(text("SELECT email_norm, reason FROM suppression")).all())  # type: ignore[arg-type]
        said = conn.scalars(text("SELECT customer_id FROM consent WHERE source = 'mail provider' ORDER BY 1")).all()
    assert reasons["c1@example.com"] == "bounced: 550 no such user"
    assert reasons["c2@example.com"] == "complained"
    assert "c4@example.com" not in reasons
    assert said == [2, 3]


def event(kind: DeliveryKind, message: int | None, dedupe: str, **more: Any) -> DeliveryEvent:
    """A report about a message."""
    number = str(message) if message is not None else None
    return DeliveryEvent(kind=kind, dedupe=dedupe, occurred_at=NOW, message_id=number, **more)


def test_reports_count_once_and_in_any_order(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        number = messages.messages(conn, run_id)[0]["id"]
        late = [event(DeliveryKind.COMPLAINED, number, "a"), event(DeliveryKind.DELIVERED, number, "b")]
        assert delivery.apply(conn, merchant, late + late, NOW) == 2
        assert delivery.apply(conn, merchant, late, NOW) == 0
        assert messages.messages(conn, run_id)[0]["state"] == "complained"
        assert delivery.apply(conn, merchant, [event(DeliveryKind.DELIVERED, 10**15, "c")], NOW) == 1
        assert delivery.apply(conn, merchant, [event(DeliveryKind.UNKNOWN, None, "d")], NOW) == 1


def test_clicks_of_people_are_kept_those_of_machines_are_not(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        first, second = (row["id"] for row in messages.messages(conn, run_id)[:2])
        delivery.apply(
            conn,
            merchant,
            [event(DeliveryKind.CLICKED, first, "a"), event(DeliveryKind.CLICKED, second, "b", machine=True)],
            NOW,
        )
        clicked = conn.scalars(text("SELECT id FROM message WHERE clicked_at IS NOT NULL")).all()
    assert clicked == [first]


def test_too_many_bounces_pause_the_run(app: Services, merchant: int, sending: Outside) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO message (merchant_id, run_id, customer_id, step, email, language, state, accepted_at) "
                "SELECT :m, :r, 1000 + n, 0, 'x@example.com', 'id', "
                "CASE WHEN n <= 9 THEN 'bounced' ELSE 'accepted' END, :now FROM generate_series(1, 492) n"
            ),
            {"m": merchant, "r": run_id, "now": NOW},
        )
        conn.execute(text("UPDATE campaign_run SET state = 'sending' WHERE id = :r"), {"r": run_id})
        number = messages.messages(conn, run_id)[0]["id"]
        delivery.apply(conn, merchant, [event(DeliveryKind.BOUNCED, number, "a", email="c1@example.com")], NOW)
        run = campaigns.run(conn, run_id)
    assert (run.state, run.state_reason) == (
        "paused", "10 of 500 mails bounced (2 % or more). Clean the list before you go on."
    )  # fmt: skip


def test_a_stopped_account_stops_all_runs(app: Services, merchant: int) -> None:
    run_id = started(app, merchant, holiday())
    with tenant(app.engine, merchant) as conn:
        stop = event(DeliveryKind.ACCOUNT, None, "x", reason="compliance_suspend")
        delivery.apply(conn, merchant, [stop], NOW)
        assert campaigns.run(conn, run_id).state == "paused"


def test_an_unreadable_batch_is_put_aside_with_its_fault(app: Services, merchant: int) -> None:
    received(app, merchant, b"<html>", provider="sendgrid", topic="events")
    assert events.drain(app, merchant) == 1
    with tenant(app.engine, merchant) as conn:
        row = conn.execute(text("SELECT state, note FROM inbound_event")).one()
    assert row.state == "failed"
    assert row.note
