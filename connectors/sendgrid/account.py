"""What a SendGrid account knows beside taking mail: its log, and its lists of addresses it does not mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from connectors.addresses import BadAddress, wire_address
from connectors.mail_types import DeliveryKind, Suppressed
from connectors.sendgrid.api import HOST, Api

PAGE: Final = 500
CHUNK: Final = 1_000
SAMPLE: Final = 3
_LISTS: Final = {
    "/v3/suppression/bounces": DeliveryKind.BOUNCED,
    "/v3/suppression/invalid_emails": DeliveryKind.DROPPED,
    "/v3/suppression/spam_reports": DeliveryKind.COMPLAINED,
    "/v3/suppression/unsubscribes": DeliveryKind.UNSUBSCRIBED,
}
"""Blocks are not among them: a block is about one mail, and the address may be good."""


class SendGridAccount:
    """Keeps ``connectors.base.MailAccount``."""

    def __init__(self, api_key: str, host: str = HOST, *, timeout: tuple[float, float] = (5, 15)) -> None:
        self._api = Api(api_key, host, rights="read this account's log and lists", timeout=timeout)

    def has_taken(self, *, attempt_id: str, emails: Sequence[str], since: datetime, until: datetime) -> bool:
        """Ask the log by address and time, for up to three of them, and compare our own ids in what it shows."""
        for email in emails[:SAMPLE]:
            try:
                address = wire_address(email)
            except BadAddress:
                continue
            if '"' in address or "'" in address:
                continue
            found = self._api.call(
                "POST",
                "/v3/logs",
                {
                    "query": f'to_email = "{address}" AND sg_message_id_created_at >= TIMESTAMP "{_stamp(since)}" '
                    f'AND sg_message_id_created_at <= TIMESTAMP "{_stamp(until)}"',
                    "limit": 20,
                },
            )
            if any(self._is_of(message, attempt_id) for message in _rows(found, "messages")):
                return True
        return False

    def _is_of(self, message: dict[str, Any], attempt_id: str) -> bool:
        number = message.get("sg_message_id")
        if not isinstance(number, str) or not number:
            return False
        shown = self._api.call("GET", f"/v3/logs/{quote(number, safe='')}")
        arguments = shown.get("custom_args") if isinstance(shown, dict) else None
        return isinstance(arguments, dict) and arguments.get("lk_att") == attempt_id

    def suppressed(self, *, since: datetime) -> Iterator[Suppressed]:
        """All four lists, page by page."""
        for path, kind in _LISTS.items():
            offset = 0
            while True:
                query = f"?start_time={int(since.timestamp())}&limit={PAGE}&offset={offset}"
                rows = _rows(self._api.call("GET", path + query), None)
                yield from filter(None, (_suppressed(row, kind) for row in rows))
                if len(rows) < PAGE:
                    break
                offset += PAGE

    def suppress(self, emails: Sequence[str]) -> None:
        """Onto the list that holds for all mail of the account."""
        for start in range(0, len(emails), CHUNK):
            chunk = list(emails[start : start + CHUNK])
            self._api.call("POST", "/v3/asm/suppressions/global", {"recipient_emails": chunk})


def _rows(found: Any, name: str | None) -> list[dict[str, Any]]:
    rows = found.get(name) if name and isinstance(found, dict) else found
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _suppressed(row: dict[str, Any], kind: DeliveryKind) -> Suppressed | None:
    email, created = row.get("email"), row.get("created")
    if not isinstance(email, str) or not isinstance(created, int):
        return None
    reason = row.get("reason")
    return Suppressed(
        email, kind, reason[:300] if isinstance(reason, str) else "", datetime.fromtimestamp(created, UTC)
    )


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
