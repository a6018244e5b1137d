"""Whole mails as bytes: whatever is put in comes out again, on lines that every server takes."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.addresses import display_name, one_line
from connectors.mail_types import Mail, Recipient
from connectors.mime import to_bytes

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(WORDS, WORDS, WORDS, WORDS)
@example("--=_tangga\r\n.\r\nFrom here", "=_tangga--\n" + "x" * 200, "=?utf-8?q?a?=\r\nBcc: x@example.com", "\u2028,\n")
def test_whatever_is_put_in_comes_out_again(text: str, html: str, subject: str, name: str) -> None:
    reader = Recipient(
        "m-1", "siti@example.com", name, {"-t0-": "Siti"}, f"https://t.example/c/{'a' * 150}/unsubscribe"
    )
    mail = Mail(
        "a-1", "hello@senja.example", name, None, subject, html, text, (reader,), in_reply_to=f"<{'b' * 120}@x>"
    )
    raw = to_bytes(mail, reader, now=NOW)
    lines = raw.split(b"\r\n")
    assert raw.isascii()
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    head, body = raw.split(b"\r\n\r\n", 1)
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert max(map(len, head.split(b"\r\n"))) <= 998
    seen = message_from_bytes(raw, policy=policy.default)
    parts = [part.get_content().replace("\r\n", "\n") for part in seen.iter_parts()]
    assert parts == ["\n".join(one.splitlines()) + "\n" for one in (text, html)]
    assert seen.keys() == [
        "Content-Type", "MIME-Version", "From", "To", "Subject", "Date", "Message-ID", "X-Tangga-Message",
        "X-Tangga-Attempt", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post",
    ]  # fmt: skip
    older = message_from_bytes(raw, policy=policy.compat32)
    assert older["List-Unsubscribe"].split() == [f"<{reader.unsubscribe_url}>"]
    assert seen["To"].addresses[0].addr_spec == "siti@example.com"
    if subject.isascii() and "=?" not in subject:
        assert " ".join(seen["Subject"].split()) == " ".join(one_line(subject).split())
    if name.isalnum():
        assert seen["From"].addresses[0].display_name == display_name(name)
