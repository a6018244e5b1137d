"""The fake itself: it must refuse what the real one refuses, or tests against it mean nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from connectors.sendgrid.webhooks import verify
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as running:
        yield running


def good(count: int = 1) -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": f"p{n}@example.com"}], "custom_args": {"lk_mid": f"m{n}"}} for n in range(count)
        ],
        "from": {"email": "hello@senja.example"},
        "subject": "S",
        "content": [{"type": "text/plain", "value": "t"}, {"type": "text/html", "value": "h"}],
    }  # fmt: skip


def post(fake: FakeSendGrid, body: Any, key: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {key or fake.api_key}"}
    return requests.post(f"{fake.url}/v3/mail/send", json=body, headers=headers, timeout=5)


def test_a_good_request_is_accepted_and_named(fake: FakeSendGrid) -> None:
    answer = post(fake, good(1000))
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["X-Message-Id"] == fake.accepted[-1].reference


Change = Callable[[dict[str, Any]], object]
REFUSED: dict[str, tuple[Change, str | None]] = {
    "nobody": (lambda r: r.update(personalizations=[]), "personalizations"),
    "1001": (lambda r: r.update(good(1001)), "personalizations"),
    "double": (lambda r: r["personalizations"].append({"to": [{"email": "P0@example.com"}]}), "personalizations.1"),
    "bad address": (lambda r: r["personalizations"][0]["to"][0].update(email="a@b"), "personalizations.0.to.0.email"),
    "no to": (lambda r: r["personalizations"][0].update(to=[]), "personalizations.0.to"),
    "number": (lambda r: r["personalizations"][0].update(substitutions={"-a-": 5}), None),
    "151": (lambda r: r["personalizations"][0].update(substitutions={f"-{n}-": "" for n in range(151)}),
            "personalizations.0.substitutions"),
    "bytes": (lambda r: r["personalizations"][0].update(substitutions={"-a-": "é" * 5000}),
              "personalizations.0.substitutions"),
    "no args": (lambda r: r["personalizations"][0].update(custom_args={}), "personalizations.0.custom_args"),
    "reserved": (lambda r: r["personalizations"][0].update(headers={"Reply-To": "x"}),
                 "personalizations.0.headers.Reply-To"),
    "two lines": (lambda r: r["personalizations"][0].update(headers={"X-A": "x\nBcc: y"}),
                  "personalizations.0.headers.X-A"),
    "html first": (lambda r: r["content"].reverse(), "content"),
    "no content": (lambda r: r.pop("content"), "content"),
    "empty content": (lambda r: r["content"][0].update(value=""), "content.0.value"),
    "no subject": (lambda r: r.pop("subject"), "subject"),
    "no sender": (lambda r: r.pop("from"), "from.email"),
    "category": (lambda r: r.update(categories=["é"]), "categories"),
    "eleven": (lambda r: r.update(categories=[str(n) for n in range(11)]), "categories"),
    "unknown": (lambda r: r.update(idempotency_key="x"), "idempotency_key"),
    "sandbox": (lambda r: r.update(mail_settings={"sandbox_mode": {"enable": "true"}}),
                "mail_settings.sandbox_mode.enable"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(fake: FakeSendGrid, name: str) -> None:
    change, place = REFUSED[name]
    request, before = good(), len(fake.accepted)
    change(request)
    answer = post(fake, request)
    assert answer.status_code == 400
    assert place in [error["field"] for error in answer.json()["errors"]]
    assert len(fake.accepted) == before


def test_all_faults_are_named_at_once(fake: FakeSendGrid) -> None:
    answer = post(fake, {**good(), "subject": "", "from": {}})
    assert {error["field"] for error in answer.json()["errors"]} == {"subject", "from.email"}


def test_keys_and_paths(fake: FakeSendGrid) -> None:
    assert post(fake, good(), key="SG.wrong").status_code == 401
    ours = {"Authorization": f"Bearer {fake.api_key}"}
    assert requests.post(f"{fake.url}/v4/other", json={}, headers=ours, timeout=5).status_code == 404


def test_signed_events_arrive_as_they_were_signed(fake: FakeSendGrid) -> None:
    post(fake, good())
    got: list[tuple[dict[str, str], bytes]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
        events = fake.events_for("processed", "delivered", mails=fake.accepted[-1:])
        assert fake.post_events(url, events).status_code == 204
        thread.join()
    verify(headers=got[0][0], body=got[0][1], public_keys=[fake.public_key])
    assert [(event["event"], event["lk_mid"]) for event in events] == [("processed", "m0"), ("delivered", "m0")]
    assert events[0]["sg_message_id"].startswith(f"{fake.accepted[-1].reference}.")
