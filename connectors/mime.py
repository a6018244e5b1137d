"""One recipient's mail as the bytes that travel: for the backends that write whole mails themselves."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.header import Header
from email.utils import format_datetime, formataddr
from typing import Final

from connectors.addresses import display_name, one_line, wire_address, wire_reference, wire_url
from connectors.mail_types import Mail, Recipient

_POLICY: Final = policy.compat32.clone(linesep="\r\n")
_BOUNDARY: Final = "=_tangga"
"""Quoted-printable text holds no ``=_``, so that this can stand in no part (RFC 2045, 6.7)."""
_SHORT: Final = 76
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def plain_id(message_id: str) -> str:
    """A ledger id as a file name and as the left side of a Message-ID; what is not plain is replaced by its hash."""
    if _PLAIN_ID.fullmatch(message_id):
        return message_id
    return hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()


def fill(skeleton: str, fragments: Mapping[str, str]) -> str:
    """The skeleton with every tag replaced once; what a fragment brings in is not looked at again."""
    if not fragments:
        return skeleton
    tags = re.compile("|".join(re.escape(tag) for tag in sorted(fragments, key=len, reverse=True)))
    return tags.sub(lambda match: fragments[match[0]], skeleton)


def to_bytes(mail: Mail, recipient: Recipient, *, now: datetime) -> bytes:
    """The mail for one recipient, complete with headers; ``now`` becomes its Date. Raises ``BadAddress``.

    Only what has to be folded or encoded goes through the email package, the older half of it, for the newer one loses
    spaces when it folds long names. The rest is put together here: the package walks through every line of a mail
    several times, which took longer than all else about sending it.
    """
    sender = wire_address(mail.from_email)
    inside = [("text/plain", mail.text), ("text/html", mail.html)]
    headers = [
        ("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"'),
        ("MIME-Version", "1.0"),
        ("From", _person(mail.from_name, sender)),
        ("To", _person(recipient.name, wire_address(recipient.email))),
        *([("Reply-To", wire_address(fill(mail.reply_to, recipient.fragments)))] if mail.reply_to else []),
        ("Subject", _words(one_line(fill(mail.subject, recipient.fragments)), len("Subject: "))),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{plain_id(recipient.message_id or mail.attempt_id)}@{sender.rpartition('@')[2]}>"),
        ("X-Tangga-Message", _words(one_line(recipient.message_id), len("X-Tangga-Message: "))),
        ("X-Tangga-Attempt", _words(one_line(mail.attempt_id), len("X-Tangga-Attempt: "))),
    ]
    if mail.in_reply_to:
        headers += [(name, wire_reference(mail.in_reply_to)) for name in ("In-Reply-To", "References")]
    if recipient.unsubscribe_url:
        headers.append(("List-Unsubscribe", f"<{wire_url(recipient.unsubscribe_url)}>"))
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    parts = b"".join(_part(kind, fill(text, recipient.fragments)) for kind, text in inside)
    return "".join(_header(*one) for one in headers).encode("ascii") + b"\r\n" + parts + f"--{_BOUNDARY}--\r\n".encode()


def _header(name: str, value: str) -> str:
    line = f"{name}: {value}"
    if len(line) <= _SHORT and "\n" not in value:
        return f"{line}\r\n"
    return _POLICY.fold(name, value)


def _part(kind: str, text: str) -> bytes:
    # Quoted-printable keeps every line short and seven-bit, whatever the servers on the way can do. The encoder of the
    # email package is written in Python and takes a hundred times as long.
    lines = "\r\n".join(text.splitlines()) + "\r\n"
    head = f'--{_BOUNDARY}\r\nContent-Type: {kind}; charset="utf-8"\r\n'
    encoded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)
    return f"{head}Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode() + encoded + b"\r\n"


def _person(name: str, address: str) -> str:
    shown = display_name(name)
    if shown.isascii() and "=?" not in shown:
        return formataddr((shown, address))
    return f"{_words(shown, len('Reply-To: '))} <{address}>"


def _words(text: str, used: int) -> str:
    """``text`` for a header line that ``used`` characters of are taken; encoded words where it is not ASCII."""
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", maxlinelen=75 - used).encode()
