"""Sending by SendGrid's Mail Send: one request, once, and an honest outcome."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any, Final

import sendgrid
import urllib3
from python_http_client.exceptions import HTTPError

from connectors.addresses import BadAddress, wire_address, wire_url
from connectors.mail_types import Mail, SendOutcome, SendResult
from connectors.sendgrid.mapping import to_request
from connectors.sendgrid.pool import NotConnected, PooledClient, make_pool

_IDLE: Final = 20.0
_INDEX: Final = re.compile(r"personalizations[.\[](\d+)")
_WRONG_ACCOUNT: Final = {
    401: "SendGrid does not know this API key. Enter a valid one in the settings.",
    403: "SendGrid refuses this sender. Verify the sender's domain, and give the API key the permission Mail Send.",
    404: "This host does not speak SendGrid's API. Check SENDGRID_HOST.",
    405: "This host does not speak SendGrid's API. Check SENDGRID_HOST.",
    406: "This host does not speak SendGrid's API. Check SENDGRID_HOST.",
    451: "The account lives in another region. Set SENDGRID_HOST to the host of that region.",
}


class SendGridBackend:
    """Keeps ``connectors.base.MailBackend``. One per account and process, made after forking.

    ``timeout`` is (connect, read) in seconds. ``sandbox`` lets SendGrid check requests without sending anything.
    """

    def __init__(
        self,
        api_key: str,
        host: str = "https://api.sendgrid.com",
        *,
        timeout: tuple[float, float] = (5, 30),
        sandbox: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not host.startswith(("https://", "http://")):
            raise ValueError(f"SENDGRID_HOST must begin with https://, not {host!r}")
        self._sandbox, self._clock = sandbox, clock
        self._api = sendgrid.SendGridAPIClient(api_key, host=host.rstrip("/"))
        headers = {**self._api.client.request_headers, "Content-Type": "application/json; charset=utf-8"}
        self._pool, self._used = make_pool(timeout), clock()
        self._api.client = PooledClient(self._pool, host=host.rstrip("/"), request_headers=headers, version=3)

    def send(self, mail: Mail) -> SendResult:
        """Hand over one request. Recipients that cannot be delivered to are refused here; the others still go."""
        takers, refused = _sort_out(mail)
        if not takers:
            detail = "No recipient of this request can be delivered to."
            return SendResult(SendOutcome.NOT_SENT, detail=detail, refused=refused)
        try:
            request = to_request(mail, takers, sandbox=self._sandbox)
        except BadAddress as error:
            detail = f"{error} Enter a sender address of your own domain in the settings."
            return SendResult(SendOutcome.NOT_SENT, detail=detail, stop=True, refused=refused)
        body = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
        return self._post(body, list(takers), refused)

    def _post(self, body: str, ids: list[str], refused: dict[str, str]) -> SendResult:
        # A connection that somebody on the way forgot looks like an answer that never comes: in doubt for nothing.
        if self._clock() - self._used > _IDLE:
            self._pool.clear()
        self._used = self._clock()
        try:
            response = self._api.client.mail.send.post(request_body=body)
        except NotConnected as error:
            return SendResult(SendOutcome.NOT_SENT, detail=f"No connection to SendGrid ({error}).", refused=refused)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            detail = f"SendGrid did not answer ({type(error).__name__}); it may have taken the mails all the same."
            return SendResult(SendOutcome.IN_DOUBT, detail=detail, refused=refused)
        except HTTPError as error:
            return self._refusal(error, ids, refused)
        if response.status_code == 200:
            detail = "The request is valid; sandbox mode sends nothing."
            return SendResult(SendOutcome.NOT_SENT, detail=detail, stop=True, refused=refused)
        reference = response.headers.get("X-Message-Id")
        return SendResult(SendOutcome.ACCEPTED, provider_reference=reference, refused=refused)

    def _refusal(self, error: Any, ids: list[str], refused: dict[str, str]) -> SendResult:
        status, errors = int(error.status_code), _errors(error.body)
        detail = "; ".join(message for _, message in errors)[:500] or f"SendGrid answered {status}."
        if status >= 500 or status == 408:
            return SendResult(SendOutcome.IN_DOUBT, detail=f"SendGrid answered {status}: {detail}", refused=refused)
        if status == 429:
            wait = self._until(error.headers.get("X-RateLimit-Reset"))
            return SendResult(SendOutcome.NOT_SENT, detail=detail, retry_after=wait, refused=refused)
        if status in _WRONG_ACCOUNT or status < 400:
            sentence = _WRONG_ACCOUNT.get(status, _WRONG_ACCOUNT[404])
            return SendResult(
                SendOutcome.NOT_SENT, detail=f"{sentence} (SendGrid: {detail})", stop=True, refused=refused
            )
        return SendResult(SendOutcome.NOT_SENT, detail=detail, refused={**refused, **_named(errors, ids)})

    def _until(self, reset: str | None) -> float:
        # The header is an epoch second. Without it, or with nonsense in it, a minute is what limits are counted in.
        if reset is None or not reset.isascii() or not reset.isdigit():
            return 60.0
        return min(max(int(reset) - self._clock(), 1.0), 3600.0)


def _sort_out(mail: Mail) -> tuple[dict[str, tuple[str, Any]], dict[str, str]]:
    """({message id: (address, recipient)}, {message id: why not}). One bad or double address would refuse all."""
    takers: dict[str, tuple[str, Any]] = {}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for recipient in mail.recipients:
        try:
            address = wire_address(recipient.email)
            if recipient.unsubscribe_url:
                wire_url(recipient.unsubscribe_url)
        except BadAddress as error:
            refused[recipient.message_id] = str(error)
            continue
        if address.lower() in seen:
            refused[recipient.message_id] = "The same address is in this request already."
            continue
        seen.add(address.lower())
        takers[recipient.message_id] = (address, recipient)
    return takers, refused


def _errors(body: bytes | str) -> list[tuple[str, str]]:
    """(field, message) of an error body; empty where it is no JSON of the documented shape."""
    try:
        errors = json.loads(body)["errors"]
        return [(str(error.get("field") or ""), str(error.get("message") or "")) for error in errors]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def _named(errors: list[tuple[str, str]], ids: list[str]) -> dict[str, str]:
    """The recipients an error names by the index of their personalization."""
    named: dict[str, str] = {}
    for field, message in errors:
        match = _INDEX.match(field)
        if match and int(match[1]) < len(ids):
            named[ids[int(match[1])]] = message
    return named
