"""The door of the API: who calls, how often, and answers that programs understand when something is wrong."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from flask import Request, Response, g
from redis import Redis
from redis.exceptions import RedisError

from plugin_server.db.merchant import api_keys
from plugin_server.db.merchant.api_keys import Holder
from plugin_server.wiring import Services

log = logging.getLogger(__name__)
PATH: Final = "/api/"
A_MINUTE: Final = 120
"""So many requests a key may make in each minute of the clock."""
MINUTE: Final = 60


class Problem(Exception):
    """What is wrong with a request, as RFC 9457 says it."""

    def __init__(self, status: int, title: str, detail: str = "", **more: Any) -> None:
        super().__init__(title)
        self.status, self.headers = status, dict[str, str]()
        self.document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}

    def answer(self) -> Response:
        """As ``application/problem+json``."""
        body = json.dumps(self.document, ensure_ascii=False)
        return Response(body, self.status, self.headers, content_type="application/problem+json")


def enter(services: Services, request: Request, scope: str) -> Holder:
    """Whose key this request carries. Raises ``Problem`` without one, without the scope, or too often."""
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise _challenge("Send your key as `Authorization: Bearer tangga_…`.")
    found = api_keys.holder(services.engine, key.strip(), services.now())
    if found is None:
        raise _challenge("This key is not known, or it was revoked.")
    _count(services.redis, found.key_id, int(services.now().timestamp()))
    if scope not in found.scopes:
        raise Problem(403, "This key may not do that", f"The key {found.name!r} lacks the scope {scope!r}.")
    return found


def _challenge(detail: str) -> Problem:
    problem = Problem(401, "A key is needed", detail)
    problem.headers["WWW-Authenticate"] = 'Bearer realm="tangga"'
    return problem


def _count(redis: Redis, key_id: int, second: int) -> None:
    """One more request in this minute. Where the queue server does not answer, nobody is refused for that."""
    left = MINUTE - second % MINUTE
    try:
        steps = redis.pipeline()
        steps.incr(f"api:{key_id}:{second // MINUTE}")
        steps.expire(f"api:{key_id}:{second // MINUTE}", 2 * MINUTE)
        used, _ = steps.execute()
    except RedisError as error:
        log.warning("requests of the API are not counted: %s", error)
        return
    g.api_left = max(0, A_MINUTE - used)
    if used > A_MINUTE:
        problem = Problem(
            429, "Too many requests", f"{A_MINUTE} a minute are allowed for each key. Try again in {left} seconds."
        )
        problem.headers["Retry-After"] = str(left)
        raise problem
