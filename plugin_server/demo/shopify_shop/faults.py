"""Things that go wrong between Shopify and us, to order.

``Faults.once("bulkOperationRunQuery", Broken(502))`` spoils the next request whose label holds that word. The label of
a GraphQL request is its operation name and its first fields, of an OAuth request ``oauth``, of a file ``bulk file``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from plugin_server.demo.serving import broken_off
from plugin_server.demo.shop.faults import (
    Broken,
    CutJson,
    Fault,
    Faults,
    HalfPage,
    Html,
    Lost,
    Moved,
    Slow,
    Throttle,
)

__all__ = [
    "ActedThenBroken", "Broken", "CutJson", "Empty", "Faults", "HalfPage", "Html", "Lost", "Moved", "Partial", "Slow",
    "Throttle", "Throttled", "WebhookFaults", "spoiled",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Throttled:
    """HTTP 200 with the error THROTTLED although the bucket had points: another app process took them."""

    available: int = 0


@dataclass(frozen=True, slots=True)
class ActedThenBroken:
    """The request takes effect, and then an error page comes back: ambiguous for whoever asked."""

    status: int = 502


@dataclass(frozen=True, slots=True)
class Partial:
    """The answer carries data and an error beside it; the field at ``path`` becomes null."""

    path: tuple[str, ...] = ()
    message: str = "Internal error. Looks like something went wrong on our end."


@dataclass(frozen=True, slots=True)
class Empty:
    """HTTP 200 with nothing in it."""


@dataclass(slots=True)
class WebhookFaults:
    """What becomes of deliveries: the next ``lose`` never leave, ``double`` go twice, ``hold`` come after the rest."""

    lose: int = 0
    double: int = 0
    hold: int = 0


def spoiled(fault: Fault | Any, answer: Callable[[], Response]) -> Response:  # noqa: PLR0912 (one case per fault)
    """What arrives instead of ``answer()``."""
    match fault:
        case Throttle(seconds):
            made = Response(json.dumps({"errors": "Exceeded 40 calls per second for api client."}), status=429)
            if seconds is not None:
                made.headers["Retry-After"] = str(float(seconds))
        case Throttled(available):
            made = _throttled(available)
        case Broken(status, text, content_type):
            made = Response(text, status=status, content_type=content_type)
        case ActedThenBroken(status):
            answer()
            made = Response("<html><body>Bad gateway</body></html>", status=status, content_type="text/html")
        case Html(text):
            made = Response(text, status=200, content_type="text/html; charset=UTF-8")
        case Moved(to):
            made = Response("", status=301, headers={"Location": to})
        case Slow(seconds):
            time.sleep(seconds)
            made = answer()
        case CutJson(share):
            made = answer()
            data = made.get_data()
            made.set_data(data[: int(len(data) * share)])
        case HalfPage(share):
            made = broken_off(answer(), share)
        case Lost():
            answer()
            made = broken_off(Response(b"", status=200), 0.0)
        case Partial(path, message):
            made = _partial(answer(), path, message)
        case _:
            made = Response(b"", status=200, content_type="application/json")
    return made


def _throttled(available: int) -> Response:
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {
            "cost": {"requestedQueryCost": available + 50, "actualQueryCost": None, "throttleStatus": bucket}
        },
    }
    return Response(json.dumps(body), content_type="application/json; charset=utf-8")


def _partial(whole: Response, path: tuple[str, ...], message: str) -> Response:
    body = json.loads(whole.get_data())
    inner = body.get("data")
    for name in path[:-1]:
        inner = inner[name] if isinstance(inner, dict) else None
    if isinstance(inner, dict) and path:
        inner[path[-1]] = None
    error = {"message": message, "path": list(path), "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    body.setdefault("errors", []).append(error)
    whole.set_data(json.dumps(body))
    return whole
