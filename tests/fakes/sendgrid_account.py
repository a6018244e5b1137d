"""The other doors of the served SendGrid: the log of mails, and the lists of addresses that are not mailed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from tests.fakes.sendgrid import FakeSendGrid

_QUERY = re.compile(
    r'to_email = "([^"]+)" AND sg_message_id_created_at >= TIMESTAMP "[0-9TZ:-]+" '
    r'AND sg_message_id_created_at <= TIMESTAMP "[0-9TZ:-]+"'
)


def answer(fake: FakeSendGrid, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
    """Status and body for what is not Mail Send; None where the path is none of ours."""
    parts = urlsplit(path)
    if method == "GET" and parts.path == "/v3/scopes":
        return 200, json.dumps({"scopes": fake.scopes}).encode()
    if method == "POST" and parts.path == "/v3/logs":
        return _search(fake, json.loads(body))
    if method == "GET" and parts.path.startswith("/v3/logs/"):
        return _show(fake, unquote(parts.path.removeprefix("/v3/logs/")))
    if method == "GET" and parts.path.startswith("/v3/suppression/"):
        return _list(fake, parts.path.rpartition("/")[2], parse_qs(parts.query))
    if method == "POST" and parts.path == "/v3/asm/suppressions/global":
        emails = json.loads(body)["recipient_emails"]
        fake.globally_suppressed += emails
        return 201, json.dumps({"recipient_emails": emails}).encode()
    return None


def _search(fake: FakeSendGrid, request: dict[str, Any]) -> tuple[int, bytes]:
    found = _QUERY.fullmatch(request["query"])
    if not found or not 1 <= request.get("limit", 10) <= 1000:
        return 400, b'{"errors":[{"field":"query","message":"cannot be parsed"}]}'
    rows = [
        {"sg_message_id": f"{mail.reference}.recvd-{number}", "to_email": mail.email, "status": "delivered"}
        for number, mail in enumerate(fake.accepted)
        if mail.email == found[1]
    ]
    return 200, json.dumps({"messages": rows}).encode()


def _show(fake: FakeSendGrid, name: str) -> tuple[int, bytes]:
    for number, mail in enumerate(fake.accepted):
        if name == f"{mail.reference}.recvd-{number}":
            return 200, json.dumps({"sg_message_id": name, "custom_args": mail.custom_args}).encode()
    return 404, b'{"errors":[{"message":"not found"}]}'


def _list(fake: FakeSendGrid, name: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
    start, limit, offset = (int(query[key][0]) for key in ("start_time", "limit", "offset"))
    rows = [row for row in fake.lists.get(name, []) if row["created"] >= start]
    return 200, json.dumps(rows[offset : offset + limit]).encode()
