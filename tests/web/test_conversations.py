"""Mails from customers: whatever is posted becomes one thread or a reason; answers go out once; promotions wait."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.mail.replies import fresh
from connectors.errors import BadPayload
from connectors.sendgrid.inbound import to_reply
from plugin_server.db.customers import conversations
from plugin_server.db.session import tenant
from plugin_server.jobs.sending import replies
from plugin_server.wiring import Services
from tests.conftest import shared
from tests.web.conftest import Visitor

KIND = "multipart/form-data; boundary=xYzZY"


def posted(
    body: str = "Halo, poin saya belum masuk?\n\n> lama", *, headers: str = "", files: str = "", **fields: str
) -> bytes:
    told = {
        "headers": f"Message-ID: <1@mail.example.com>\nAuto-Submitted: no\n{headers}",
        "text": body,
        "from": "Sari <Sari@example.com>",
        "subject": "Re: Poin",
        "envelope": '{"to":["halo@reply.example"],"from":"sari@example.com"}',
        "dkim": "{@example.com : pass}",
        "charsets": '{"text":"utf-8"}',
    } | fields
    parts = [
        f'--xYzZY\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in told.items()
    ]
    return ("".join(parts) + files + "--xYzZY--\r\n").encode()


@pytest.fixture
def sari(app: Services, merchant: int) -> int:
    """A customer who writes."""
    with tenant(app.engine, merchant) as connection:
        found: int = connection.scalar(
            text(
                "INSERT INTO customer (merchant_id, email, email_norm, first_name) "
                "VALUES (:m, 'sari@example.com', 'sari@example.com', 'Sari') RETURNING id"
            ),
            {"m": merchant},
        )
        return found


def post(visitor: Visitor, merchant: int, body: bytes, kind: str = KIND) -> int:
    return visitor.client.post(f"/webhooks/sendgrid/{merchant}/inbound", data=body, content_type=kind).status_code


def test_a_mail_joins_its_thread_once_and_is_answered_once(
    app: Services, merchant: int, sari: int, visitor: Visitor, logged_in: Callable[[str], Visitor]
) -> None:
    again = posted("Masih belum", headers="X: y").replace(b"<1@", b"<2@")
    assert [post(visitor, merchant, body) for body in (posted(), posted(), posted(spam="x"), again)] == [200] * 4
    while replies.drain(app, merchant):
        pass
    with tenant(app.engine, merchant) as connection:
        threads = conversations.threads(connection, state="open")
        found = conversations.thread(connection, threads[0].id)
    assert [(one.customer_id, one.name, one.subject) for one in threads] == [(sari, "Sari", "Re: Poin")]
    assert found
    assert [(mail.text, mail.proven) for mail in found[1]] == [
        ("Halo, poin saya belum masuk?", True),
        ("Masih belum", True),
    ]
    who = logged_in("marketer")
    assert "Masih belum" in who.get(f"/conversations/{threads[0].id}").get_data(as_text=True)
    later = replace(app, now=lambda: app.now() + timedelta(hours=2))
    with tenant(app.engine, merchant) as connection:
        number = conversations.answer(connection, merchant, threads[0].id, "Sudah kami cek <3", "ani", later.now())
        assert conversations.pace(connection, later.now()) == (0, timedelta(hours=2))
    assert number
    assert [replies.send(app, merchant, number) for _ in range(2)] == ["sent", ""]
    written = [email.message_from_bytes(path.read_bytes(), policy=policy.default)
               for path in Path(app.settings.outbox).rglob("*.eml")]  # fmt: skip
    assert [(str(mail["To"]), str(mail["Subject"])) for mail in written] == [("Sari@example.com", "Re: Poin")]


def test_an_open_conversation_holds_promotions_back(app: Services, merchant: int, sari: int, visitor: Visitor) -> None:
    post(visitor, merchant, posted())
    replies.drain(app, merchant)
    with tenant(app.engine, merchant) as connection:
        waits = text("SELECT EXISTS (SELECT FROM conversation WHERE customer_id = :c AND state = 'open')")
        assert connection.scalar(waits, {"c": sari})
        conversations.close(connection, 1, app.now())
        assert not connection.scalar(waits, {"c": sari})


@pytest.mark.parametrize(
    "headers",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes", "List-Id: <x>", "Precedence: Auto_Reply"],
)
def test_machines_are_not_answered(headers: str) -> None:
    body = posted(headers=headers).replace(b"Auto-Submitted: no\n", b"")
    assert to_reply(body, content_type=KIND).automatic


def test_bounces_come_from_nobody() -> None:
    assert to_reply(posted(envelope='{"to":["a@b.example"],"from":"<>"}'), content_type=KIND).automatic


def test_odd_forms_are_named_and_headers_cannot_be_injected(app: Services, merchant: int, visitor: Visitor) -> None:
    with pytest.raises(BadPayload):
        to_reply(b"{}", content_type="application/json")
    with pytest.raises(BadPayload):
        to_reply(b"--x--", content_type="multipart/form-data; boundary=x")
    evil = to_reply(posted(subject="Hi\r\nBcc: all@example.com", charsets='{"text":"no-such"}'), content_type=KIND)
    assert "\n" not in evil.subject + evil.from_email + evil.from_name
    assert post(visitor, merchant, b"nonsense", "text/plain") == 200
    assert replies.drain(app, merchant) == 1
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT state FROM inbound_event")) == "failed"
    assert post(visitor, merchant + 99, posted()) == 404


def test_a_signed_mail_must_be_signed_rightly(merchant: int, visitor: Visitor) -> None:
    headers = {"X-Twilio-Email-Event-Webhook-Signature": "AAAA", "X-Twilio-Email-Event-Webhook-Timestamp": "1"}
    answer = visitor.client.post(
        f"/webhooks/sendgrid/{merchant}/inbound", data=posted(), content_type=KIND, headers=headers
    )
    assert answer.status_code == 401


def test_thirty_megabytes_are_taken_and_more_refused(app: Services, merchant: int, visitor: Visitor) -> None:
    file = (
        '--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.bin"\r\n\r\n'
        + "x" * 29_000_000
        + "\r\n"
    )
    assert post(visitor, merchant, posted(files=file)) == 200
    assert replies.drain(app, merchant) == 1
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT attachments FROM conversation_message")) == 1
    assert post(visitor, merchant, b"x" * 31_500_000) == 413


def test_every_thread_is_on_one_page_whatever_its_subject(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "INSERT INTO conversation (merchant_id, email, subject, waiting_since, changed_at) "
                "SELECT :m, 'c' || n || '@example.com', repeat('Lebaran ', n), CAST(:now AS timestamptz), :now "
                "FROM generate_series(1, 120) n"
            ),
            {"m": merchant, "now": app.now()},
        )
    who = logged_in("viewer")
    pages = [who.get(f"/conversations?page={n}").get_data(as_text=True) for n in (1, 2, 3)]
    found = [re.findall(r'href="/conversations/(\d+)"', page) for page in pages]
    assert [len(each) for each in found] == [50, 50, 20]
    assert len({number for each in found for number in each}) == 120
    assert [("page=2" in pages[0], "page=1" in pages[1], "page=3" in pages[1], "page=4" in pages[2])] == [
        (True, True, True, False)
    ]
    assert "Lebaran " * 12 not in "".join(pages)
    for wrong in ("0", "-1", "99999999999"):
        assert who.get(f"/conversations?page={wrong}").status_code == 404


@pytest.mark.parametrize("name", ["inbound_parse_default.multipart", "inbound_parse_raw.multipart"])
def test_recorded_forms_are_understood(name: str) -> None:
    body = shared("contracts", "email", "payloads", name).read_bytes()
    boundary = body.split(b"\r\n")[0].split(b"\n")[0][2:].decode().strip()
    reply = to_reply(body, content_type=f"multipart/form-data; boundary={boundary}")
    assert reply.from_email == "sari@example.com"
    assert fresh(reply.text, reply.html).startswith("Halo")


@pytest.mark.parametrize(
    ("written", "new"),
    [
        ("Yes\n\nOn Sun, 22 Nov 2026 Shop wrote:\n> Hi", "Yes"),
        ("Ja\n\nOp zo 22 nov 2026 schreef Shop:\n> Hoi", "Ja"),
        ("Ya\n-----Original Message-----\nold", "Ya"),
        ("> only\n> quoted", "> only\n> quoted"),
    ],
)
def test_only_what_is_new_is_kept(written: str, new: str) -> None:
    assert fresh(written) == new
