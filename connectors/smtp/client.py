"""Sending by any SMTP server: one mail for each recipient over one kept line."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from connectors.addresses import BadAddress, wire_address
from connectors.errors import ConnectorError
from connectors.mail_types import Mail, Recipient, SendOutcome, SendResult
from connectors.mime import to_bytes
from connectors.smtp.auth import refused_sender
from connectors.smtp.envelope import CLOSING, Gone, Refused, hand_over, most_bytes
from connectors.smtp.line import opened, words
from connectors.smtp.server import Server
from connectors.smtp.tally import Tally

OPENING_SECONDS: Final = 60.0
AFTER_CONTENT_SECONDS: Final = 120.0
"""Servers look a mail through before they take it, and whoever does not wait has doubts (RFC 5321, 4.5.3.2)."""
TOO_LARGE: Final = 552


class SmtpBackend:
    """Keeps ``connectors.base.MailBackend``. One per process; calls from several threads wait for each other.

    An answer names every recipient that did not simply go: ``refused`` (the server says never), ``unsent`` (not now, or
    the line was gone before their turn) and ``doubtful`` (the line broke after the mail was handed over).
    """

    def __init__(
        self,
        server: Server,
        *,
        clock: Callable[[], datetime],
        timeout: float = 30,
        within: float = OPENING_SECONDS,
        after_content: float = AFTER_CONTENT_SECONDS,
    ) -> None:
        self._server, self._clock = server, clock
        self._timeout, self._within, self._patience = timeout, within, after_content
        self._lock = threading.Lock()
        self._line: smtplib.SMTP | None = None
        self._carried = 0
        self._clean = True

    def send(self, mail: Mail) -> SendResult:
        """Hand over the mails one after the other, each once."""
        with self._lock:
            try:
                self._ready()
            except ConnectorError as error:
                return SendResult(
                    SendOutcome.NOT_SENT,
                    detail=error.sentence,
                    retry_after=error.retry_after,
                    stop=error.permanent,
                )
            return self._hand_over(mail).result()

    def close(self) -> None:
        """End the kept line."""
        with self._lock:
            self._drop()

    def _hand_over(self, mail: Mail) -> Tally:
        tally = Tally()
        for place, recipient in enumerate(mail.recipients):
            reason = self._one(mail, recipient, tally)
            if reason:
                tally.break_off(mail.recipients[place + 1 :], reason)
                break
        return tally

    def _one(self, mail: Mail, recipient: Recipient, tally: Tally) -> str:
        """Hand over one mail and tell the tally; gives why the others must wait, "" where they need not."""
        try:
            self._carry(mail, recipient)
        except BadAddress as error:
            tally.refused[recipient.message_id] = str(error)
        except _TooLarge as error:
            tally.stop = tally.unsent[recipient.message_id] = str(error)
            return str(error)
        except ConnectorError as error:  # The line had to be opened anew, and could not be.
            tally.unsent[recipient.message_id] = error.sentence
            tally.wait, tally.stop = not error.permanent, error.sentence if error.permanent else ""
            return error.sentence
        except Refused as error:
            return self._refused(mail, recipient, error, tally)
        except Gone as error:
            self._drop()
            if error.sent:
                tally.doubtful[recipient.message_id] = "The connection broke after the mail was handed over."
            else:
                tally.unsent[recipient.message_id] = "The connection to the mail server broke."
                tally.tried.add(recipient.message_id)
            return "The connection to the mail server broke before."
        else:
            tally.took()
        return ""

    def _refused(self, mail: Mail, recipient: Recipient, error: Refused, tally: Tally) -> str:
        said, self._clean = words(error.code, error.answer), False
        if error.code == CLOSING:
            self._drop()
        if error.stage == "sender":
            trouble = refused_sender(mail.from_email, error.code, error.answer)
            if error.code == TOO_LARGE:
                trouble = ConnectorError(_too_large(said), code="size")
            tally.unsent[recipient.message_id] = trouble.sentence if trouble.permanent else said
            tally.wait, tally.stop = not trouble.permanent, trouble.sentence if trouble.permanent else ""
            return tally.unsent[recipient.message_id]
        over = tally.said_no(recipient, error.code, said)
        return said if over or error.code == CLOSING else ""

    def _carry(self, mail: Mail, recipient: Recipient) -> None:
        content = to_bytes(mail, recipient, now=self._clock())
        sender, address = wire_address(mail.from_email), wire_address(recipient.email)
        try:
            self._over_line(sender, address, content)
        except (Refused, Gone) as error:
            # Many servers take so many mails over one line and no more, with a 421 or without a word. No content was
            # sent, so that it is certain that nothing went: go on over a new line.
            if not error.closed or not self._carried:
                raise
            self._drop()
            self._over_line(sender, address, content)

    def _over_line(self, sender: str, address: str, content: bytes) -> None:
        line = self._ready(ask=False)
        most = most_bytes(line)
        if 0 < most < len(content):
            raise _TooLarge(_too_large(f"{len(content) // 1000} kB > {most // 1000} kB"))
        hand_over(line, sender, address, content, patience=self._patience)
        self._carried += 1

    def _ready(self, *, ask: bool = True) -> smtplib.SMTP:
        """The kept line, reset where the last mail was not taken; ``ask`` if it lives. Raises ``ConnectorError``."""
        if self._line is not None and (ask or not self._clean):
            try:
                alive = self._line.docmd("NOOP" if self._clean else "RSET")[0] == 250
            except (OSError, smtplib.SMTPException):
                alive = False
            if not alive:
                self._drop()
        if self._line is None:
            self._line, self._carried = opened(self._server, timeout=self._timeout, within=self._within), 0
        self._clean = True
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _TooLarge(Exception):
    """The mail is larger than the server takes; all of this campaign are about as large."""


def _too_large(said: str) -> str:
    return f"The mail is too large for the mail server ({said}). Make it shorter, then go on."
