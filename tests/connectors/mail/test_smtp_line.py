"""Reaching a mail server: encrypted, logged in, within a bounded time, and each failure named with its mend."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from connectors.errors import ConnectorError
from connectors.mail_types import Mail, Recipient, SendOutcome
from connectors.smtp.auth import check_account
from connectors.smtp.client import SmtpBackend
from connectors.smtp.server import Server, host_name
from tests.fakes.certificates import certificate
from tests.fakes.smtp import FakeSmtp, fake_smtp

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SENDER = "hello@senja.example"


@pytest.fixture
def fake() -> Iterator[FakeSmtp]:
    with fake_smtp() as running:
        yield running


@pytest.fixture
def trusted(fake: FakeSmtp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSmtp:
    """The server with a certificate for this machine's address, which we trust."""
    path, fake.certificate = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return fake


def at(fake: FakeSmtp, **other: object) -> Server:
    return replace(Server("127.0.0.1", fake.port, "ani", "gehëim", "starttls"), **other)  # type: ignore[arg-type]


def fault(server: Server, sender: str = SENDER, **bounds: float) -> tuple[str, str]:
    """Code and sentence of the failure."""
    with pytest.raises(ConnectorError) as caught:
        check_account(server, sender, **bounds)
    assert "gehëim" not in str(caught.value)
    return caught.value.code, caught.value.sentence


@pytest.mark.parametrize("tls", ["tls", "starttls", "offered"])
def test_a_good_account_passes_and_nothing_is_sent(trusted: FakeSmtp, tls: str) -> None:
    trusted.at_once = tls == "tls"
    check_account(at(trusted, tls=tls, name="tangga.example"), SENDER)
    assert trusted.commands[-4:] == ["AUTH", "MAIL", "RSET", "QUIT"] or trusted.commands[-3:] == [
        "MAIL",
        "RSET",
        "QUIT",
    ]
    assert trusted.commands.count("STARTTLS") == (tls != "tls")
    secret = base64.b64encode("\0ani\0gehëim".encode()).decode()
    assert (trusted.logged_in, trusted.mails) == ([f"AUTH PLAIN {secret}"], [])


def test_a_server_that_knows_log_in_by_steps_only(trusted: FakeSmtp) -> None:
    trusted.offers = ["AUTH LOGIN XOAUTH2"]
    check_account(at(trusted), SENDER)
    assert [base64.b64decode(line.split()[-1]).decode() for line in trusted.logged_in] == ["ani", "gehëim"]


def test_what_is_wrong_is_named(trusted: FakeSmtp) -> None:
    def answers(**said: str) -> None:
        trusted.answers = {verb: [line] for verb, line in said.items()}

    answers(AUTH="535 5.7.8 bad credentials")
    code, sentence = fault(at(trusted))
    assert (code, "535 5.7.8 bad credentials" in sentence) == ("password", True)
    answers(AUTH="454 4.7.0 later")
    assert fault(at(trusted))[0] == "busy"
    trusted.offers = ["AUTH XOAUTH2"]
    assert fault(at(trusted))[0] == "password"
    trusted.offers = ["AUTH PLAIN"]
    for said, found in (("553 not yours", "sender"), ("530 5.7.0 log in", "password"), ("451 later", "busy")):
        answers(MAIL=said)
        assert (fault(at(trusted))[0], said in fault_sentence(trusted, said)) == (found, True)
    answers(MAIL="drop")
    assert fault(at(trusted))[0] == "sender"
    assert fault(at(trusted), sender="nobody")[0] == "sender"
    trusted.banner = "554 5.7.1 your address is on a list"
    code, sentence = fault(at(trusted))
    assert (code, "your address is on a list" in sentence) == ("busy", True)


def fault_sentence(fake: FakeSmtp, said: str) -> str:
    fake.answers["MAIL"] = [said]
    return fault(at(fake))[1]


def test_without_encryption_no_password_leaves(fake: FakeSmtp) -> None:
    code, sentence = fault(at(fake))
    assert (code, "offers no STARTTLS" in sentence) == ("tls", True)
    code, sentence = fault(at(fake, tls="tls"), timeout=2)
    assert (code, "does not speak TLS from the start" in sentence) == ("tls", True)
    assert fault(at(fake, host="127.1", tls="offered"))[0] == "tls"
    assert fake.logged_in == []


def test_a_wrong_certificate_is_told_apart(fake: FakeSmtp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, days, said in (
        ("mail.other.example", 1, "made out to another name"),
        ("127.0.0.1", -2, "has run out"),
        ("127.0.0.1", 2, "Nobody we know vouches"),
    ):
        path, fake.certificate = certificate(tmp_path, name, days=days)
        monkeypatch.setenv("SSL_CERT_FILE", str(path if days != 2 else tmp_path / "mail.other.example1.pem"))
        for fake.at_once, tls in ((True, "tls"), (False, "starttls")):
            code, sentence = fault(at(fake, tls=tls))
            assert (code, said in sentence) == ("tls", True), sentence
    assert fake.logged_in == []
    check_account(at(fake, verify=False), SENDER)


def test_a_server_that_is_slow_is_given_up_in_time(fake: FakeSmtp) -> None:
    fake.trickle = 0.15  # A letter each time, so that no single wait is long.
    fake.banner = "220 " + "x" * 200
    began = time.monotonic()
    code, sentence = fault(at(fake), timeout=5, within=0.5)
    assert (code, "too slowly" in sentence) == ("slow", True)
    assert time.monotonic() - began < 3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = Server("127.0.0.1", silent.getsockname()[1], tls="starttls")
        assert fault(mute, timeout=0.2)[0] == "slow"
    assert fault(mute, timeout=0.2)[0] == "port"


def test_private_networks_and_open_lines_are_for_developers_alone(fake: FakeSmtp) -> None:
    code, sentence = fault(at(fake, public=True))
    assert (code, "is on a private network" in sentence) == ("forbidden_host", True)
    assert fault(at(fake, public=True, tls="none"))[0] == "forbidden_host"
    assert (fake.connections, fault(at(fake, host="smtp.nowhere.invalid"))[0]) == (0, "dns")
    result = SmtpBackend(at(fake, public=True), clock=lambda: NOW).send(letter("a@example.com"))
    assert (result.outcome, result.stop, fake.connections) == (SendOutcome.NOT_SENT, True, 0)


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        (" SMTP.Example.COM. ", "smtp.example.com"),
        ("[::1]", "::1"),
        ("post.bücher.example", "post.xn--bcher-kva.example"),
    ],
)
def test_a_host_is_taken_as_people_type_it(typed: str, host: str) -> None:
    assert host_name(typed) == host


@pytest.mark.parametrize(
    "typed", ["", "https://a.example", "a.example:587", "a b", "x" * 300, "a\r\nQUIT", "-a.example", "a..b"]
)
def test_what_is_no_host_is_refused(typed: str) -> None:
    with pytest.raises(ConnectorError, match="no name of a mail server"):
        host_name(typed)


def letter(*addresses: str) -> Mail:
    people = tuple(Recipient(f"m-{n}", address) for n, address in enumerate(addresses, 1))
    return Mail("a-1", SENDER, "Toko Senja", None, "Hello", "<p>Hello</p>", ".x\nHello", people)


class _Taking:
    """What aiosmtpd asks about each mail."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append((*envelope.rcpt_tos, envelope.content))  # type: ignore[arg-type]
        return "250 taken"


def test_a_server_that_others_wrote_takes_our_mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, context = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    handler = _Taking()

    def known(_: SMTP, __: Session, ___: Envelope, mechanism: str, auth: object) -> AuthResult:
        good = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (b"ani", "gehëim".encode())
        return AuthResult(success=good, handled=good)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True, auth_required=True,
        authenticator=known, ident="other",
    )  # fmt: skip
    controller.start()
    try:
        server = Server("127.0.0.1", port, "ani", "gehëim", "starttls")
        check_account(server, SENDER)
        assert fault(replace(server, password="wrong"))[0] == "password"
        assert fault(replace(server, user=""))[0] == "password"
        backend = SmtpBackend(server, clock=lambda: NOW)
        result = backend.send(letter("a@example.com", "nobody@example.com", "b@example.com"))
        backend.close()
    finally:
        controller.stop()
    assert (result.outcome, list(result.refused)) == (SendOutcome.ACCEPTED, ["m-2"])
    assert [address for address, _ in handler.taken] == ["a@example.com", "b@example.com"]
    assert b"\r\n.x\r\nHello\r\n" in handler.taken[0][1]
