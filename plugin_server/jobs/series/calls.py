"""Makes the calls to other systems that series ask for: claimed, made outside of any transaction, settled."""

from __future__ import annotations

import json
from typing import Final

from connectors.errors import ConnectorError
from connectors.outbound import post
from plugin_server import wiring
from plugin_server.db.series import calls as series_calls
from plugin_server.db.series.calls import Call
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import awake
from plugin_server.vault import webhook_secrets
from plugin_server.wiring import Services

TOGETHER: Final = 10


def make_calls(merchant_id: int) -> None:
    """Job: make what is due."""
    services = wiring.services()
    awake(services.redis, make_calls, merchant_id)
    make(services, merchant_id)


def make(services: Services, merchant_id: int) -> int:
    """Make all calls that are due now; gives how many were tried. A call that is lost with its worker is made again."""
    tried = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            calls = series_calls.claim(conn, now=services.now(), limit=TOGETHER)
        for call in calls:
            _make(services, merchant_id, call)
        tried += len(calls)
        if len(calls) < TOGETHER:
            return tried


def _make(services: Services, merchant_id: int, call: Call) -> None:
    status, error, permanent = None, "", False
    body = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        status = post(
            call.url,
            body,
            secrets=webhook_secrets(services.settings.keys, merchant_id),
            delivery=str(call.body["delivery"]),
            now=services.now(),
            allow_private=services.settings.allow_private_hosts,
            tls_verify=services.settings.tls_verify,
        )
    except ConnectorError as found:
        error, permanent = found.sentence, found.permanent
        status = int(found.code.removeprefix("http_")) if found.code.startswith("http_") else None
    with tenant(services.engine, merchant_id) as conn:
        series_calls.settle(conn, call, now=services.now(), status=status, error=error, permanent=permanent)
