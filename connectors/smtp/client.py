"""Sending by any SMTP server: one mail for each recipient over one kept connection."""

from __future__ import annotations

import re
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.addresses import BadAddress, wire_address
from connectors.mail_types import Mail, Recipient, SendOutcome, SendResult
from connectors.mime import to_bytes

_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_PATIENCE: Final = 60.0
_PORTS: Final = {"tls": 465, "starttls": 587, "offered": 587, "none": 25}


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: str = "offered"

    @property
    def here(self) -> bool:
        """Whether the server runs on this machine."""
        return self.host in ("localhost", "127.0.0.1", "::1")

    @classmethod
    def parse(cls, url: str) -> _Server:
        """From ``smtp://user:password@host:587?tls=starttls`` or ``smtps://…``. Raises ``ValueError``.

        Without ``tls`` the line is encrypted where the server offers it, and a password never goes over an open line
        to another machine; ``tls=none`` allows that, ``tls=starttls`` refuses to talk at all without encryption.
        """
        parts = urlsplit(url)
        tls = parse_qs(parts.query).get("tls", ["offered"])[0] if parts.scheme == "smtp" else "tls"
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or tls not in _PORTS:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?tls=starttls or smtps://…")
        port = parts.port or _PORTS[tls]
        return cls(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls)


class _Gone(Exception):
    """The connection broke. ``sent`` tells whether the mail may have reached the server before."""

    def __init__(self, reason: object, *, sent: bool) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.sent = sent


class SmtpBackend:
    """Keeps ``connectors.base.MailBackend``. One per process; calls from several threads wait for each other.

    An answer names every recipient that did not simply go: ``refused`` (the server says never), ``unsent`` (not now, or
    the connection was gone before their turn) and ``doubtful`` (the connection died after the mail was handed over).
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime], timeout: float = 30) -> None:
        self._server, self._clock, self._timeout = _Server.parse(url), clock, timeout
        self._lock = threading.Lock()
        self._connection: smtplib.SMTP | None = None

    def send(self, mail: Mail) -> SendResult:
        """Hand over the mails one after the other, each once."""
        with self._lock:
            try:
                connection = self._connected()
            except smtplib.SMTPAuthenticationError as error:
                detail = f"The mail server refuses our name or password ({_said(error)}). Correct SMTP_URL."
                return SendResult(SendOutcome.NOT_SENT, detail=detail, stop=True)
            except (OSError, smtplib.SMTPException) as error:
                detail = f"No connection to the mail server ({type(error).__name__}: {error})."
                return SendResult(SendOutcome.NOT_SENT, detail=detail[:300], retry_after=_PATIENCE)
            return self._hand_over(connection, mail).result()

    def close(self) -> None:
        """End the kept connection."""
        with self._lock:
            self._drop()

    def _hand_over(self, connection: smtplib.SMTP, mail: Mail) -> _Tally:
        tally = _Tally()
        for place, recipient in enumerate(mail.recipients):
            try:
                self._one(connection, mail, recipient)
                tally.taken += 1
            except BadAddress as error:
                tally.refused[recipient.message_id] = str(error)
            except smtplib.SMTPResponseException as error:
                tally.note(recipient, error)
                if error.smtp_code == 421 or isinstance(error, smtplib.SMTPSenderRefused):
                    tally.break_off(mail.recipients[place + 1 :], _said(error))
                    self._drop()
                    break
            except _Gone as error:
                (tally.doubtful if error.sent else tally.unsent)[recipient.message_id] = str(error)
                if not error.sent:
                    tally.tried.add(recipient.message_id)
                tally.break_off(mail.recipients[place + 1 :], "The connection to the mail server broke before.")
                self._drop()
                break
        return tally

    def _one(self, connection: smtplib.SMTP, mail: Mail, recipient: Recipient) -> None:
        content = to_bytes(mail, recipient, now=self._clock())
        try:
            _expect(connection.docmd("RSET"), 250)
            sender = wire_address(mail.from_email)
            code, said = connection.mail(sender)
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, said, sender)
            _expect(connection.rcpt(wire_address(recipient.email)), 250, 251)
            _expect(connection.docmd("DATA"), 354)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise _or_answer(error, sent=False) from error
        try:
            connection.send(_LEADING_DOT.sub(b"..", content) + b".\r\n")
            answer = connection.getreply()
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise _Gone("The connection broke after the mail was handed over.", sent=True) from error
        _expect(answer, 250)

    def _connected(self) -> smtplib.SMTP:
        if self._connection is not None:
            try:
                if self._connection.noop()[0] == 250:
                    return self._connection
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, ssl.create_default_context()
        connection: smtplib.SMTP
        if server.tls == "tls":
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            secure = server.tls == "tls"
            if server.tls == "starttls" or (server.tls == "offered" and connection.has_extn("starttls")):
                connection.starttls(context=context)
                secure = True
            if server.user and not (secure or server.here or server.tls == "none"):
                raise smtplib.SMTPNotSupportedError("it offers no encryption for our password; see tls in SMTP_URL")
            if server.user:
                connection.login(server.user, server.password)
        except (OSError, smtplib.SMTPException):
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(slots=True)
class _Tally:
    taken: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    stop: str = ""
    wait: bool = False

    def note(self, recipient: Recipient, error: smtplib.SMTPResponseException) -> None:
        """One recipient's answer: 4xx is not now, 5xx is never. A refused sender is nobody's fault but ours."""
        later = 400 <= error.smtp_code < 500
        if isinstance(error, smtplib.SMTPSenderRefused) and not later:
            self.stop = f"The mail server refuses the sender ({_said(error)}). Correct the sender address."
            self.unsent[recipient.message_id] = self.stop
        elif later:
            self.wait = True
            self.unsent[recipient.message_id] = _said(error)
            if not isinstance(error, smtplib.SMTPSenderRefused):
                self.tried.add(recipient.message_id)
        else:
            self.refused[recipient.message_id] = _said(error)

    def break_off(self, rest: tuple[Recipient, ...], reason: str) -> None:
        """The recipients that were not tried at all."""
        self.unsent.update({recipient.message_id: reason for recipient in rest})

    def result(self) -> SendResult:
        """Accepted as soon as one mail was taken; all others are named."""
        unclear = SendOutcome.IN_DOUBT if self.doubtful else SendOutcome.NOT_SENT
        return SendResult(
            SendOutcome.ACCEPTED if self.taken else unclear,
            detail=self.stop or next(iter({**self.doubtful, **self.unsent, **self.refused}.values()), ""),
            retry_after=_PATIENCE if self.wait else None,
            stop=bool(self.stop),
            refused=self.refused,
            unsent=self.unsent,
            doubtful=self.doubtful,
            tried=frozenset(self.tried),
        )


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] == -1:
        raise smtplib.SMTPServerDisconnected("the server went away")
    if answer[0] not in codes:
        raise smtplib.SMTPResponseException(answer[0], answer[1])


def _or_answer(error: Exception, *, sent: bool) -> Exception:
    # Answers of the server are exceptions of the same family as broken lines; they say more and are kept.
    if isinstance(error, smtplib.SMTPResponseException):
        return error
    return _Gone("The connection to the mail server broke.", sent=sent)


def _said(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return f"{error.smtp_code} {' '.join(text.split())}"[:300]
