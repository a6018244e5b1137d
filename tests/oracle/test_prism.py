"""A second opinion: Prism, playing SendGrid from its published description, about our client and our double.

Prism knows shapes alone. Whatever it refuses, the double must refuse too, or the double is laxer than the real thing;
whatever our client sends, Prism must take.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.mail_types import Mail, Recipient, SendOutcome
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.fence import SendGridFence
from connectors.sendgrid.mapping import to_request
from plugin_server.demo.opening import free_port
from tests.conftest import shared
from tests.fakes.sendgrid_rules import faults_of

PRISM = Path(__file__).parent / "node_modules" / ".bin" / "prism"
PEOPLE = tuple(
    Recipient(f"{n}", f"c{n}@example.com", f"Siti {n}", {"-u4Kp2mXzr_": f"r+m{n}.aaaaaaaaaaaaaaaa"},
              f"https://t.example/c/{n}/unsubscribe")
    for n in range(1000)
)  # fmt: skip
MAIL = Mail("a-1", "halo@toko.example", "Toko Senja", "-u4Kp2mXzr_@reply.toko.example", "Halo", "<p>Halo</p>", "Halo",
            PEOPLE, category="eid")  # fmt: skip


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Its address; skips where it is not installed, or the description is not at hand."""
    if not PRISM.exists() or not shutil.which("node"):
        pytest.skip("Prism is not installed: run `make setup` with Node at hand")
    spec, port = shared("contracts", "email", "spec", "tsg_mail_v3.json"), free_port()
    argv = [str(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port), "--errors", str(spec)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            requests.get(url, timeout=5)
            return
        except requests.RequestException:
            assert time.monotonic() < end, "Prism does not start"
            time.sleep(0.2)


@pytest.mark.parametrize(
    "mail",
    [
        MAIL,
        replace(MAIL, recipients=PEOPLE[:1], reply_to=None, category="", from_name=""),
        replace(MAIL, batch_id="HkJ5yLYULb7Rj8GKSx7u025ouWVlMgAi",
                send_at=datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20)),
        replace(MAIL, recipients=(Recipient("answer-1", "a@example.com"),), in_reply_to="<1@mail.example.com>"),
    ],
    ids=["bulk", "plain", "fenced", "answer"],
)  # fmt: skip
def test_the_published_description_takes_what_our_client_sends(prism: str, mail: Mail) -> None:
    result = SendGridBackend("SG.x", prism).send(mail)
    assert (result.outcome, result.detail, result.refused) == (SendOutcome.ACCEPTED, "", {})


def test_a_batch_is_made_as_described(prism: str) -> None:
    assert SendGridFence("SG.x", prism).open() == "HkJ5yLYULb7Rj8GKSx7u025ouWVlMgAi"


def _nobody(request: dict[str, Any]) -> None:
    del request["from"]


def _bad_address(request: dict[str, Any]) -> None:
    request["personalizations"][0]["to"][0]["email"] = "nobody"


def _too_many(request: dict[str, Any]) -> None:
    request["personalizations"] = [
        {"to": [{"email": f"c{n}@example.com"}], "custom_args": {"lk_mid": str(n)}} for n in range(1001)
    ]


def _eleven(request: dict[str, Any]) -> None:
    request["categories"] = [str(n) for n in range(11)]


def _number(request: dict[str, Any]) -> None:
    request["personalizations"][0]["substitutions"] = {"-a-": 5}


def _sandbox(request: dict[str, Any]) -> None:
    request["mail_settings"] = {"sandbox_mode": {"enable": "true"}}


def _reply(request: dict[str, Any]) -> None:
    request["reply_to"] = {"email": "nobody"}


def _time(request: dict[str, Any]) -> None:
    request["send_at"] = "tomorrow"


@pytest.mark.parametrize("spoil", [_nobody, _bad_address, _too_many, _eleven, _number, _sandbox, _reply, _time])
def test_the_double_refuses_what_the_description_refuses(prism: str, spoil: Callable[[dict[str, Any]], None]) -> None:
    takers = {one.message_id: (one.email, one) for one in PEOPLE[:2]}
    request = to_request(MAIL, takers, sandbox=False)
    assert _prism_says(prism, request) == 202
    assert faults_of(request) == []
    spoilt = copy.deepcopy(request)
    spoil(spoilt)
    assert _prism_says(prism, spoilt) == 400
    assert faults_of(spoilt)


def _prism_says(prism: str, request: dict[str, Any]) -> int:
    headers = {"Authorization": "Bearer SG.x", "Accept": "application/json"}
    return requests.post(f"{prism}/v3/mail/send", json=request, headers=headers, timeout=30).status_code
