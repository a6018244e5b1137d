"""One mail over an open line: sender, recipient, content; in as few turns as the server allows."""

from __future__ import annotations

import re
import smtplib
from typing import Final

CLOSING: Final = 421
"""The server ends the talk, whatever the command was (RFC 5321, 3.8)."""
_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


class Refused(Exception):
    """The server said no: ``stage`` is ``sender``, ``recipient`` or ``content``. The mail was not taken.

    ``closed``: it closes the line, before it was told who is to get the mail.
    """

    def __init__(self, stage: str, code: int, answer: bytes) -> None:
        super().__init__(stage, code)
        self.stage, self.code, self.answer = stage, code, answer
        self.closed = code == CLOSING and stage == "sender"


class Gone(Exception):
    """The line broke. ``sent``: the mail may have been taken; ``closed``: as in ``Refused``, without a word."""

    def __init__(self, *, sent: bool, closed: bool = False) -> None:
        super().__init__("sent" if sent else "not sent")
        self.sent, self.closed = sent, closed


def most_bytes(line: smtplib.SMTP) -> int:
    """The largest mail the server says it takes (RFC 1870); 0 where it does not say."""
    said = str(line.esmtp_features.get("size", "")).split()
    return int(said[0]) if said and said[0].isdecimal() else 0


def hand_over(line: smtplib.SMTP, sender: str, recipient: str, content: bytes, *, patience: float) -> None:
    """Have one mail taken, its end confirmed within ``patience`` seconds. Raises ``Refused`` and ``Gone``.

    The line has to be fresh, or reset, or come from a mail that was taken. A server that knows PIPELINING (RFC 2920) is
    given the envelope in one piece: two turns for a mail instead of four, which is what a far server's pace hangs on.
    """
    size = f" SIZE={len(content)}" if line.has_extn("size") else ""
    steps = [("sender", f"MAIL FROM:<{sender}>{size}"), ("recipient", f"RCPT TO:<{recipient}>"), ("content", "DATA")]
    if line.has_extn("pipelining"):
        _in_one_piece(line, steps)
    else:
        _step_by_step(line, steps)
    _content(line, _LEADING_DOT.sub(b"..", content), patience)


def _good(stage: str, code: int) -> bool:
    return code == 354 if stage == "content" else code in (250, 251)


def _step_by_step(line: smtplib.SMTP, steps: list[tuple[str, str]]) -> None:
    for stage, command in steps:
        try:
            code, answer = _answered(line, f"{command}\r\n")
        except (smtplib.SMTPException, OSError) as error:
            raise Gone(sent=False, closed=stage == "sender") from error
        if not _good(stage, code):
            raise Refused(stage, code, answer)


def _in_one_piece(line: smtplib.SMTP, steps: list[tuple[str, str]]) -> None:
    wrong: Refused | None = None
    code = 0
    for number, (stage, _) in enumerate(steps):
        piece = "".join(f"{command}\r\n" for _, command in steps) if number == 0 else ""
        try:
            code, answer = _answered(line, piece)
        except (smtplib.SMTPException, OSError) as error:
            if wrong is not None:
                raise wrong from error  # It said why before it went.
            raise Gone(sent=False, closed=stage == "sender") from error
        if wrong is None and not _good(stage, code):
            wrong = Refused(stage, code, answer)
    if wrong is not None:
        if code == 354:
            _end_of_nothing(line)
        raise wrong


def _end_of_nothing(line: smtplib.SMTP) -> None:
    """The server asks for content although it refused the rest: there is none, and nobody to get it (RFC 2920, 3.1)."""
    try:
        _answered(line, ".\r\n")
    except (smtplib.SMTPException, OSError):
        line.close()


def _content(line: smtplib.SMTP, content: bytes, patience: float) -> None:
    usual = line.sock.gettimeout() if line.sock else None
    try:
        line.send(content + b".\r\n")
        if line.sock:
            line.sock.settimeout(patience)
        code, answer = line.getreply()
        if line.sock:
            line.sock.settimeout(usual)
    except (smtplib.SMTPException, OSError) as error:
        raise Gone(sent=True) from error
    if code == -1:
        raise Gone(sent=True)
    if code != 250:
        raise Refused("content", code, answer)


def _answered(line: smtplib.SMTP, command: str) -> tuple[int, bytes]:
    if command:
        line.send(command)
    code, answer = line.getreply()
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no answer")
    return code, answer
