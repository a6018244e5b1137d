"""An account at a mail server, tried before anybody relies on it. Nothing is sent."""

from __future__ import annotations

import contextlib
import smtplib
from typing import Final

from connectors.addresses import BadAddress, wire_address
from connectors.errors import ConnectorError
from connectors.smtp.line import PATIENCE, bounded, opened, words
from connectors.smtp.server import Server

STEP_SECONDS: Final = 6.0
TOTAL_SECONDS: Final = 15.0
NEEDS_LOG_IN: Final = 530


def check_account(server: Server, sender: str, *, timeout: float = STEP_SECONDS, within: float = TOTAL_SECONDS) -> None:
    """Return if ``sender`` may begin a mail there: EHLO, STARTTLS, AUTH, MAIL FROM, RSET. Raises ``ConnectorError``.

    ``timeout`` seconds for a step and ``within`` for all of it, once the server is reached. Codes as in ``line``, and
    ``sender``.
    """
    try:
        address = wire_address(sender)
    except BadAddress as error:
        raise ConnectorError(str(error), code="sender") from error
    line = opened(server, timeout=timeout, within=within)
    with bounded(line, within):
        try:
            code, answer = line.docmd("MAIL", f"FROM:<{address}>")
            if code == 250:
                line.docmd("RSET")
        except (OSError, smtplib.SMTPException) as error:
            raise ConnectorError(
                f"{server.host} closed the line when it was asked to take a mail from {address}. Try again later.",
                code="sender",
                retry_after=PATIENCE,
            ) from error
        finally:
            _leave(line)
    if code != 250:
        raise refused_sender(address, code, answer)


def refused_sender(address: str, code: int, answer: object) -> ConnectorError:
    """What a no to MAIL FROM means: not now, not without a log-in, or not with this sender."""
    why = words(code, answer)
    if 400 <= code < 500:
        return ConnectorError(
            f"The mail server takes no mail now ({why}). Try again later.", code="busy", retry_after=PATIENCE
        )
    if code == NEEDS_LOG_IN:
        return ConnectorError(
            f"The mail server wants a user name and a password ({why}). Enter them in the mail account.",
            code="password",
        )
    return ConnectorError(
        f"The mail server refuses the sender {address} ({why}). Enter a sender address that this account may write "
        "from.",
        code="sender",
    )


def _leave(line: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, smtplib.SMTPException):
        line.docmd("QUIT")
    line.close()
