"""The door for shops: only what is signed gets in, and what got in is never lost."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text
from werkzeug.test import TestResponse

from connectors.signatures import sign_hmac
from plugin_server.db.session import tenant
from plugin_server.vault import seal
from plugin_server.wiring import Services
from tests.web.conftest import SECRET

ORDER = json.dumps({"id": 41, "status": "processing"}).encode()


@pytest.fixture
def door(flask_app: Flask) -> FlaskClient:
    return flask_app.test_client()


def deliver(
    door: FlaskClient, store: int, body: bytes = ORDER, *, secret: str = SECRET, **headers: str
) -> TestResponse:
    return door.post(
        f"/webhooks/woocommerce/{store}",
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Delivery-ID": "always-the-same",
            "X-WC-Webhook-Signature": sign_hmac(body, secret),
            **headers,
        },
    )


def stored(app: Services, merchant: int) -> list[Any]:
    with tenant(app.engine, merchant) as connection:
        return list(connection.execute(text("SELECT * FROM inbound_event ORDER BY id")))


def test_a_signed_delivery_is_written_down_raw(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    assert deliver(door, woo).status_code == 200
    (row,) = stored(app, merchant)
    assert (bytes(row.body), row.topic, row.provider, row.store_id) == (ORDER, "order.updated", "woocommerce", woo)
    assert row.headers == {"content-type": "application/json", "x-wc-webhook-topic": "order.updated"}


def test_the_same_waiting_delivery_is_kept_once(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    assert [deliver(door, woo).status_code for _ in range(3)] == [200, 200, 200]
    assert len(stored(app, merchant)) == 1


def test_deliveries_sharing_an_id_are_all_kept(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    for number in range(5):
        deliver(door, woo, json.dumps({"id": number}).encode())
    assert len(stored(app, merchant)) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"X-WC-Webhook-Signature": ""},
        {"X-WC-Webhook-Signature": "AAAA"},
        {"X-WC-Webhook-Signature": "ü" * 44},
    ],
)
def test_a_bad_signature_stores_nothing(
    app: Services, merchant: int, woo: int, door: FlaskClient, change: dict[str, str]
) -> None:
    assert deliver(door, woo, **change).status_code == 401
    assert stored(app, merchant) == []


def test_a_truncated_or_reencoded_body_stores_nothing(
    app: Services, merchant: int, woo: int, door: FlaskClient
) -> None:
    signature = sign_hmac(ORDER, SECRET)
    for body in (ORDER[:-1], ORDER + b"\n", ORDER.replace(b": ", b":")):
        assert deliver(door, woo, body, **{"X-WC-Webhook-Signature": signature}).status_code == 401
    assert stored(app, merchant) == []


def test_the_unsigned_ping_gets_exactly_200(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    answer = door.post(f"/webhooks/woocommerce/{woo}", data={"webhook_id": "12"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert stored(app, merchant) == []


def test_an_unknown_store_is_404(woo: int, door: FlaskClient) -> None:
    assert deliver(door, woo + 1000).status_code == 404
    assert deliver(door, 2**64).status_code == 404


def test_a_body_too_large_is_refused(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    assert deliver(door, woo, b"x" * 5_000_001).status_code == 413
    assert stored(app, merchant) == []


def test_a_body_whose_pieces_do_not_hold_together_is_refused(
    app: Services, merchant: int, woo: int, door: FlaskClient
) -> None:
    class Torn(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: object) -> int:
            raise OSError("Invalid chunk size")

    torn = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Torn()}
    answer = door.post(f"/webhooks/woocommerce/{woo}", environ_overrides=torn)
    assert answer.status_code == 400
    assert stored(app, merchant) == []


def test_a_changed_secret_is_noticed(app: Services, merchant: int, woo: int, door: FlaskClient) -> None:
    deliver(door, woo)
    with tenant(app.engine, merchant) as connection:
        fresh = seal(app.settings.keys, {"secrets": ["a-new-one"]})
        connection.execute(text("UPDATE store SET webhook_secrets = :s WHERE id = :id"), {"s": fresh, "id": woo})
    flask_cache = door.application.extensions["tangga_secrets"]
    flask_cache.age(seconds=2)
    assert deliver(door, woo, secret="a-new-one").status_code == 200


def test_without_a_queue_nothing_is_lost(
    app: Services, merchant: int, woo: int, serve: Callable[[Services], Flask]
) -> None:
    lost = Services(app.settings, app.engine, Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2), app.now)
    assert deliver(serve(lost).test_client(), woo).status_code == 200
    assert len(stored(app, merchant)) == 1


def test_a_delivery_wakes_one_drain(app: Services, woo: int, door: FlaskClient) -> None:
    app.redis.flushdb()
    for number in range(3):
        deliver(door, woo, json.dumps({"id": number}).encode())
    door.application.extensions["tangga_bell"].close()
    assert app.redis.llen("rq:queue:urgent") == 1


def test_no_cookie_is_set(woo: int, door: FlaskClient) -> None:
    assert "Set-Cookie" not in deliver(door, woo).headers


class Signer:
    """SendGrid's side of the signed event webhook."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key()
        self.public_key = base64.b64encode(
            public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        ).decode()

    def headers(self, body: bytes, timestamp: str = "1780000000") -> dict[str, str]:
        signature = self._key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def mail_door(app: Services, signer: Signer, serve: Callable[[Services], Flask]) -> FlaskClient:
    settings = app.settings.model_copy(update={"sendgrid_webhook_public_keys": (signer.public_key,)})
    return serve(Services(settings, app.engine, app.redis, app.now)).test_client()


EVENTS = b'[{"event":"delivered","sg_event_id":"a"}]\r\n'


def test_a_signed_batch_of_mail_events_is_kept_once_for_ever(
    app: Services, merchant: int, mail_door: FlaskClient, signer: Signer
) -> None:
    for _ in range(2):
        answer = mail_door.post(f"/webhooks/sendgrid/{merchant}", data=EVENTS, headers=signer.headers(EVENTS))
        assert answer.status_code == 200
    (row,) = stored(app, merchant)
    assert (row.provider, bytes(row.body), row.once) == ("sendgrid", EVENTS, True)
    assert row.dedupe == hashlib.sha256(b"events\n" + EVENTS).hexdigest()


def test_mail_events_with_a_bad_signature_store_nothing(
    app: Services, merchant: int, mail_door: FlaskClient, signer: Signer
) -> None:
    for headers in (
        {},
        signer.headers(EVENTS[:-2]),
        signer.headers(EVENTS) | {"X-Twilio-Email-Event-Webhook-Signature": "!"},
    ):
        assert mail_door.post(f"/webhooks/sendgrid/{merchant}", data=EVENTS, headers=headers).status_code == 401
    assert stored(app, merchant) == []


def test_mail_events_for_nobody_are_404(merchant: int, mail_door: FlaskClient, signer: Signer) -> None:
    answer = mail_door.post(f"/webhooks/sendgrid/{merchant + 99}", data=EVENTS, headers=signer.headers(EVENTS))
    assert answer.status_code == 404
