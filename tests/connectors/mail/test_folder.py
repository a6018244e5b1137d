"""Mails as files: complete, whole, and one for each message however often it is handed over."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest

from connectors.folder.client import FolderBackend
from connectors.mail_types import Mail, Recipient, SendOutcome

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
SARI = Recipient("m-1", "sari@example.com", "Sari & Budi", {"-h0-": "Sari &amp; Co", "-t0-": "Sari & Co"},
                 "https://t.example/c/1/unsubscribe")  # fmt: skip
MAIL = Mail("a-1", "hello@senja.example", "Toko Senja", "reply@senja.example", "For -t0-", "<p>-h0- é</p>", "-t0- é",
            (SARI,))  # fmt: skip


def backend(folder: Path, now: datetime = NOW) -> FolderBackend:
    return FolderBackend(folder, clock=lambda: now)


def read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).strip()


def unfolded(header: str) -> str:
    return str(make_header(decode_header("".join(header.splitlines()))))


def test_a_complete_mail(tmp_path: Path) -> None:
    result = backend(tmp_path).send(MAIL)
    assert (result.outcome, result.refused) == (SendOutcome.ACCEPTED, {})
    message = read(tmp_path / "2026-11-22" / "m-1.eml")
    assert dict(message.items()) | {"Content-Type": "", "MIME-Version": ""} == {
        "From": "Toko Senja <hello@senja.example>",
        "To": "Sari & Budi <sari@example.com>",
        "Reply-To": "reply@senja.example",
        "Subject": "For Sari & Co",
        "Date": "Sun, 22 Nov 2026 23:59:00 +0000",
        "Message-ID": "<m-1@senja.example>",
        "X-Tangga-Message": "m-1",
        "X-Tangga-Attempt": "a-1",
        "List-Unsubscribe": "<https://t.example/c/1/unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "",
        "Content-Type": "",
    }
    assert message.get_content_type() == "multipart/alternative"
    assert (content(message, "plain"), content(message, "html")) == ("Sari & Co é", "<p>Sari &amp; Co é</p>")


def test_twice_is_one_file_even_over_midnight(tmp_path: Path) -> None:
    backend(tmp_path).send(MAIL)
    first = (tmp_path / "2026-11-22" / "m-1.eml").read_bytes()
    assert backend(tmp_path, NOW + timedelta(hours=1)).send(MAIL).outcome is SendOutcome.ACCEPTED
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.eml")] == ["2026-11-22/m-1.eml"]
    assert (tmp_path / "2026-11-22" / "m-1.eml").read_bytes() == first


def test_nothing_but_whole_mails_is_left(tmp_path: Path) -> None:
    backend(tmp_path).send(MAIL)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["m-1.eml"]
    assert (tmp_path / "2026-11-22" / "m-1.eml").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "a/b", "x" * 300, ".", "", "ü", "a\r\nb"])
def test_an_id_cannot_leave_the_folder(tmp_path: Path, message_id: str) -> None:
    backend(tmp_path / "outbox").send(replace(MAIL, recipients=(replace(SARI, message_id=message_id),)))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].parent == tmp_path / "outbox" / "2026-11-22"


@pytest.mark.parametrize("name", ["Sari\r\nBcc: all@example.com", "Sari\nX-Evil: 1", "A\x00B", "\u2028Bcc: x"])
def test_names_and_subjects_cannot_make_headers(tmp_path: Path, name: str) -> None:
    sari = replace(SARI, name=name, fragments={"-t0-": name, "-h0-": name})
    backend(tmp_path).send(replace(MAIL, from_name=name, recipients=(sari,)))
    message = read(tmp_path / "2026-11-22" / "m-1.eml")
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert len(message.keys()) == 12


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300,
        "é" * 300,
        "Dé " * 100,
        '"quoted", (comment) <a@b>',
        "山田 太郎 " * 40,
        "=?utf-8?q?Bcc?=",
        "👨‍👩‍👧" * 30,
    ],
)
def test_long_and_foreign_names_survive(tmp_path: Path, name: str) -> None:
    sari = replace(SARI, name=name, email="toko@münchen.example", fragments={"-t0-": name})
    assert backend(tmp_path).send(replace(MAIL, recipients=(sari,))).refused == {}
    raw = (tmp_path / "2026-11-22" / "m-1.eml").read_bytes()
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) <= 998
    # The newer parser puts spaces between encoded words of a name; the older one reads what RFC 2047 says.
    headers = email.message_from_bytes(raw, policy=policy.compat32)
    shown, address = parseaddr("".join(headers["To"].splitlines()))
    assert address == "toko@xn--mnchen-3ya.example"
    assert unfolded(shown) == (name if len(name) <= 120 else name.strip()[:119].rstrip() + "…")
    assert unfolded(headers["Subject"]) == f"For {name}".strip()


def test_bad_addresses_are_refused_and_the_others_written(tmp_path: Path) -> None:
    people = (
        SARI,
        replace(SARI, message_id="m-2", email="a@b"),
        replace(SARI, message_id="m-3", unsubscribe_url="a b\r\n"),
    )
    result = backend(tmp_path).send(replace(MAIL, recipients=people))
    assert result.outcome is SendOutcome.ACCEPTED
    assert result.refused == {
        "m-2": "a@b is not a mail address.",
        "m-3": "The unsubscribe address holds characters that no address may hold.",
    }


def test_a_folder_that_cannot_be_written_is_a_certain_no(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = backend(tmp_path / "file" / "outbox").send(MAIL)
    assert result.outcome is SendOutcome.NOT_SENT
    assert "cannot be written" in result.detail


def test_mails_outside_the_ledger_are_told_apart_by_their_attempt(tmp_path: Path) -> None:
    login = replace(MAIL, recipients=(replace(SARI, message_id=""),))
    for number in ("a-1", "a-2", "a-2"):
        backend(tmp_path).send(replace(login, attempt_id=number))
    found = {read(path)["Message-ID"] for path in tmp_path.rglob("*.eml")}
    assert found == {"<a-1@senja.example>", "<a-2@senja.example>"}
