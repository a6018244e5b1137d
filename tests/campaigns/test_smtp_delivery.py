"""Sending by SMTP through a connection that breaks in the middle: no mail is lost, none goes twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from connectors.smtp.client import SmtpBackend
from connectors.smtp.server import Server
from plugin_server.db.sending import messages
from plugin_server.db.session import tenant
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside, outside
from plugin_server.wiring import Services
from tests.campaigns.shop import Shop
from tests.campaigns.test_run import holiday, outcome, started
from tests.fakes.smtp import FakeSmtp, fake_smtp

EVERYBODY = [f"c{n}@example.com" for n in range(1, 9)]


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    """A mail server on loopback."""
    with fake_smtp() as fake:
        yield fake


@pytest.fixture
def sending(app: Services, server: FakeSmtp, shop: Shop) -> Iterator[Outside]:
    """A world that sends by SMTP. The first request holds all that read Indonesian: six people."""
    backend = SmtpBackend(Server.parse(server.url), clock=app.now, timeout=2)
    yield Outside(mail=backend, backend="smtp", store=lambda _: shop)
    backend.close()


def later(app: Services, after: timedelta) -> Services:
    """The same process, later."""
    return replace(app, now=lambda: app.now() + after)


def taken(server: FakeSmtp) -> list[str]:
    """Who got a mail, as often as they got one."""
    return sorted(mail.recipient for mail in server.mails)


def unsettled(app: Services, merchant: int, run_id: int) -> list[tuple[str, str, str]]:
    """Address, state and reason of the messages that were not accepted."""
    with tenant(app.engine, merchant) as conn:
        rows = messages.messages(conn, run_id)
    return [(row["email"], row["state"], row["reason"]) for row in rows if row["state"] != "accepted"]


def test_a_line_that_breaks_after_a_mail_leaves_that_one_in_doubt_and_the_others_go(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["."] = ["", "drop"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    assert taken(server) == EVERYBODY
    doubt = "in doubt: The connection broke after the mail was handed over."
    assert unsettled(app, merchant, run_id) == [(server.mails[1].recipient, "in_doubt", doubt)]


def test_the_doubt_about_one_mail_is_ended_by_the_sweeper(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["."] = ["", "drop"]
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    late = later(app, timedelta(minutes=61))
    assert sweep.settle_attempts(late, sending, merchant) == 1
    assert runs.advance(late, sending, merchant, run_id) == "done"
    assert outcome(app, merchant, run_id)["messages"] == {"accepted": 7, "failed": 1}
    assert taken(server) == EVERYBODY


def test_a_line_that_breaks_before_a_mail_loses_nobody(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["RCPT"] = ["", "drop"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "done"
    assert taken(server) == EVERYBODY
    assert outcome(app, merchant, run_id)["messages"] == {"accepted": 8}


def test_who_is_told_not_now_waits_and_goes_later(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["RCPT"] = ["", "450 greylisted"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    [waiting] = set(EVERYBODY) - set(taken(server))
    assert unsettled(app, merchant, run_id) == [(waiting, "planned", "not sent: 450 greylisted")]
    assert runs.advance(later(app, timedelta(seconds=61)), sending, merchant, run_id) == "done"
    assert taken(server) == EVERYBODY


def test_a_line_that_breaks_at_once_puts_everybody_back(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["MAIL"] = ["drop"]
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    assert (taken(server), outcome(app, merchant, run_id)["messages"]) == ([], {"planned": 8})
    assert runs.advance(later(app, timedelta(seconds=61)), sending, merchant, run_id) == "done"
    assert taken(server) == EVERYBODY


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("drop", "The connection to the mail server broke."),
        ("451 try later", "451 try later"),
        ("421 closing", "421 closing"),
    ],
)
def test_a_mail_that_is_never_taken_nor_refused_holds_nobody_up_and_is_given_up(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp, answer: str, said: str
) -> None:
    poison = "c1@example.com"  # The first in line.
    server.never[poison] = answer
    run_id = started(app, merchant, holiday())
    for minute in (0, 1.1, 2.2):
        runs.advance(later(app, timedelta(minutes=minute)), sending, merchant, run_id)
    assert taken(server) == EVERYBODY[1:]
    assert unsettled(app, merchant, run_id) == [(poison, "planned", f"not sent: {said}")]
    for hour in (0.2, 0.5, 2, 7, 24, 24.1):
        state = runs.advance(later(app, timedelta(hours=hour)), sending, merchant, run_id)
    reason = f"given_up: the mail server did not take it in 7 tries: {said}"
    assert (state, unsettled(app, merchant, run_id)) == ("done", [(poison, "failed", reason)])
    assert (server.asked.count(poison), taken(server)) == (7, EVERYBODY[1:])


def test_a_server_that_is_away_for_long_costs_no_mail_its_tries(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    server.answers["MAIL"] = ["451 too much from you"] * 20
    run_id = started(app, merchant, holiday())
    for minute in range(0, 40, 2):
        runs.advance(later(app, timedelta(minutes=minute)), sending, merchant, run_id)
    assert outcome(app, merchant, run_id)["messages"] == {"planned": 8}
    assert runs.advance(later(app, timedelta(minutes=45)), sending, merchant, run_id) == "done"
    assert taken(server) == EVERYBODY


def test_a_worker_that_dies_leaves_few_in_doubt_and_a_stop_is_soon_heard(app: Services, merchant: int) -> None:
    by_server = app.settings.model_copy(update={"mail_backend": "smtp", "smtp_url": "smtp://127.0.0.1:1"})
    assert outside(replace(app, settings=by_server), merchant).at_once == 50
    assert outside(app, merchant).at_once == 1000


def test_a_request_holds_no_more_than_its_backend_wants(
    app: Services, merchant: int, sending: Outside, server: FakeSmtp
) -> None:
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, replace(sending, at_once=3), merchant, run_id) == "done"
    with tenant(app.engine, merchant) as conn:
        sizes = list(conn.scalars(text("SELECT recipients FROM send_attempt ORDER BY recipients DESC")))
    assert (sum(sizes), max(sizes), taken(server), server.connections) == (8, 3, EVERYBODY, 1)
