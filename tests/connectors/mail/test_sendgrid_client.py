"""Sending by SendGrid against a served fake: what is accepted, what is certainly not sent, what is in doubt."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.mail_types import Mail, Recipient, SendOutcome
from connectors.sendgrid.client import SendGridBackend
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid

SARI = Recipient("m-1", "sari@example.com", "Sari", {"-s3cr3th_0-": "Sari &amp; Co", "-s3cr3ts_0-": "Sari"},
                 "https://tangga.example/c/abc/unsubscribe")  # fmt: skip
BUDI = Recipient("m-2", "budi@example.com", "", {"-s3cr3th_0-": "Budi", "-s3cr3ts_0-": "Budi"})
MAIL = Mail("a-1", "hello@senja.example", "Toko Senja", "reply@senja.example", "For -s3cr3ts_0-", "<p>-s3cr3th_0-</p>",
            "text", (SARI, BUDI), "holiday")  # fmt: skip


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as running:
        yield running


def backend(fake: FakeSendGrid, **options: float) -> SendGridBackend:
    return SendGridBackend(fake.api_key, fake.url, timeout=(2, options.get("read", 5)))


def test_accepted_mails_carry_our_ids_headers_and_fragments(fake: FakeSendGrid) -> None:
    result = backend(fake).send(MAIL)
    assert (result.outcome, result.refused, result.detail) == (SendOutcome.ACCEPTED, {}, "")
    first, second = fake.accepted
    assert result.provider_reference == first.reference == second.reference
    assert (first.email, first.name, first.subject, first.html) == (
        "sari@example.com", "Sari", "For Sari", "<p>Sari &amp; Co</p>")  # fmt: skip
    assert first.custom_args == {"lk_mid": "m-1", "lk_att": "a-1"}
    assert second.custom_args == {"lk_mid": "m-2", "lk_att": "a-1"}
    assert first.headers == {
        "List-Unsubscribe": "<https://tangga.example/c/abc/unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert (second.name, second.headers, second.subject) == ("", {}, "For Budi")


def test_the_request_as_a_whole(fake: FakeSendGrid) -> None:
    backend(fake).send(MAIL)
    request = dict(fake.requests[0])
    del request["personalizations"]
    assert request == {
        "from": {"email": "hello@senja.example", "name": "Toko Senja"},
        "reply_to": {"email": "reply@senja.example"},
        "subject": "For -s3cr3ts_0-",
        "content": [{"type": "text/plain", "value": "text"}, {"type": "text/html", "value": "<p>-s3cr3th_0-</p>"}],
        "tracking_settings": {
            "subscription_tracking": {"enable": False},
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
        "categories": ["holiday"],
    }


def test_one_connection_serves_many_requests(fake: FakeSendGrid) -> None:
    sender = backend(fake)
    for number in range(5):
        sender.send(replace(MAIL, attempt_id=f"a-{number}"))
    assert (len(fake.requests), fake.connections) == (5, 1)


def test_a_thousand_in_one_request(fake: FakeSendGrid) -> None:
    people = tuple(Recipient(f"m-{n}", f"p{n}@example.com", f"P {n}", {"-s3cr3th_0-": f"é {n}"}) for n in range(1000))
    assert backend(fake).send(replace(MAIL, recipients=people)).outcome is SendOutcome.ACCEPTED
    assert [mail.custom_args["lk_mid"] for mail in fake.accepted] == [f"m-{n}" for n in range(1000)]
    assert fake.accepted[999].html == "<p>é 999</p>"


@pytest.mark.parametrize(
    ("fault", "outcome", "stop", "kept"),
    [
        ("accept_then_drop", SendOutcome.IN_DOUBT, False, 2),
        ("500_after_accept", SendOutcome.IN_DOUBT, False, 2),
        ("500", SendOutcome.IN_DOUBT, False, 0),
        ("503", SendOutcome.IN_DOUBT, False, 0),
        ("drop", SendOutcome.IN_DOUBT, False, 0),
        ("401", SendOutcome.NOT_SENT, True, 0),
        ("403", SendOutcome.NOT_SENT, True, 0),
        ("413", SendOutcome.NOT_SENT, False, 0),
        ("html_400", SendOutcome.NOT_SENT, False, 0),
    ],
)
def test_outcomes(fake: FakeSendGrid, fault: str, outcome: SendOutcome, stop: bool, kept: int) -> None:
    fake.fault = fault
    result = backend(fake).send(MAIL)
    assert (result.outcome, result.stop, len(fake.accepted)) == (outcome, stop, kept)
    assert result.detail
    assert result.refused == {}
    assert fake.api_key not in result.detail


def test_after_a_fault_the_next_request_goes_through(fake: FakeSendGrid) -> None:
    fake.faults = ["accept_then_drop", "500", "429"]
    sender = backend(fake)
    outcomes = [sender.send(MAIL).outcome for _ in range(4)]
    assert outcomes == [SendOutcome.IN_DOUBT, SendOutcome.IN_DOUBT, SendOutcome.NOT_SENT, SendOutcome.ACCEPTED]


def test_a_slow_answer_is_in_doubt_and_not_waited_for(fake: FakeSendGrid) -> None:
    fake.fault, fake.slow_seconds = "slow", 1.0
    assert backend(fake, read=0.2).send(MAIL).outcome is SendOutcome.IN_DOUBT


def test_too_many_requests_says_how_long_to_wait(fake: FakeSendGrid) -> None:
    fake.fault = "429"
    result = backend(fake).send(MAIL)
    assert result.outcome is SendOutcome.NOT_SENT
    assert result.retry_after is not None
    assert 25 <= result.retry_after <= 31


def test_a_refused_connection_is_certainly_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = SendGridBackend("SG.x", f"http://127.0.0.1:{port}").send(MAIL)
    assert (result.outcome, result.stop) == (SendOutcome.NOT_SENT, False)
    assert "No connection to SendGrid" in result.detail


def test_a_server_without_tls_is_certainly_not_sent(fake: FakeSendGrid) -> None:
    result = SendGridBackend("SG.x", fake.url.replace("http:", "https:")).send(MAIL)
    assert result.outcome is SendOutcome.NOT_SENT


def test_a_host_without_scheme_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="must begin with https"):
        SendGridBackend("SG.x", "api.sendgrid.com")


def test_bad_and_double_addresses_are_refused_and_the_others_go(fake: FakeSendGrid) -> None:
    people = (
        SARI,
        Recipient("m-3", "a@b"),
        Recipient("m-4", "SARI@example.com"),
        Recipient("m-5", "ü@example.com"),
        Recipient("m-6", "toko@münchen.example"),
        Recipient("m-7", "x@example.com\r\nBcc: y@example.com"),
    )
    result = backend(fake).send(replace(MAIL, recipients=people))
    assert result.outcome is SendOutcome.ACCEPTED
    assert result.refused == {
        "m-3": "a@b is not a mail address.",
        "m-4": "The same address is in this request already.",
        "m-5": "ü@example.com has letters before the @ that mail servers do not agree on.",
        "m-7": "x@example.com Bcc: y@example.com is not a mail address.",
    }
    assert [mail.email for mail in fake.accepted] == ["sari@example.com", "toko@xn--mnchen-3ya.example"]


def test_nobody_left_means_no_request(fake: FakeSendGrid) -> None:
    result = backend(fake).send(replace(MAIL, recipients=(Recipient("m-3", "a@b"),)))
    assert (result.outcome, list(result.refused)) == (SendOutcome.NOT_SENT, ["m-3"])
    assert fake.connections == 0


def test_recipients_named_by_index_are_refused_by_id(fake: FakeSendGrid) -> None:
    fat = replace(BUDI, fragments={"-s3cr3th_0-": "x" * 10_001})
    people = (Recipient("bad", "nobody"), SARI, fat)
    result = backend(fake).send(replace(MAIL, recipients=people))
    assert result.outcome is SendOutcome.NOT_SENT
    assert result.refused == {
        "bad": "nobody is not a mail address.",
        "m-2": "Substitutions are larger than 10000 bytes.",
    }
    assert fake.accepted == []


def test_names_and_subjects_cannot_break_out_of_their_line(fake: FakeSendGrid) -> None:
    evil = replace(SARI, name="Sari\r\nBcc: all@example.com " + "x" * 300)
    assert backend(fake).send(replace(MAIL, subject="A\nB", recipients=(evil,))).outcome is SendOutcome.ACCEPTED
    mail = fake.accepted[0]
    assert mail.name.startswith("Sari Bcc: all@example.com xxx")
    assert len(mail.name) == 120
    assert mail.subject == "A B"


@pytest.mark.parametrize(
    "url", ["https://a.example/\r\nX: y", "https://a.example/ b", "https://a.example/>", "mailto:x"]
)
def test_an_unsubscribe_address_cannot_break_out_either(fake: FakeSendGrid, url: str) -> None:
    result = backend(fake).send(replace(MAIL, recipients=(replace(SARI, unsubscribe_url=url), BUDI)))
    assert result.refused == {"m-1": "The unsubscribe address holds characters that no address may hold."}
    assert [mail.email for mail in fake.accepted] == ["budi@example.com"]


def test_a_connection_that_was_idle_is_not_trusted(fake: FakeSendGrid) -> None:
    now = [1000.0]
    sender = SendGridBackend(fake.api_key, fake.url, clock=lambda: now[0])
    for seconds in (0, 19, 21):
        now[0] += seconds
        sender.send(MAIL)
    assert (len(fake.requests), fake.connections) == (3, 2)


def test_a_sender_address_that_is_none_stops_sending(fake: FakeSendGrid) -> None:
    result = backend(fake).send(replace(MAIL, from_email="shop"))
    assert (result.outcome, result.stop, fake.connections) == (SendOutcome.NOT_SENT, True, 0)


def test_the_sandbox_checks_and_sends_nothing(fake: FakeSendGrid) -> None:
    result = SendGridBackend(fake.api_key, fake.url, sandbox=True).send(MAIL)
    assert (result.outcome, result.stop) == (SendOutcome.NOT_SENT, True)
    assert (fake.sandboxed, fake.accepted) == (1, [])


def test_the_key_never_reaches_the_log(fake: FakeSendGrid, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    backend(fake).send(MAIL)
    assert fake.api_key not in caplog.text
