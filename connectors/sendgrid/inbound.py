"""SendGrid's Inbound Parse: a mail to us, from the form it is posted as. Nothing in it is to be trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.parser import HeaderParser
from email.utils import getaddresses, parseaddr
from typing import Any, Final

from connectors.addresses import one_line
from connectors.errors import BadPayload
from connectors.mail_types import MailReply

LONGEST: Final = 100_000
"""Letters of a reply that are kept."""
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_SAYS_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-auto-response", "list-id")
_PASS: Final = re.compile(r":\s*pass\b", re.IGNORECASE)


def to_reply(body: bytes, *, content_type: str) -> MailReply:
    """One posted mail in our words. Raises ``BadPayload`` for what is no such form."""
    fields, files = _fields(body, content_type)
    if "email" in fields:
        return _from_raw(fields)
    if "from" not in fields or "envelope" not in fields:
        raise BadPayload("This is no form of Inbound Parse: from and envelope are missing.")
    charsets = _object(fields.get("charsets", b""))
    text = {name: _decoded(value, str(charsets.get(name, "utf-8"))) for name, value in fields.items()}
    headers = HeaderParser(policy=policy.compat32).parsestr(text.get("headers", ""))
    return _reply(text, headers, text.get("text", ""), text.get("html", ""), files)


def _from_raw(fields: Mapping[str, bytes]) -> MailReply:
    """The form that holds the whole mail as it came."""
    mail = message_from_bytes(fields["email"], policy=policy.default)
    text = {name: _decoded(value, "utf-8") for name, value in fields.items() if name != "email"}
    plain = html = ""
    if isinstance(mail, EmailMessage):
        plain, html = _content(mail, "plain"), _content(mail, "html")
    headers = HeaderParser(policy=policy.compat32).parsestr(fields["email"].partition(b"\r\n\r\n")[0].decode("latin-1"))
    text.setdefault("from", str(mail.get("From", "")))
    text.setdefault("subject", str(mail.get("Subject", "")))
    return _reply(text, headers, plain, html, sum(1 for part in mail.walk() if part.get_filename()))


def _content(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    try:
        return str(part.get_content()) if part else ""
    except (LookupError, ValueError):
        # A charset nobody knows: what can be read of it is better than nothing.
        payload = part.get_payload(decode=True) if part else b""
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _reply(text: Mapping[str, str], headers: Message, plain: str, html: str, files: int) -> MailReply:
    envelope = _object(text.get("envelope", "").encode())
    name, address = parseaddr(one_line(text.get("from", "")))
    to = [str(one) for one in envelope.get("to", []) if isinstance(one, str)]
    return MailReply(
        from_email=one_line(address)[:254],
        from_name=one_line(name)[:200],
        to=tuple(one_line(one)[:254] for _, one in getaddresses(to))[:20],
        subject=one_line(text.get("subject", ""))[:300],
        text=plain.replace("\x00", "")[:LONGEST],
        html=html.replace("\x00", "")[:LONGEST],
        reference=one_line(str(headers.get("Message-ID", "")))[:300],
        automatic=_automatic(headers, str(envelope.get("from", "x"))),
        proven=bool(_PASS.search(text.get("dkim", ""))) or text.get("SPF", "").strip().lower() == "pass",
        attachments=files,
    )


def _automatic(headers: Message, envelope_from: str) -> bool:
    """Written by a machine: answering it would start a loop."""
    submitted = str(headers.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(headers.get("Precedence", "")).strip().lower()
    return (
        submitted not in ("no", "")
        or precedence in _BULK
        or any(name in headers for name in _SAYS_AUTOMATIC)
        or envelope_from.strip("<> ") == ""
    )


def _fields(body: bytes, content_type: str) -> tuple[dict[str, bytes], int]:
    if not content_type.lower().startswith("multipart/form-data"):
        raise BadPayload("The body is no multipart form.")
    form = message_from_bytes(
        b"Content-Type: " + one_line(content_type).encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    fields, files = dict[str, bytes](), 0
    for part in form.get_payload() if form.is_multipart() else []:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        if not isinstance(part, Message) or not isinstance(name, str):
            continue
        if part.get_filename():
            files += 1
            continue
        payload = part.get_payload(decode=True)
        fields[name] = payload if isinstance(payload, bytes) else b""
    return fields, files


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _decoded(value: bytes, charset: str) -> str:
    try:
        return value.decode(charset).replace("\x00", "")
    except (LookupError, UnicodeDecodeError):
        return value.decode("utf-8", "replace").replace("\x00", "")
