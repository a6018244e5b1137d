"""One shop's REST API (wc/v3): addresses, signing, and refusals in words an owner can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

from requests.auth import AuthBase

from connectors.errors import ConnectorError
from connectors.http import Http, Reply
from connectors.woocommerce.auth import KeyPair, Signer

Clock = Callable[[], datetime]
Params = Mapping[str, str | int]
TAG = re.compile(r"<[^>]{0,500}>")
# Some hosts keep copies of answers; a stale copy of a list would hide orders from us.
FRESH = {"Cache-Control": "no-cache"}
LONGEST_MESSAGE = 300
UNAUTHORISED, FORBIDDEN, NOT_FOUND = 401, 403, 404
AUTH_ERROR = "woocommerce_rest_authentication_error"

PATIENCE = 10.0
"""Seconds that the first contact with a shop may take; the home page of a slow one takes five."""


class WooRefusal(ConnectorError):
    """The shop said no (4xx). ``status`` is HTTP's, ``reason`` WooCommerce's own code, ``data`` its details."""

    def __init__(self, sentence: str, *, code: str, status: int, reason: str, data: Mapping[str, Any]) -> None:
        super().__init__(sentence, code=code)
        self.status = status
        self.reason = reason
        self.data = data


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its JSON and the number of rows of the whole list, None where the shop does not say."""

    data: Any
    total: int | None


class WooClient:
    """Calls one shop. ``url`` is guarded before; ``clock`` gives the present, aware."""

    def __init__(self, url: str, pair: KeyPair, *, http: Http, clock: Clock) -> None:
        self.url = url
        self.http = http
        self.clock = clock
        self.lag = timedelta(0)
        self.pair = pair
        self._signer = Signer(pair)
        self._settled = url.startswith("http://")
        self._reads = False

    def get(self, path: str, params: Params | None = None) -> Answer:
        """Read ``path`` below wc/v3. Raises ``WooRefusal`` for 4xx, ``ConnectorError`` otherwise."""
        reply = self.http.get(self._address(path, params), sign=self._sign, headers=FRESH)
        if reply.status == UNAUTHORISED and not self._settled:
            reply = self._try_query(path, params, reply)
        answer = self._accept(reply)
        self._reads = True
        return answer

    def rows(self, path: str, params: Params | None = None) -> tuple[list[Any], int | None]:
        """A list at ``path`` and the length of the whole list."""
        answer = self.get(path, params)
        if not isinstance(answer.data, list):
            raise ConnectorError(f"The shop sent something else than a list for {path}.", code="shape", retry_after=300)
        return answer.data, answer.total

    def write(
        self, method: str, path: str, data: object = None, params: Params | None = None, *, blind: bool = False
    ) -> Any:
        """POST, PUT or DELETE, sent once; gives the JSON of the answer. A lost answer raises with ``ambiguous``.

        Before the first write something is read, so that a refusal can only be about writing (``blind`` leaves it out).
        """
        if not self._reads and not blind:
            self.get("orders", {"per_page": 1, "_fields": "id"})
        reply = self.http.send(method, self._address(path, params), data=data, sign=self._sign)
        return self._accept(reply, writes=True).data

    def public(self, path: str, params: Params | None = None) -> Reply:
        """Read ``path`` below the shop's own address without keys; any status below 500 comes back.

        Tried twice only, and not for long: a person who typed a wrong address is waiting.
        """
        query = f"?{urlencode(params)}" if params else ""
        return self.http.get(f"{self.url}/{path}{query}", expect_json=False, tries=2, read_seconds=PATIENCE)

    def _address(self, path: str, params: Params | None) -> str:
        query = f"?{urlencode(params)}" if params else ""
        return f"{self.url}/wp-json/wc/v3/{path}{query}"

    def _sign(self, method: str, url: str) -> tuple[str, AuthBase | None]:
        return self._signer(method, url, timestamp=int(self.clock().timestamp()))

    def _try_query(self, path: str, params: Params | None, refused: Reply) -> Reply:
        """Some hosts strip the Authorization header: the same keys in the query then work (https only)."""
        if _error(refused).get("code") in (None, AUTH_ERROR):
            return refused
        self._signer.in_query = True
        reply = self.http.get(self._address(path, params), sign=self._sign, headers=FRESH)
        if reply.status == UNAUTHORISED and _error(reply).get("code") != AUTH_ERROR:
            self._signer.in_query = False
            return refused
        return reply

    def _accept(self, reply: Reply, *, writes: bool = False) -> Answer:
        self.lag = self._measure(reply)
        if reply.status >= 400:
            raise _refusal(reply, only_reads=writes and self._reads)
        self._settled = True
        total = reply.headers.get("X-WP-Total", "")
        return Answer(reply.json(), int(total) if total.isascii() and total.isdigit() else None)

    def _measure(self, reply: Reply) -> timedelta:
        """How far the shop's clock is behind ours, by the ``Date`` of its answer (whole seconds, so one to spare)."""
        try:
            there = parsedate_to_datetime(reply.headers.get("Date", ""))
        except (ValueError, TypeError):
            return self.lag
        if there.tzinfo is None:
            there = there.replace(tzinfo=UTC)
        return self.clock() - there


def _error(reply: Reply) -> Mapping[str, Any]:
    try:
        data = reply.json()
    except ConnectorError:
        return {}
    return data if isinstance(data, dict) else {}


def plain(message: object) -> str:
    """A message of the shop as one line of plain text (its messages hold HTML)."""
    text = unescape(TAG.sub("", message)) if isinstance(message, str) else ""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST_MESSAGE]


def _refusal(reply: Reply, *, only_reads: bool) -> WooRefusal:
    error = _error(reply)
    reason, message = str(error.get("code", "")), plain(error.get("message"))
    if reply.status == UNAUTHORISED and reason == AUTH_ERROR:
        code, sentence = _bad_pair(message, only_reads)
    else:
        code, sentence = _meaning(reply.status, reason, message)
    data = error.get("data")
    return WooRefusal(
        sentence, code=code, status=reply.status, reason=reason, data=data if isinstance(data, dict) else {}
    )


def _bad_pair(message: str, only_reads: bool) -> tuple[str, str]:
    """(our code, sentence) where the shop knows the key but refuses it all the same.

    One code of the shop stands for a wrong secret and for a missing permission, and its message is in the shop's own
    language. So what counts is what worked before: a pair that reads has the right secret.
    """
    if only_reads or "write permission" in message:
        return "read_only", "The key may only read. Make one with Read/Write permission."
    if "read permission" in message:
        return "write_only", "The key may only write. Make one with Read/Write permission."
    if "timestamp" in message.lower():
        return "clock", "The shop's clock and ours differ by more than 15 minutes. Set both by network time."
    return "wrong_secret", "The consumer secret does not belong to this key. Copy it again, or make a new pair."


def _meaning(status: int, reason: str, message: str) -> tuple[str, str]:
    """(our code, sentence for the owner) of any other refusal."""
    if status == UNAUTHORISED and not reason:
        return "blocked", "The site asks for a password before the shop answers. Take that lock off, or let us through."
    if status == UNAUTHORISED:
        return (
            "wrong_key",
            "The shop does not know this key: it is mistyped, revoked, swapped with its secret, or the host strips the "
            "Authorization header. Make a new pair under WooCommerce → Settings → Advanced → REST API.",
        )
    if status == FORBIDDEN:
        if not reason:
            return "blocked", "Something before the shop (firewall, security plugin) refuses us. Allow our requests."
        return "no_rights", "The key's user has no right to this. Make the key for a shop manager or administrator."
    if status == NOT_FOUND and (reason == "rest_no_route" or not reason):
        return (
            "no_route",
            "The shop has no WooCommerce API at this address. Check the address, that WooCommerce is active, and that "
            "Settings → Permalinks is not Plain.",
        )
    if status == NOT_FOUND:
        return "not_found", message or "The shop no longer knows this."
    return "refused", f"The shop refuses this ({status}): {message or reason or 'no reason given'}"
