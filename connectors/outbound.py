"""Telling other systems: a signed POST of JSON to an address that the shop's owner gave.

The signature covers the moment and the raw body, as is usual for webhooks: ``X-Tangga-Signature: t=<seconds>,v1=<hex>``
with HMAC-SHA256 over ``<seconds>.<body>``, one ``v1`` for each secret while they are rotated. The receiver compares in
constant time, refuses old moments, and keeps ``X-Tangga-Delivery`` to know a repeated delivery by.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

import requests

from connectors.errors import ConnectorError
from connectors.hosts import PublicAdapter, guard_url

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
AGAIN = frozenset({408, 409, 425, 429})
"""Answers below 500 after which it is worth trying again."""


def signature(secrets: Sequence[str], body: bytes, now: datetime) -> str:
    """The value of ``X-Tangga-Signature`` for a body sent at ``now``."""
    seconds = str(int(now.timestamp()))
    signed = seconds.encode() + b"." + body
    made = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={seconds}", *(f"v1={one}" for one in made)])


def post(
    url: str,
    body: bytes,
    *,
    secrets: Sequence[str],
    delivery: str,
    now: datetime,
    allow_private: bool,
    tls_verify: bool = True,
) -> int:
    """Hand ``body`` over once; gives the status (2xx). Redirects are not followed.

    Raises ``ForbiddenHost`` for an address we may not call, ``ConnectorError`` for all else: ``permanent`` where the
    other side refuses it for good, with ``retry_after`` where trying again makes sense.
    """
    guard_url(url, allow_private=allow_private)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tangga",
        "X-Tangga-Delivery": delivery,
        "X-Tangga-Signature": signature(secrets, body, now),
    }
    with requests.Session() as session:
        session.trust_env = False
        if not allow_private:
            for scheme in ("https://", "http://"):
                session.mount(scheme, PublicAdapter())
        status = _status(session, url, body, headers, tls_verify)
    if 200 <= status < 300:
        return status
    again = status >= 500 or status in AGAIN
    raise ConnectorError(
        f"The other system answered {status}.", code=f"http_{status}", retry_after=60.0 if again else None
    )


def _status(session: requests.Session, url: str, body: bytes, headers: Mapping[str, str], tls_verify: bool) -> int:
    try:
        answer = session.post(
            url, data=body, headers=dict(headers), timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False,
            verify=tls_verify, stream=True,
        )  # fmt: skip
        answer.close()
    except requests.RequestException as error:
        raise ConnectorError(
            f"The other system did not answer ({type(error).__name__}).", code="no_answer", retry_after=60.0
        ) from error
    return answer.status_code
