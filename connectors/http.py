"""One pooled HTTP client for all providers: bounded in time, size and tries, and honest about what is uncertain.

Reads are repeated a few times with growing pauses. Writes are sent once: where the answer is lost, the error says
``ambiguous`` and the caller looks before it sends again.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import requests
import urllib3
from requests.auth import AuthBase

from connectors.errors import BadPayload, ConnectorError
from connectors.hosts import PublicAdapter, guard_url, look_up

__all__ = ["Http", "Reply", "guard_url", "loads", "look_up", "retry_after_seconds"]

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
TOTAL_SECONDS = 120.0
MAX_BODY = 64 << 20
TRIES = 4
POOL = 4
"""Connections that are kept."""
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 3600.0
COME_BACK = 60.0
CHUNK = 1 << 16
NOT_SUPPORTED = 501
TOO_MANY = 429
HOPELESS = {"tls", "bad_url"}

PHP_SAYS = re.compile(rb"\s*(PHP )?(Warning|Notice|Deprecated|Strict Standards|Fatal error|Parse error): ")
"""How an answer begins into which PHP prints its warnings as plain text."""

Sign = Callable[[str, str], tuple[str, AuthBase | None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status below 500 (or 501), headers (case-blind mapping) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    parsed: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    def json(self) -> Any:
        """The body as JSON (numbers with a fraction are ``Decimal``). Raises ``ConnectorError``, never ValueError."""
        if self.parsed:
            return self.parsed[0]
        try:
            return loads(self.body)
        except BadPayload as error:
            raise _unreadable(self) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


# Made once: making one costs more than reading a line of a large file.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)


def loads(body: bytes) -> Any:
    """JSON from raw bytes, strictly: UTF-8 (a byte order mark is forgiven), no NaN, fractions as ``Decimal``.

    Raises ``BadPayload`` for anything else, bottomless nesting and numbers of thousands of digits included.
    """
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise BadPayload("This is not JSON.") from error


def _unreadable(reply: Reply) -> ConnectorError:
    kind = reply.headers.get("Content-Type", "")
    if "html" in kind.lower() or reply.body.lstrip()[:1] == b"<" or PHP_SAYS.match(reply.body):
        return ConnectorError(
            "The shop sent a web page instead of data. A maintenance page, a security plugin or PHP warnings printed "
            "into the answer do that; open the shop in a browser and switch it off.",
            code="html",
            retry_after=300.0,
        )
    return ConnectorError(
        f"The shop's answer broke off or is not JSON ({len(reply.body)} bytes). We will try again.",
        code="truncated",
        retry_after=COME_BACK,
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds the other side asks us to wait (number or HTTP date against its own ``Date``), capped; None if unsaid."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            asked, sent = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("Date", ""))
            seconds = (asked - sent).total_seconds()
        except (ValueError, TypeError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request, as it is repeated."""

    method: str
    url: str
    body: bytes | None
    sign: Sign | None
    expect_json: bool
    headers: Mapping[str, str] | None
    read_seconds: float | None = None

    @property
    def writes(self) -> bool:
        return self.method != "GET"


class _Again(Exception):
    """One try failed. ``error`` is what to raise when no try is left; ``pause`` what the other side asked for."""

    def __init__(self, error: ConnectorError, pause: float | None = None) -> None:
        super().__init__(error.sentence)
        self.error = error
        self.pause = pause


class Http:
    """A session with pooled connections; safe to use from a few threads at once."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        tls_verify: bool = True,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        total_seconds: float = TOTAL_SECONDS,
        tries: int = TRIES,
        max_body: int = MAX_BODY,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.session = requests.Session()
        # Proxies and .netrc of the machine would defeat the check of the peer and replace our credentials.
        self.session.trust_env = False
        self.session.verify = tls_verify
        self.session.headers["User-Agent"] = "Tangga"
        self.session.headers["Accept"] = "application/json"
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if not allow_private:
            for scheme in ("https://", "http://"):
                self.session.mount(scheme, PublicAdapter(pool_connections=POOL, pool_maxsize=POOL))
        if not tls_verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._timeouts = timeouts
        self._total_seconds = total_seconds
        self._tries = tries
        self._max_body = max_body
        self._sleep = sleep

    def get(
        self,
        url: str,
        *,
        sign: Sign | None = None,
        expect_json: bool = True,
        headers: Mapping[str, str] | None = None,
        tries: int | None = None,
        read_seconds: float | None = None,
    ) -> Reply:
        """Read ``url``, up to ``tries`` times, waiting ``read_seconds`` for an answer (None: as usual).

        Raises ``ConnectorError``; a status below 500 is the caller's affair.
        """
        ask = _Ask("GET", url, None, sign, expect_json, headers, read_seconds)
        tries = tries or self._tries
        for attempt in range(tries):
            try:
                return self._once(ask)
            except _Again as again:
                pause = again.pause if again.pause is not None else 0.5 * 4.0**attempt
                last = attempt == tries - 1
                if last or pause > LONGEST_PAUSE:
                    raise again.error from again
                self._sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def send(
        self,
        method: str,
        url: str,
        *,
        data: object = None,
        sign: Sign | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Write once. A lost answer raises ``ConnectorError`` with ``ambiguous=True``: look before sending again."""
        body = None if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            return self._once(_Ask(method, url, body, sign, True, headers))
        except _Again as again:
            raise again.error from again

    def close(self) -> None:
        """Give the pooled connections back."""
        self.session.close()

    def _once(self, ask: _Ask) -> Reply:
        # Signed anew for every try: an OAuth nonce is good for one request only.
        url, auth = ask.sign(ask.method, ask.url) if ask.sign else (ask.url, None)
        headers = {**(ask.headers or {})}
        if ask.body is not None:
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
        try:
            with self.session.request(
                ask.method,
                url,
                data=ask.body,
                auth=auth,
                headers=headers,
                timeout=(self._timeouts[0], min(self._timeouts[1], ask.read_seconds or self._timeouts[1])),
                allow_redirects=False,
                stream=True,
            ) as response:
                reply = Reply(response.status_code, response.headers, self._read(response, ask.writes))
        except requests.RequestException as error:
            failure = _transport_error(error, ask.writes)
            if failure.code in HOPELESS:
                raise failure from error
            raise _Again(failure) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Again(_broken(ask.writes)) from error
        return _judge(reply, ask)

    def _read(self, response: requests.Response, writes: bool) -> bytes:
        deadline = time.monotonic() + self._total_seconds
        parts: list[bytes] = []
        size = 0
        # One receive at a time: a shop that sends a byte now and then must not keep us for hours.
        while part := response.raw.read1(CHUNK, decode_content=True):
            size += len(part)
            if size > self._max_body:
                raise ConnectorError(
                    f"The answer is larger than {self._max_body >> 20} MB. Something other than the shop answered.",
                    code="too_large",
                    ambiguous=writes,
                )
            if time.monotonic() > deadline:
                raise _slow(writes)  # Not tried again at once: the next try would cost as long.
            parts.append(part)
        return b"".join(parts)


def _judge(reply: Reply, ask: _Ask) -> Reply:
    status = reply.status
    if 300 <= status < 400:
        raise _moved(reply)
    if status == TOO_MANY:
        pause = retry_after_seconds(reply.headers)
        sentence = "The shop asks us to slow down. We wait and go on."
        later = COME_BACK if pause is None else pause
        raise _Again(ConnectorError(sentence, code="throttled", retry_after=later, assumed=pause is None), pause)
    if status >= 500 and status != NOT_SUPPORTED:
        pause = retry_after_seconds(reply.headers)
        sentence = f"The shop failed with error {status}. We try again later; its own error log names the cause."
        raise _Again(
            ConnectorError(sentence, code="server_error", retry_after=pause or COME_BACK, ambiguous=ask.writes), pause
        )
    return _with_json(reply, ask.writes) if ask.expect_json and status < 300 else reply


def _with_json(reply: Reply, writes: bool) -> Reply:
    try:
        return replace(reply, parsed=(reply.json(),))
    except ConnectorError as error:
        error.ambiguous = writes
        if error.code == "html":
            raise
        raise _Again(error) from error


def _moved(reply: Reply) -> ConnectorError:
    # Following could hand the keys to another host, and a signature does not survive a changed address anyway.
    target = reply.headers.get("Location", "").partition("?")[0][:200] or "another address"
    return ConnectorError(
        f"The shop sends us on to {target}. Enter the address it uses itself (with or without www, with https).",
        code="redirect",
    )


def _slow(writes: bool) -> ConnectorError:
    sentence = "The shop took too long to answer. We will try again."
    return ConnectorError(sentence, code="timeout", retry_after=COME_BACK, ambiguous=writes)


def _broken(writes: bool) -> ConnectorError:
    return ConnectorError(
        "The shop's answer broke off half-way. We will try again.",
        code="truncated",
        retry_after=COME_BACK,
        ambiguous=writes,
    )


def _transport_error(error: requests.RequestException, writes: bool) -> ConnectorError:
    if isinstance(error, requests.exceptions.SSLError):
        return ConnectorError(
            "The shop's https certificate is not valid. Renew it with the hosting company, then try again.",
            code="tls",
            retry_after=3600.0,
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        sentence = "The shop does not answer. Check that it is online and that its firewall lets us in."
        return ConnectorError(sentence, code="timeout", retry_after=COME_BACK)
    if isinstance(error, requests.exceptions.Timeout):
        return _slow(writes)
    if isinstance(error, requests.exceptions.ConnectionError) and _never_sent(error):
        sentence = "The shop cannot be reached. Check its address and that it is online."
        return ConnectorError(sentence, code="unreachable", retry_after=COME_BACK)
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return _broken(writes)
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return _broken(writes)
    return ConnectorError("The address cannot be called. Check its spelling.", code="bad_url")


def _never_sent(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError)
