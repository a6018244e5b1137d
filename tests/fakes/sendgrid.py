"""A SendGrid on loopback: refuses what the real one refuses, remembers what it took, fails on demand, reports events.

with fake_sendgrid() as fake:
    backend = SendGridBackend(fake.api_key, fake.url)
    fake.fault = "accept_then_drop"     # for all following requests, or fake.faults.append(…) for the next one
    …
    fake.accepted[0].email, .html, .custom_args
    fake.post_events(url, fake.events_for("processed", "delivered"))
"""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes import sendgrid_account, sendgrid_domains, sendgrid_fence
from tests.fakes.sendgrid_rules import faults_of

FAULTS = ("accept_then_drop", "500_after_accept", "500", "503", "429", "slow", "401", "403", "413", "html_400", "drop")


@dataclass(frozen=True)
class AcceptedMail:
    """One recipient's mail, with substitutions put in, as it would have gone out."""

    reference: str
    email: str
    name: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    custom_args: dict[str, str]
    categories: list[str]
    request: dict[str, Any] = field(repr=False)
    reply_to: str = ""


class FakeSendGrid:
    """The state of one fake. ``accepted`` holds a mail for each recipient of each accepted request, in order."""

    def __init__(self) -> None:
        self.api_key = "SG.fake-key"
        self.url = ""
        self.fault: str | None = None
        self.faults: list[str] = []
        self.slow_seconds = 5.0
        self.reset_seconds = 30
        self.accepted: list[AcceptedMail] = []
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.sandboxed = 0
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.globally_suppressed: list[str] = []
        self.clock: Callable[[], float] = time.time
        self.batches = sendgrid_fence.Batches()
        self.domains = sendgrid_domains.Domains()
        self.doors_fault: str | None = None
        self.scopes = ["mail.send", "sender_verification_eligible"]
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._lock = threading.Lock()

    @property
    def public_key(self) -> str:
        """The verification key, base64 as the settings page shows it."""
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def next_fault(self) -> str | None:
        with self._lock:
            fault = self.faults.pop(0) if self.faults else self.fault
        assert fault is None or fault in FAULTS, f"no such fault: {fault}"
        return fault

    def accept(self, request: dict[str, Any]) -> str:
        """Remember a valid request, and its mails as soon as they leave; gives its X-Message-Id."""
        reference = uuid.uuid4().hex[:22]
        with self._lock:
            self.requests.append(request)
            self.batches.waiting.append((reference, request))
        self.release()
        return reference

    def release(self) -> None:
        """Let out what is due by ``clock`` and was not called back."""
        now = self.clock()
        with self._lock:
            due = [one for one in self.batches.waiting if not self.batches.waits(one[1], now)]
            self.batches.waiting = [one for one in self.batches.waiting if self.batches.waits(one[1], now)]
            for reference, request in due:
                if not self.batches.stops(request):
                    self.accepted += [_mail(reference, request, one) for one in request["personalizations"]]

    def events_for(
        self, *kinds: str, mails: Sequence[AcceptedMail] | None = None, **extra: object
    ) -> list[dict[str, Any]]:
        """Events of ``kinds`` for ``mails`` (default: all accepted), shaped as SendGrid sends them."""
        at = int(time.time())
        return [
            {
                "email": mail.email, "timestamp": at + number, "event": kind, "category": mail.categories,
                "sg_event_id": uuid.uuid4().hex, "sg_message_id": f"{mail.reference}.recvd-1-{number}.0",
                "smtp-id": f"<{uuid.uuid4().hex}@fake>", **mail.custom_args, **extra,
            }
            for mail in (self.accepted if mails is None else mails)
            for number, kind in enumerate(kinds)
        ]  # fmt: skip

    def sign(self, body: bytes, timestamp: str | None = None) -> dict[str, str]:
        """The two headers that make ``body`` a signed webhook."""
        stamp = timestamp or str(int(time.time()))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    def post_events(self, url: str, events: Sequence[dict[str, Any]]) -> requests.Response:
        """Post one signed batch; the body ends in CRLF as the real ones do."""
        body = json.dumps(list(events)).encode() + b"\r\n"
        headers = {"Content-Type": "application/json", **self.sign(body)}
        return requests.post(url, data=body, headers=headers, timeout=30)


def _mail(reference: str, request: dict[str, Any], one: dict[str, Any]) -> AcceptedMail:
    substitutions = one.get("substitutions", {})
    contents = {content["type"]: _substituted(content["value"], substitutions) for content in request["content"]}
    return AcceptedMail(
        reference=reference,
        email=one["to"][0]["email"],
        name=one["to"][0].get("name", ""),
        subject=_substituted(one.get("subject") or request.get("subject", ""), substitutions),
        text=contents.get("text/plain", ""),
        html=contents.get("text/html", ""),
        headers=one.get("headers", {}),
        custom_args={**request.get("custom_args", {}), **one.get("custom_args", {})},
        categories=request.get("categories", []),
        request=request,
        reply_to=_substituted(request.get("reply_to", {}).get("email", ""), substitutions),
    )


def _substituted(text: str, substitutions: dict[str, str]) -> str:
    # The real one goes through the tags one by one, so a value that holds another tag is substituted again.
    for tag, value in substitutions.items():
        text = text.replace(tag, value)
    return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeSendGrid

    def setup(self) -> None:
        super().setup()
        self.fake.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._elsewhere("POST", body):
            return
        fault = self.fake.next_fault()
        if fault in ("accept_then_drop", "500_after_accept", "slow", None):
            self._take(body, fault)
        elif fault == "drop":
            self._hang_up()
        elif fault == "html_400":
            self._answer(400, b"<html>Bad gateway of a hotel</html>")
        else:
            headers = {"X-RateLimit-Reset": str(int(time.time()) + self.fake.reset_seconds)} if fault == "429" else {}
            self._answer(int(fault), _errors((None, f"fault {fault}")), headers)

    def do_GET(self) -> None:
        if not self._elsewhere("GET", b""):
            self._answer(404, _errors((None, "not found")))

    def _elsewhere(self, method: str, body: bytes) -> bool:
        if self.path == "/v3/mail/send":
            return False
        if self.headers.get("Authorization") != f"Bearer {self.fake.api_key}":
            self._answer(401, _errors((None, "authorization required")))
            return True
        if self.fake.doors_fault == "drop":
            self._hang_up()
            return True
        if self.fake.doors_fault:
            self._answer(int(self.fake.doors_fault), _errors((None, "fault")))
            return True
        for door in (sendgrid_account, sendgrid_fence, sendgrid_domains):
            found = door.answer(self.fake, method, self.path, body)
            if found:
                self._answer(*found)
                return True
        return False

    def _take(self, body: bytes, fault: str | None) -> None:
        status, answer = self._judge(body)
        if status not in (200, 202):
            return self._answer(status, answer)
        if status == 200:
            self.fake.sandboxed += 1
            return self._answer(200, b"")
        if fault == "slow":
            time.sleep(self.fake.slow_seconds)
        reference = self.fake.accept(json.loads(body))
        if fault in ("accept_then_drop", "slow"):
            return self._hang_up()
        if fault == "500_after_accept":
            return self._answer(500, _errors((None, "internal error")))
        return self._answer(202, b"", {"X-Message-Id": reference})

    def _judge(self, body: bytes) -> tuple[int, bytes]:
        if self.path != "/v3/mail/send":
            return 404, _errors((None, "not found"))
        if self.headers.get("Authorization") != f"Bearer {self.fake.api_key}":
            return 401, _errors((None, "The provided authorization grant is invalid, expired, or revoked"))
        if "json" not in self.headers.get("Content-Type", ""):
            return 415, _errors((None, "Content-Type should be application/json."))
        if len(body) > 30_000_000:
            return 413, _errors((None, "payload too large"))
        try:
            request = json.loads(body)
        except ValueError:
            return 400, _errors((None, "Bad Request"))
        found = faults_of(request) + self.fake.batches.faults_of(request, self.fake.clock())
        if found:
            return 400, _errors(*found)
        return (200 if request.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True else 202), b""

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass


def _errors(*found: tuple[str | None, str]) -> bytes:
    return json.dumps({"errors": [{"message": text, "field": place, "help": None} for place, text in found]}).encode()


@contextmanager
def fake_sendgrid() -> Iterator[FakeSendGrid]:
    """A running fake on a port of the system's choice."""
    fake = FakeSendGrid()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
