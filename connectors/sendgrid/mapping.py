"""Between SendGrid's words and ours: the body of Mail Send, and the events of its webhook."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.addresses import display_name, one_line, wire_address, wire_reference
from connectors.errors import BadPayload
from connectors.mail_types import DeliveryEvent, DeliveryKind, Mail, Recipient

_KINDS: Final = {
    "processed": DeliveryKind.PROCESSED,
    "dropped": DeliveryKind.DROPPED,
    "deferred": DeliveryKind.DEFERRED,
    "delivered": DeliveryKind.DELIVERED,
    "bounce": DeliveryKind.BOUNCED,
    "open": DeliveryKind.OPENED,
    "click": DeliveryKind.CLICKED,
    "spamreport": DeliveryKind.COMPLAINED,
    "unsubscribe": DeliveryKind.UNSUBSCRIBED,
    "group_unsubscribe": DeliveryKind.UNSUBSCRIBED,
    "account_status_change": DeliveryKind.ACCOUNT,
}


def to_request(mail: Mail, takers: Mapping[str, tuple[str, Recipient]], *, sandbox: bool) -> dict[str, Any]:
    """The body of ``POST /v3/mail/send``: one personalization with one address for each of ``takers``, in their order.

    Our ids go into ``custom_args`` of each personalization only: at the root the published schema forbids what works.
    """
    body: dict[str, Any] = {
        "personalizations": [_personalization(mail, *taker) for taker in takers.values()],
        "from": _person(wire_address(mail.from_email), mail.from_name),
        "subject": one_line(mail.subject),
        "content": [{"type": "text/plain", "value": mail.text}, {"type": "text/html", "value": mail.html}],
        "tracking_settings": {"subscription_tracking": {"enable": False}},
    }
    if not mail.tracked:
        # Links that log somebody in or confirm something are nobody else's to see, nor is who reads them.
        off = {"click_tracking": {"enable": False, "enable_text": False}, "open_tracking": {"enable": False}}
        body["tracking_settings"] |= off
    if mail.reply_to:
        body["reply_to"] = {"email": wire_address(mail.reply_to)}
    category = mail.category.encode("ascii", "ignore").decode()[:255].strip()
    if category:
        body["categories"] = [category]
    if mail.batch_id and mail.send_at:
        body |= {"batch_id": mail.batch_id, "send_at": int(mail.send_at.timestamp())}
    if sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return body


def _personalization(mail: Mail, address: str, recipient: Recipient) -> dict[str, Any]:
    made: dict[str, Any] = {
        "to": [_person(address, recipient.name)],
        "custom_args": {"lk_mid": recipient.message_id, "lk_att": mail.attempt_id},
    }
    if recipient.unsubscribe_url:
        made["headers"] = {
            "List-Unsubscribe": f"<{recipient.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    if mail.in_reply_to:
        known = wire_reference(mail.in_reply_to)
        made["headers"] = made.get("headers", {}) | {"In-Reply-To": known, "References": known}
    if recipient.fragments:
        made["substitutions"] = recipient.fragments
    return made


def _person(address: str, name: str) -> dict[str, str]:
    shown = display_name(name)
    return {"email": address, "name": shown} if shown else {"email": address}


def to_events(body: bytes, *, received_at: datetime) -> list[DeliveryEvent]:
    """The events of one webhook body, in its order; words we do not know become UNKNOWN.

    ``received_at`` stands in where an event has no readable time. Raises ``BadPayload`` for what is no JSON list.
    """
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayload("The body is not JSON.") from None
    if isinstance(batch, dict):
        batch = [batch]
    if not isinstance(batch, list):
        raise BadPayload("The body is not a list of events.")
    return [_event(raw if isinstance(raw, dict) else {"event": raw}, received_at) for raw in batch]


def _event(raw: dict[str, Any], received_at: datetime) -> DeliveryEvent:
    reference = _text(raw, "sg_message_id")
    return DeliveryEvent(
        kind=_kind(raw),
        dedupe=_dedupe(raw),
        occurred_at=_time(raw.get("timestamp"), received_at),
        message_id=_text(raw, "lk_mid") or None,
        attempt_id=_text(raw, "lk_att") or None,
        email=_text(raw, "email") or None,
        provider_reference=reference.partition(".")[0] or None,
        reason=_reason(raw),
        url=_text(raw, "url"),
        machine=raw.get("sg_machine_open") is True,
    )


def _kind(raw: dict[str, Any]) -> DeliveryKind:
    kind = _KINDS.get(_text(raw, "event"), DeliveryKind.UNKNOWN)
    # There is no event called blocked: it is a bounce of another type, and the address may be good.
    if kind is DeliveryKind.BOUNCED and raw.get("type") == "blocked":
        return DeliveryKind.BLOCKED
    return kind


def _reason(raw: dict[str, Any]) -> str:
    if raw.get("event") == "account_status_change":
        return _text(raw, "type")
    words = _text(raw, "reason") or _text(raw, "response")
    classification = _text(raw, "bounce_classification")
    return f"{classification}: {words}" if classification and words else classification or words


def _dedupe(raw: dict[str, Any]) -> str:
    """Equal for copies of one event. ``sg_event_id`` is left out: it was seen to change when events are sent again."""
    parts = [_text(raw, "lk_mid") or _text(raw, "sg_message_id")]
    parts += [_text(raw, name) for name in ("email", "event", "timestamp", "url", "attempt", "type")]
    parts.append(json.dumps(raw.get("url_offset"), sort_keys=True, default=str))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _text(raw: dict[str, Any], name: str) -> str:
    """A field as text: numbers printed, anything else but text dropped; no NUL, which no database takes."""
    value = raw.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()


def _time(value: object, received_at: datetime) -> datetime:
    try:
        seconds = float(value) if isinstance(value, str | int | float) else float("nan")
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return received_at
    return moment if datetime(2009, 1, 1, tzinfo=UTC) <= moment else received_at
