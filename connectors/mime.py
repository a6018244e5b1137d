"""One recipient's mail as the bytes that travel: for the backends that write whole mails themselves."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime, formataddr
from typing import Final

from connectors.addresses import display_name, one_line, wire_address, wire_reference, wire_url
from connectors.mail_types import Mail, Recipient

_POLICY: Final = policy.compat32.clone(linesep="\r\n")
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

    The older half of the standard library is used on purpose: the newer one loses spaces when it folds long names.
    """
    sender = wire_address(mail.from_email)
    message = MIMEMultipart("alternative", policy=_POLICY)
    message["From"] = _person(mail.from_name, sender)
    message["To"] = _person(recipient.name, wire_address(recipient.email))
    if mail.reply_to:
        message["Reply-To"] = wire_address(fill(mail.reply_to, recipient.fragments))
    message["Subject"] = _words(one_line(fill(mail.subject, recipient.fragments)), len("Subject: "))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{plain_id(recipient.message_id or mail.attempt_id)}@{sender.rpartition('@')[2]}>"
    message["X-Tangga-Message"] = _words(one_line(recipient.message_id), len("X-Tangga-Message: "))
    message["X-Tangga-Attempt"] = _words(one_line(mail.attempt_id), len("X-Tangga-Attempt: "))
    if mail.in_reply_to:
        message["In-Reply-To"] = message["References"] = wire_reference(mail.in_reply_to)
    if recipient.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{wire_url(recipient.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.attach(_part(fill(mail.text, recipient.fragments), "plain"))
    message.attach(_part(fill(mail.html, recipient.fragments), "html"))
    return message.as_bytes(policy=_POLICY)


def _part(text: str, kind: str) -> Message:
    # Quoted-printable keeps every line short and seven-bit, whatever the servers on the way can do. The encoder of the
    # email package is written in Python and takes a hundred times as long.
    part = Message(policy=_POLICY)
    part["Content-Type"] = f'text/{kind}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = "\n".join(text.splitlines()) + "\n"
    part.set_payload(binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True).decode("ascii"))
    return part


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
