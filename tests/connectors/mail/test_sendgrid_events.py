"""SendGrid's event webhook: the signature over raw bytes, and events in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import BadPayload, BadSignature
from connectors.mail_types import DeliveryKind
from connectors.sendgrid.mapping import to_events
from connectors.sendgrid.webhooks import SIGNATURE, TIMESTAMP, verify
from tests.conftest import shared
from tests.fakes.sendgrid import FakeSendGrid

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
BODY = b'[{"event":"delivered","email":"sari@example.com"}]\r\n'
EVENT: dict[str, Any] = {
    "email": "sari@example.com", "timestamp": 1795327200, "event": "delivered", "category": ["holiday"],
    "sg_event_id": "e-1", "sg_message_id": "W86EgYT6SQKk0lRflfLRsA.recvd-1-0.0", "lk_mid": "m-1", "lk_att": "a-1",
}  # fmt: skip


def one(**changes: object) -> Any:
    return to_events(json.dumps([{**EVENT, **changes}]).encode(), received_at=NOW)[0]


def test_a_signed_body_passes_with_any_of_the_keys() -> None:
    fake, other = FakeSendGrid(), FakeSendGrid()
    headers = {name.lower(): value for name, value in fake.sign(BODY).items()}
    verify(headers=headers, body=BODY, public_keys=[other.public_key, f" {fake.public_key}\n"])


@pytest.mark.parametrize("body", [BODY.strip(), BODY.replace(b":", b": "), b"", b"\xff\xfe", BODY + BODY])
def test_any_other_body_is_refused(body: bytes) -> None:
    fake = FakeSendGrid()
    with pytest.raises(BadSignature):
        verify(headers=fake.sign(BODY), body=body, public_keys=[fake.public_key])


@pytest.mark.parametrize(
    "changes",
    [{SIGNATURE: ""}, {TIMESTAMP: ""}, {SIGNATURE: "not base64 !"}, {SIGNATURE: "AAAA"}, {SIGNATURE: "é"},
     {TIMESTAMP: "1"}, {TIMESTAMP: "é"}, {SIGNATURE: "A" * 100_000}],
)  # fmt: skip
def test_bad_headers_are_refused_and_nothing_else_is_raised(changes: dict[str, str]) -> None:
    fake = FakeSendGrid()
    with pytest.raises(BadSignature):
        verify(headers={**fake.sign(BODY), **changes}, body=BODY, public_keys=[fake.public_key])


def test_without_headers_or_keys_nothing_passes() -> None:
    fake = FakeSendGrid()
    with pytest.raises(BadSignature, match="carries no signature"):
        verify(headers={}, body=BODY, public_keys=[fake.public_key])
    with pytest.raises(BadSignature, match="No verification key is set"):
        verify(headers=fake.sign(BODY), body=BODY, public_keys=[])
    with pytest.raises(ValueError, match="SENDGRID_WEBHOOK_PUBLIC_KEYS"):
        verify(headers=fake.sign(BODY), body=BODY, public_keys=["bm9wZQ=="])


def test_an_event_in_our_words() -> None:
    event = one()
    assert event.kind is DeliveryKind.DELIVERED
    assert (event.message_id, event.attempt_id, event.email) == ("m-1", "a-1", "sari@example.com")
    assert event.provider_reference == "W86EgYT6SQKk0lRflfLRsA"
    assert event.occurred_at == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"event": "processed"}, "processed", ""),
        ({"event": "deferred", "response": "450 later", "attempt": "3"}, "deferred", "450 later"),
        ({"event": "bounce", "type": "bounce", "reason": "550 no", "bounce_classification": "Invalid Address"},
         "bounced", "Invalid Address: 550 no"),
        ({"event": "bounce", "type": "blocked", "reason": "554 spam"}, "blocked", "554 spam"),
        ({"event": "dropped", "reason": "Bounced Address"}, "dropped", "Bounced Address"),
        ({"event": "spamreport"}, "complained", ""),
        ({"event": "unsubscribe"}, "unsubscribed", ""),
        ({"event": "group_unsubscribe", "asm_group_id": 10}, "unsubscribed", ""),
        ({"event": "group_resubscribe"}, "unknown", ""),
        ({"event": "click", "url": "https://a.example"}, "clicked", ""),
        ({"event": "teleported"}, "unknown", ""),
        ({"event": 7}, "unknown", ""),
    ],
)  # fmt: skip
def test_kinds_and_reasons(changes: dict[str, object], kind: str, reason: str) -> None:
    event = one(**changes)
    assert (event.kind, event.reason) == (kind, reason)


def test_machines_that_open_are_told_apart() -> None:
    assert one(event="open", sg_machine_open=True).machine is True
    assert one(event="open", sg_machine_open=False).machine is False


def test_account_status_has_neither_address_nor_id() -> None:
    raw = {"event": "account_status_change", "timestamp": 1795327200, "type": "compliance_suspend"}
    event = to_events(json.dumps([raw]).encode(), received_at=NOW)[0]
    assert (event.kind, event.reason, event.email, event.message_id) == ("account", "compliance_suspend", None, None)


@pytest.mark.parametrize("changes", [{"category": "holiday"}, {"timestamp": "1795327200"}, {"sg_event_id": "other"},
                                     {"sg_event_id": None}, {"useragent": {"odd": []}}])  # fmt: skip
def test_copies_have_one_dedupe_whatever_else_differs(changes: dict[str, object]) -> None:
    assert one(**changes).dedupe == one().dedupe
    assert one(**changes).occurred_at == one().occurred_at


@pytest.mark.parametrize("changes", [{"event": "open"}, {"timestamp": 1795327201}, {"lk_mid": "m-2"}, {"url": "x"},
                                     {"attempt": "2"}, {"type": "blocked"}, {"url_offset": {"index": 1}}])  # fmt: skip
def test_different_events_have_different_dedupes(changes: dict[str, object]) -> None:
    assert one(**changes).dedupe != one().dedupe


@pytest.mark.parametrize("odd", [None, "soon", -5, 1e300, True, [], 10**400])
def test_an_unreadable_time_is_the_time_of_receipt(odd: object) -> None:
    assert one(timestamp=odd).occurred_at == NOW


def test_odd_items_do_not_spoil_the_batch() -> None:
    events = to_events(
        json.dumps([EVENT, None, 5, "x", [], {}, {**EVENT, "email": {"a": 1}}]).encode(), received_at=NOW
    )
    assert [event.kind.value for event in events] == ["delivered", *["unknown"] * 5, "delivered"]
    assert events[6].email is None


@pytest.mark.parametrize("body", [b"", b"null", b"5", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload):
        to_events(body, received_at=NOW)


def test_recorded_bodies_verify_and_parse() -> None:
    folder = shared("contracts/email/payloads")
    headers = json.loads((folder / "signed_headers.json").read_text())
    body = (folder / "signed_body.bin").read_bytes()
    verify(headers=headers, body=body, public_keys=[headers["public_key"]])
    assert to_events(body, received_at=NOW)
    kinds = {path.stem: to_events(path.read_bytes(), received_at=NOW)[0].kind for path in folder.glob("event_*.json")}
    assert kinds["event_blocked"] is DeliveryKind.BLOCKED
    assert kinds["event_async_bounce_no_message_id"] is DeliveryKind.BOUNCED
    assert [name for name, kind in kinds.items() if kind is DeliveryKind.UNKNOWN] == ["event_group_resubscribe"]
