"""Sending by SMTP: each mail once, every recipient's fate named."""

from __future__ import annotations

import email
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy

import pytest

from connectors.mail_types import Mail, Recipient, SendOutcome
from connectors.smtp.client import SmtpBackend
from connectors.smtp.server import Server
from tests.fakes.smtp import FakeSmtp, fake_smtp

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def mail(*addresses: str, text: str = "Hi -t0-", sender: str = "hello@senja.example") -> Mail:
    people = tuple(
        Recipient(f"m-{n}", address, f"P {n}", {"-t0-": f"Person {n}"}, f"https://t.example/c/{n}/unsubscribe")
        for n, address in enumerate(addresses, 1)
    )
    return Mail("a-1", sender, "Toko Senja", None, "For -t0-", "<p>-t0-</p>", text, people)


FOUR = mail("a@example.com", "b@example.com", "c@example.com", "d@example.com")


@pytest.fixture(params=["", "PIPELINING"], ids=["by steps", "in one piece"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeSmtp]:
    """A server that wants to be asked step by step, and one that takes the envelope in one piece."""
    with fake_smtp() as running:
        running.offers += [request.param] if request.param else []
        yield running


@pytest.fixture
def backend(fake: FakeSmtp) -> Iterator[SmtpBackend]:
    sender = SmtpBackend(Server.parse(fake.url), clock=lambda: NOW, timeout=2)
    yield sender
    sender.close()


def test_each_recipient_gets_their_own_mail_over_one_connection(fake: FakeSmtp, backend: SmtpBackend) -> None:
    results = [backend.send(FOUR), backend.send(FOUR)]
    assert [(result.outcome, result.refused, result.unsent) for result in results] == [
        (SendOutcome.ACCEPTED, {}, {})
    ] * 2
    assert [taken.recipient for taken in fake.mails] == [f"{name}@example.com" for name in "abcdabcd"]
    assert fake.connections == 1
    message = email.message_from_bytes(fake.mails[1].content, policy=policy.default)
    assert message["Subject"] == "For Person 2"
    assert message["Message-ID"] == "<m-2@senja.example>"
    assert message["List-Unsubscribe"] == "<https://t.example/c/2/unsubscribe>"
    assert message["Date"] == "Sun, 22 Nov 2026 09:00:00 +0000"


def test_lines_that_begin_with_a_dot_arrive_as_they_were(fake: FakeSmtp, backend: SmtpBackend) -> None:
    backend.send(mail("a@example.com", text=".\n..x\n.\nend"))
    message = email.message_from_bytes(fake.mails[0].content, policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == ".\n..x\n.\nend\n"


def test_an_unknown_recipient_is_refused_and_the_others_go(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["RCPT"] = ["", "550 5.1.1 no such user"]
    result = backend.send(FOUR)
    assert (result.outcome, result.refused) == (SendOutcome.ACCEPTED, {"m-2": "550 5.1.1 no such user"})
    assert [taken.recipient[0] for taken in fake.mails] == ["a", "c", "d"]


def test_not_now_is_unsent_with_patience(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["RCPT"] = ["450 greylisted"]
    result = backend.send(FOUR)
    assert (result.outcome, result.unsent, result.retry_after) == (
        SendOutcome.ACCEPTED,
        {"m-1": "450 greylisted"},
        60.0,
    )


def test_a_connection_that_dies_after_the_mail_leaves_one_in_doubt(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["."] = ["", "drop"]
    result = backend.send(FOUR)
    assert result.outcome is SendOutcome.ACCEPTED
    assert result.doubtful == {"m-2": "The connection broke after the mail was handed over."}
    assert set(result.unsent) == {"m-3", "m-4"}
    assert [taken.recipient[0] for taken in fake.mails] == ["a", "b"]


def test_in_doubt_alone_is_the_outcome_in_doubt(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["."] = ["drop"]
    result = backend.send(mail("a@example.com"))
    assert (result.outcome, list(result.doubtful)) == (SendOutcome.IN_DOUBT, ["m-1"])


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_that_dies_before_the_mail_is_certainly_unsent(
    fake: FakeSmtp, backend: SmtpBackend, verb: str
) -> None:
    fake.answers[verb] = ["drop"]
    result = backend.send(FOUR)
    assert (result.outcome, result.doubtful) == (SendOutcome.NOT_SENT, {})
    assert set(result.unsent) == {"m-1", "m-2", "m-3", "m-4"}
    assert fake.mails == []
    assert backend.send(FOUR).outcome is SendOutcome.ACCEPTED


@pytest.mark.parametrize("ends", ["421 enough over this line", "drop"])
def test_a_server_that_takes_so_many_mails_over_a_line_gets_the_rest_over_the_next(
    fake: FakeSmtp, backend: SmtpBackend, ends: str
) -> None:
    fake.answers["MAIL"] = ["", ends, "", ends]
    result = backend.send(FOUR)
    assert (result.outcome, result.unsent, result.retry_after) == (SendOutcome.ACCEPTED, {}, None)
    assert [taken.recipient[0] for taken in fake.mails] == ["a", "b", "c", "d"]
    assert fake.connections == 3


def test_a_server_that_closes_says_so(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["MAIL"] = ["", "421 closing", "421 still closing"]
    result = backend.send(FOUR)
    assert (result.outcome, result.retry_after) == (SendOutcome.ACCEPTED, 60.0)
    assert set(result.unsent) == {"m-2", "m-3", "m-4"}
    assert (result.tried, len(fake.mails)) == (frozenset(), 1)


def test_a_server_that_is_gone_in_the_middle_takes_nobodys_turn(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["MAIL"] = ["", "421 closing"]
    fake.answers["EHLO"] = ["", "421 not today"]
    result = backend.send(FOUR)
    assert (result.outcome, result.retry_after, result.tried) == (SendOutcome.ACCEPTED, 60.0, frozenset())
    assert set(result.unsent) == {"m-2", "m-3", "m-4"}
    assert "421 not today" in result.detail


NINE = mail(*(f"{name}@example.com" for name in "abcdefghi"))


def test_a_limit_told_to_each_reader_in_turn_costs_none_of_them_a_try(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["RCPT"] = ["", *["452 4.3.1 too many this hour"] * 8]
    result = backend.send(NINE)
    assert (result.outcome, result.retry_after, result.stop) == (SendOutcome.ACCEPTED, 60.0, False)
    assert (len(result.unsent), result.tried, fake.heard("RCPT")) == (8, frozenset(), 6)


def test_a_right_that_is_gone_pauses_and_gives_nobody_up(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["RCPT"] = ["", *["554 5.7.1 relay access denied"] * 8]
    result = backend.send(NINE)
    assert (result.stop, result.refused, len(result.unsent), result.tried) == (True, {}, 8, frozenset())
    assert "relay access denied" in result.detail


@pytest.mark.parametrize(
    ("answer", "given_up"), [("550 5.1.1 no such user", 8), ("552 5.2.2 mailbox full", 8), ("450 4.7.1 Greylisted", 0)]
)
def test_what_is_said_of_addresses_one_after_the_other_is_about_them(
    fake: FakeSmtp, backend: SmtpBackend, answer: str, given_up: int
) -> None:
    fake.answers["RCPT"] = ["", *[answer] * 8]
    result = backend.send(NINE)
    assert (result.stop, fake.heard("RCPT"), len(result.refused), len(result.tried)) == (
        False, 9, given_up, 8 - given_up,
    )  # fmt: skip


@pytest.mark.parametrize("said", ["at the door", "by the size it tells"])
def test_a_mail_that_is_too_large_is_not_given_up_but_mended(fake: FakeSmtp, backend: SmtpBackend, said: str) -> None:
    if said == "at the door":
        fake.answers["MAIL"] = ["552 5.3.4 message too big"]
    else:
        fake.offers.append("SIZE 700")
    result = backend.send(FOUR)
    assert (result.outcome, result.stop, len(result.unsent), fake.mails) == (SendOutcome.NOT_SENT, True, 4, [])
    assert "too large for the mail server" in result.detail


def test_a_far_server_is_asked_in_few_turns(fake: FakeSmtp, backend: SmtpBackend) -> None:
    backend.send(FOUR)
    once = ["MAIL", "RCPT", "DATA"]
    assert fake.commands == ["EHLO", *once * 4]


def test_an_answer_without_end_after_the_content_is_a_doubt(fake: FakeSmtp) -> None:
    fake.answers["."] = ["wait"]
    hasty = SmtpBackend(Server.parse(fake.url), clock=lambda: NOW, timeout=2, after_content=0.2)
    assert list(hasty.send(mail("a@example.com")).doubtful) == ["m-1"]
    hasty.close()


def test_a_log_in_that_cannot_be_checked_now_pauses_nothing(fake: FakeSmtp) -> None:
    fake.answers["AUTH"] = ["454 4.7.0 temporary failure"]
    result = SmtpBackend(Server.parse(fake.url.replace("//", "//u:p@")), clock=lambda: NOW).send(FOUR)
    assert (result.outcome, result.stop, result.retry_after) == (SendOutcome.NOT_SENT, False, 60.0)


def test_a_refused_sender_stops_everything(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["MAIL"] = ["553 not your domain"]
    result = backend.send(FOUR)
    assert (result.outcome, result.stop, len(result.unsent)) == (SendOutcome.NOT_SENT, True, 4)
    assert "553 not your domain" in result.detail


def test_a_rejected_content_is_refused(fake: FakeSmtp, backend: SmtpBackend) -> None:
    fake.answers["."] = ["554 looks like spam"]
    result = backend.send(mail("a@example.com"))
    assert (result.outcome, result.refused) == (SendOutcome.NOT_SENT, {"m-1": "554 looks like spam"})


def test_a_wrong_password_stops_sending(fake: FakeSmtp) -> None:
    fake.answers["AUTH"] = ["535 bad credentials"] * 3
    url = fake.url.replace("smtp://", "smtp://user:s%40crt@")
    result = SmtpBackend(Server.parse(url), clock=lambda: NOW).send(FOUR)
    assert (result.outcome, result.stop) == (SendOutcome.NOT_SENT, True)
    assert "s@crt" not in result.detail


def test_without_the_encryption_asked_for_nothing_is_said(fake: FakeSmtp) -> None:
    url = fake.url.replace("smtp://", "smtp://user:secret@") + "?tls=starttls"
    result = SmtpBackend(Server.parse(url), clock=lambda: NOW).send(FOUR)
    assert result.outcome is SendOutcome.NOT_SENT
    assert "STARTTLS" in result.detail
    assert (fake.mails, fake.heard("AUTH")) == ([], 0)


def test_a_password_does_not_travel_over_an_open_line(fake: FakeSmtp) -> None:
    elsewhere = fake.url.replace("smtp://127.0.0.1", "smtp://user:secret@127.1")
    result = SmtpBackend(Server.parse(elsewhere), clock=lambda: NOW).send(FOUR)
    assert result.outcome is SendOutcome.NOT_SENT
    assert "a password must not travel unencrypted" in result.detail
    assert fake.heard("AUTH") == 0
    allowed = SmtpBackend(Server.parse(f"{elsewhere}?tls=none"), clock=lambda: NOW)
    assert allowed.send(FOUR).outcome is SendOutcome.ACCEPTED
    allowed.close()


def test_a_server_that_is_no_tls_server_is_a_certain_no(fake: FakeSmtp) -> None:
    result = SmtpBackend(Server.parse(fake.url.replace("smtp:", "smtps:")), clock=lambda: NOW, timeout=2).send(FOUR)
    assert result.outcome is SendOutcome.NOT_SENT


def test_a_lost_connection_is_made_anew(fake: FakeSmtp, backend: SmtpBackend) -> None:
    backend.send(FOUR)
    fake.answers["NOOP"] = ["drop"]
    assert backend.send(FOUR).outcome is SendOutcome.ACCEPTED
    assert (fake.connections, len(fake.mails)) == (2, 8)


def test_no_server_is_a_certain_no() -> None:
    with fake_smtp() as gone:
        url = gone.url
    result = SmtpBackend(Server.parse(url), clock=lambda: NOW).send(FOUR)
    assert (result.outcome, result.retry_after) == (SendOutcome.NOT_SENT, 60.0)


def test_a_bad_address_is_refused_before_the_server_sees_it(fake: FakeSmtp, backend: SmtpBackend) -> None:
    result = backend.send(mail("a@b", "x@example.com>\r\nRCPT TO:<y@example.com", "c@example.com"))
    assert set(result.refused) == {"m-1", "m-2"}
    assert [taken.recipient for taken in fake.mails] == ["c@example.com"]


@pytest.mark.parametrize("url", ["http://a.example", "smtp://", "smtp://a.example?tls=maybe", "mail.example:25"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL must look like"):
        SmtpBackend(Server.parse(url), clock=lambda: NOW)
