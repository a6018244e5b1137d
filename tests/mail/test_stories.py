"""From the source of a mail to what the provider took: all the way, over real HTTP and real files."""

from __future__ import annotations

import email
import json
import re
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import Any

from campaigns.mail.compose import Batch, CompiledMessage, compile_message
from campaigns.mail.holiday import holiday_message
from campaigns.mail.ledger import MessageState, settle
from connectors.folder.client import FolderBackend
from connectors.mail_types import Mail, Recipient, SendOutcome
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.mapping import to_events
from connectors.sendgrid.webhooks import verify
from tests.checks.measure import ROOT
from tests.fakes.sendgrid import fake_sendgrid
from tests.mail.samples import sample_contexts

NOW = datetime(2027, 3, 7, 9, 0, tzinfo=UTC)
PERSONAL = ("customer", "rung", "offer", "links")
SAMPLES = sample_contexts("id")
ODD_PERSON = {"first_name": "-tag_0- <b>&\r\nBcc: x", "email": "o@example.com", "language": "id"}
ODD = {**SAMPLES["new"], "customer": ODD_PERSON}
CONTEXTS: dict[str, dict[str, Any]] = {**SAMPLES, "odd": ODD}


def compiled() -> CompiledMessage:
    source = holiday_message("id")
    return compile_message(source.mjml, source.subject, source.preheader, "id")


def batch_of(message: CompiledMessage) -> Batch:
    shared = {root: SAMPLES["new"][root] for root in ("rungs", "shop", "holiday")}
    people = [(name, {root: context[root] for root in PERSONAL}) for name, context in CONTEXTS.items()]
    return message.batch(shared, people, salt="u4Kp2mXz")


def mail_of(batch: Batch) -> Mail:
    people = tuple(
        Recipient(name, context["customer"]["email"], context["customer"]["first_name"], batch.fragments[name],
                  context["links"]["unsubscribe"])
        for name, context in CONTEXTS.items()
    )  # fmt: skip
    return Mail("a-1", "halo@tokosenja.example", "Toko Senja", None, batch.subject, batch.html, batch.text, people)


def test_the_provider_sends_what_a_single_rendering_shows() -> None:
    message = compiled()
    with fake_sendgrid() as fake:
        assert SendGridBackend(fake.api_key, fake.url).send(mail_of(batch_of(message))).outcome is SendOutcome.ACCEPTED
        assert [taken.custom_args["lk_mid"] for taken in fake.accepted] == list(CONTEXTS)
        for taken, context in zip(fake.accepted, CONTEXTS.values(), strict=True):
            single = message.render(context)
            assert (taken.subject.strip(), taken.html, taken.text) == (single.subject.strip(), single.html, single.text)


def test_the_folder_holds_what_a_single_rendering_shows(tmp_path: Path) -> None:
    message = compiled()
    FolderBackend(tmp_path, clock=lambda: NOW).send(mail_of(batch_of(message)))
    for name, context in CONTEXTS.items():
        raw = (tmp_path / "2027-03-07" / f"{name}.eml").read_bytes()
        parts = email.message_from_bytes(raw, policy=policy.default).iter_parts()
        single = message.render(context)
        written = [part.get_content().splitlines() for part in parts]
        assert written == [single.text.splitlines(), single.html.splitlines()]


def test_a_mail_in_doubt_is_settled_by_its_reports() -> None:
    with fake_sendgrid() as fake:
        fake.fault = "accept_then_drop"
        result = SendGridBackend(fake.api_key, fake.url).send(mail_of(batch_of(compiled())))
        assert result.outcome is SendOutcome.IN_DOUBT
        states = dict.fromkeys(CONTEXTS, MessageState.IN_DOUBT)
        reports = fake.events_for("delivered", "processed", "processed", mails=fake.accepted[:2])
        for event in to_events(signed_and_read(fake, reports), received_at=NOW):
            assert event.message_id is not None
            states[event.message_id] = settle(states[event.message_id], event.kind)
    assert list(states.values()) == [MessageState.DELIVERED] * 2 + [MessageState.IN_DOUBT] * 2


def signed_and_read(fake: Any, reports: list[dict[str, Any]]) -> bytes:
    body = json.dumps(reports).encode() + b"\r\n"
    verify(headers=fake.sign(body), body=body, public_keys=[fake.public_key])
    return body


def test_the_page_on_writing_mails_names_every_variable() -> None:
    page = (ROOT / "docs" / "mail.md").read_text()
    for root, value in SAMPLES["new"].items():
        names = [f"`{root}.{name}`" for name in value] if isinstance(value, dict) else [f"`{root}`"]
        assert [name for name in names if name not in page] == []


def test_every_example_of_that_page_compiles() -> None:
    examples = re.findall(r"`(\{\{.*?\}\})`", (ROOT / "docs" / "mail.md").read_text())
    assert len(examples) >= 3
    for example in examples:
        column = f"<mj-section><mj-column><mj-text>{example}</mj-text></mj-column></mj-section>"
        source = f"<mjml><mj-body>{column}</mj-body></mjml>"
        rendered = compile_message(source.replace("\\|", "|"), "s", "p", "en").render(SAMPLES["new"])
        assert rendered.missing == ()
        assert len(rendered.text) > 2
