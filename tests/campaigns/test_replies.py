"""Replies find their customer by the address they were asked for at; forged ones by their sender; promotions wait."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import policy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from connectors.sendgrid.client import SendGridBackend
from plugin_server.db.customers import conversations
from plugin_server.db.sending import messages, sender
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import replies
from plugin_server.jobs.sending.compose import letterhead
from plugin_server.reply_token import Answered, read_reply_token, reply_token
from plugin_server.wiring import MAIL_REPLIES, Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop
from tests.campaigns.test_delivery import states
from tests.campaigns.test_run import holiday, started
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid
from tests.inbox import received
from tests.web.test_conversations import KIND, posted

NEW, OLD = "n" * 40, "o" * 40
DOMAIN = "reply.toko.example"


@given(st.integers(1, 10**6), st.integers(1, 2**63 - 1), st.sampled_from("mt"))
def test_a_token_is_read_back_by_its_merchant_alone(merchant: int, number: int, kind: Any) -> None:
    told = Answered(kind, number)
    token = reply_token((OLD,), merchant, told)
    assert len(token) <= 64
    assert read_reply_token((NEW, OLD), merchant, f"{token.upper()}@{DOMAIN}") == told
    assert read_reply_token((NEW,), merchant, f"{token}@{DOMAIN}") is None
    assert read_reply_token((OLD,), merchant + 1, f"{token}@{DOMAIN}") is None
    other = reply_token((OLD,), merchant, replace(told, kind="t" if kind == "m" else "m"))
    assert read_reply_token((OLD,), merchant, token[:3] + other[3:]) is None


@pytest.mark.parametrize(
    "address", ["", "@", "r+m1.@x", "r+m1.aaaaaaaaaaaaaaaa@x", "halo@toko.example", "r+m" + "z" * 60]
)
def test_what_somebody_made_up_answers_nothing(address: str) -> None:
    assert read_reply_token((NEW,), 1, address) is None


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        yield fake


@pytest.fixture
def sending(app: Services, merchant: int, provider: FakeSendGrid, shop: Shop) -> Outside:
    with tenant(app.engine, merchant) as conn:
        sender.save_reply_domain(conn, DOMAIN)
        sender.save_replies_seen(conn, DOMAIN, True, app.now())
    return Outside(SendGridBackend(provider.api_key, provider.url), "sendgrid", lambda _: shop)


def comes_in(app: Services, merchant: int, body: bytes) -> str:
    """A mail arrives and is worked off; gives what the inbox says of it."""
    received(app, merchant, body, provider=MAIL_REPLIES, topic="inbound", headers={"content-type": KIND})
    assert replies.drain(app, merchant) == 1
    with tenant(app.engine, merchant) as conn:
        return str(conn.scalar(text("SELECT state || ': ' || note FROM inbound_event ORDER BY id DESC LIMIT 1")))


def from_somebody(to: str, number: int, *, who: str = "private@elsewhere.example", **more: Any) -> bytes:
    envelope = f'{{"to":["{to}"],"from":"{who}"}}'
    made = posted(envelope=envelope, **({"from": f"Siti <{who}>"} | more))
    return made.replace(b"<1@", f"<{number}@".encode())


def threads(app: Services, merchant: int) -> list[tuple[int | None, str, str]]:
    with tenant(app.engine, merchant) as conn:
        found = conversations.threads(conn, state=None)
    return sorted((one.customer_id, one.email, one.state) for one in found)


def test_every_mail_asks_for_replies_at_an_address_of_its_own(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "done"
    keys, mails = app.settings.keys, provider.accepted
    answered = {mail.custom_args["lk_mid"]: read_reply_token(keys, merchant, mail.reply_to) for mail in mails}
    assert len(answered) == 8
    assert all(told == Answered("m", int(number)) for number, told in answered.items())
    assert {mail.reply_to.partition("@")[2] for mail in provider.accepted} == {DOMAIN}
    assert {len(request["personalizations"]) for request in provider.requests} == {1, 6}
    by = {mail.email: mail for mail in provider.accepted}
    assert comes_in(app, merchant, from_somebody(by["c4@example.com"].reply_to, 1)).startswith("done")
    assert comes_in(app, merchant, from_somebody(by["c5@example.com"].reply_to, 2)).startswith("done")
    forged = by["c6@example.com"].reply_to[:-30] + "a" * 30
    assert comes_in(app, merchant, from_somebody(forged, 3, who="c7@example.com")).startswith("done")
    assert threads(app, merchant) == [
        (4, "private@elsewhere.example", "open"),
        (5, "private@elsewhere.example", "open"),
        (7, "c7@example.com", "open"),
    ]


def test_replies_are_asked_for_only_where_they_would_arrive(app: Services, merchant: int) -> None:
    """An MX that leads elsewhere, or that nobody has seen, promises nothing; a silent name server changes nothing."""
    said: list[str] = []
    for domain, arrive in ((DOMAIN, None), (DOMAIN, False), (DOMAIN, True), (DOMAIN, None), ("other.example", None)):
        with tenant(app.engine, merchant) as conn:
            sender.save_reply_domain(conn, domain)
            sender.save_replies_seen(conn, domain, arrive, app.now())
            said.append(letterhead(conn).reply_domain)
    assert said == ["", "", DOMAIN, DOMAIN, ""]


def test_a_mail_by_itself_and_an_answer_ask_for_replies_there_too(app: Services, merchant: int, world: Outside) -> None:
    with tenant(app.engine, merchant) as conn:
        sender.save_reply_domain(conn, DOMAIN)
        sender.save_replies_seen(conn, DOMAIN, True, app.now())
    assigns = "{% assign mine = offer.code %}{{ mine }} {{ links.unsubscribe }}"
    run_id = started(app, merchant, holiday(message={"en": {"subject": "Hi", "html": f"<p>{assigns}</p>"}}))
    assert runs.advance(app, world, merchant, run_id) == "done"
    asked = [read_reply_token(app.settings.keys, merchant, str(mail["Reply-To"])) for mail in outbox(app)]
    with tenant(app.engine, merchant) as conn:
        ids = {row["id"]: row["customer"] for row in messages.messages(conn, run_id)}
    assert {told.id for told in asked if told and told.kind == "m"} == set(ids)
    token = reply_token(app.settings.keys, merchant, Answered("m", min(ids)))
    comes_in(app, merchant, from_somebody(f"{token}@{DOMAIN}", 1))
    with tenant(app.engine, merchant) as conn:
        number = conversations.answer(conn, merchant, 1, "Baik", "ani", NOW)
    assert number
    assert replies.send(app, merchant, number) == "sent"
    [answer] = [mail for mail in outbox(app) if str(mail["To"]) == "private@elsewhere.example"]
    assert str(answer["In-Reply-To"]) == str(answer["References"]) == "<1@mail.example.com>"
    comes_in(app, merchant, from_somebody(str(answer["Reply-To"]), 2, who="third@elsewhere.example"))
    assert [(customer, address) for customer, address, _ in threads(app, merchant)] == [
        (ids[min(ids)], "private@elsewhere.example"),
        (ids[min(ids)], "third@elsewhere.example"),
    ]


def outbox(app: Services) -> list[Any]:
    return [email.message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in Path(app.settings.outbox).rglob("*.eml")]  # fmt: skip


def test_machines_and_thirty_megabytes(app: Services, merchant: int, sending: Outside, provider: FakeSendGrid) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, sending, merchant, run_id)
    address = provider.accepted[0].reply_to
    away = from_somebody(address, 1, headers="X-Autoreply: yes")
    assert comes_in(app, merchant, away) == "ignored: written by a machine"
    assert threads(app, merchant) == []
    file = '--xYzZY\r\nContent-Disposition: form-data; name="attachment1"; filename="a.bin"\r\n\r\n' + "x" * 29_000_000
    assert comes_in(app, merchant, from_somebody(address, 2, files=file + "\r\n")).startswith("done")
    assert len(threads(app, merchant)) == 1


def test_promotions_wait_for_an_answer_and_then_they_go(
    app: Services, merchant: int, sending: Outside, provider: FakeSendGrid
) -> None:
    comes_in(app, merchant, from_somebody("halo@toko.example", 1, who="c5@example.com"))
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, sending, merchant, run_id) == "sending"
    assert states(app, merchant, run_id) == {"accepted": 7, "planned": 1}
    with tenant(app.engine, merchant) as conn:
        [waits] = [row for row in messages.messages(conn, run_id) if row["state"] == "planned"]
        number = conversations.answer(conn, merchant, 1, "Sudah", "ani", NOW)
    assert waits["email"] == "c5@example.com"
    assert waits["reason"].startswith("conversation: they wait for an answer from us first; waits until")
    assert number
    soon = replace(app, now=lambda: NOW + timedelta(seconds=20))
    assert runs.advance(soon, sending, merchant, run_id) == "done"
    assert [mail.email for mail in provider.accepted].count("c5@example.com") == 1
    assert states(app, merchant, run_id) == {"accepted": 8}
