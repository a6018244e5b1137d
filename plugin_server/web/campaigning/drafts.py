"""What somebody typed into the builder, kept for a while: for the preview, and so that a lost log-in loses nothing.

A draft opens for the person who typed it, and in the browser in which it was typed after its log-in had run out.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

from flask import request
from redis.exceptions import RedisError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from plugin_server.web.campaigning.fields import Fields
from plugin_server.web.context import services

KEPT = timedelta(days=2)
COOKIE = "tangga_draft"
LARGEST = 600_000
"""Characters; a form is at most a megabyte, and most of that would be a mail with pictures written into it."""
STRANGERS = 30
"""Drafts that one visitor may leave within a quarter of an hour without being logged in."""


def fresh() -> str:
    """A name nobody can guess."""
    return secrets.token_urlsafe(18)


def name_of(draft: str) -> str:
    """Under which it is kept at the queue server."""
    return f"campaign_draft:{draft}"


def keep(draft: str, fields: Fields, user_id: int | None) -> bool:
    """Keep these fields; False where that was not possible."""
    pairs = [pair for pair in fields.items(multi=True) if pair[0] not in ("csrf_token", "do")]
    content = json.dumps({"user": user_id, "fields": pairs})
    if not 16 <= len(draft) <= 64 or len(content) > LARGEST:
        return False
    try:
        redis = services().redis
        if user_id is None and _too_many():
            return False
        redis.set(name_of(draft), content, ex=KEPT)
    except RedisError:
        return False
    return True


def _too_many() -> bool:
    key = f"campaign_drafts:{request.remote_addr}"
    steps = services().redis.pipeline()
    steps.incr(key)
    steps.expire(key, 900, nx=True)
    return bool(steps.execute()[0] > STRANGERS)


def kept(draft: str, user_id: int) -> Fields | None:
    """The fields of a draft of one's own; None where there is none (any more)."""
    try:
        content = services().redis.get(name_of(draft)) if draft else None
    except RedisError:
        return None
    if not isinstance(content, bytes):
        return None
    found = json.loads(content)
    own = found["user"] == user_id or (found["user"] is None and is_stray(draft))
    return MultiDict([(str(name), str(value)) for name, value in found["fields"]]) if own else None


def is_stray(draft: str) -> bool:
    """True for the draft that this browser left when its log-in had run out."""
    return request.cookies.get(COOKIE) == draft


def marked(answer: Response, draft: str) -> Response:
    """The answer with the mark by which this browser may open its draft after the log-in."""
    answer.set_cookie(COOKIE, draft, max_age=KEPT, httponly=True, samesite="Lax", secure=request.is_secure)
    return answer


def forget(draft: str) -> None:
    """It is saved: the draft is not needed any more."""
    try:
        services().redis.delete(name_of(draft))
    except RedisError:
        return
