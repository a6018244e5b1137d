"""The frame every REST route lives in: fault, key, lock, handler, JSON."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request

from plugin_server.demo.serving import broken_off
from plugin_server.demo.shop.answers import Answer, JsonObject, RestError, invalid_param
from plugin_server.demo.shop.auth import Doorkeeper
from plugin_server.demo.shop.faults import Broken, CutJson, Fault, Faults, HalfPage, Html, Lost, Moved, Slow, Throttle
from plugin_server.demo.shop.order_view import OrderView
from plugin_server.demo.shop.state import ShopState

V3 = "/wp-json/wc/v3"


@dataclass(slots=True)
class Shopfloor:
    """What the routes of one running shop share."""

    shop: ShopState
    faults: Faults
    door: Doorkeeper
    view: OrderView
    allow_http_callback: bool = False


def floor() -> Shopfloor:
    """The shop this request is for."""
    found: Shopfloor = current_app.extensions["shop"]
    return found


def query() -> dict[str, str]:
    """The query as PHP sees it."""
    return {name: request.args.getlist(name)[-1] for name in request.args}


def body() -> JsonObject:
    """The JSON object sent; {} where nothing was. Raises the errors of the real thing for anything else."""
    raw = request.get_data()
    if not raw:
        return {}
    try:
        value = json.loads(raw)
    except ValueError:
        raise RestError(
            400, "rest_invalid_json", "Invalid JSON body passed.", json_error_code=4,
            json_error_message="Syntax error",
        ) from None  # fmt: skip
    if not isinstance(value, dict):
        raise invalid_param("body", "body is not of type object.", "rest_invalid_type")
    return value


def address_of(path: str) -> str:
    """The full address of something below /wp-json/wc/v3/, for Link and Location."""
    return f"{floor().shop.base}{V3}/{path}"


def response(answer: Answer) -> Response:
    """An answer as JSON over HTTP."""
    text = answer.text if answer.text is not None else json.dumps(answer.value)
    made = Response(text, status=answer.status, content_type="application/json; charset=UTF-8")
    made.headers.update({"X-Robots-Tag": "noindex", "X-Content-Type-Options": "nosniff", **answer.headers})
    return made


def error_response(error: RestError) -> Response:
    """A refusal as JSON over HTTP."""
    return response(Answer(error.body(), error.status))


Handler = Callable[..., Answer]


def rest(
    blueprint: Blueprint, method: str, path: str, need: str, *, locked: bool = True
) -> Callable[[Handler], Handler]:
    """Serve a handler at ``path`` below /wp-json/wc/v3 to callers that may do ``need``.

    The handler gets the ids in the path and gives an ``Answer`` or raises ``RestError``. It holds the shop's lock
    unless ``locked`` is False.
    """
    methods = ["POST", "PUT", "PATCH"] if method == "PUT" else [method]

    def register(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def serve(**ids: Any) -> Response:
            return _served(lambda: _call(handler, ids, need, locked=locked))

        blueprint.add_url_rule(f"{V3}{path}", f"{method} {path}", serve, methods=methods)
        return handler

    return register


def _call(handler: Handler, ids: dict[str, Any], need: str, *, locked: bool) -> Response:
    here = floor()
    try:
        here.door.admit(request, need)
        if not locked:
            return response(handler(**ids))
        with here.shop.lock:
            return response(handler(**ids))
    except RestError as error:
        return error_response(error)


def _served(answer: Callable[[], Response]) -> Response:
    """The answer, spoiled where a fault is planned."""
    here = floor()
    fault = here.faults.next_for(request.method, request.path)
    made = answer() if fault is None else _spoiled(fault, answer)
    if here.faults.between_pages is not None and request.method == "GET" and "X-WP-Total" in made.headers:
        here.faults.between_pages(request.path, int(query().get("page", "1") or "1"))
    return made


def _spoiled(fault: Fault, answer: Callable[[], Response]) -> Response:
    match fault:
        case Throttle(seconds):
            made = response(
                Answer({"code": "too_many_requests", "message": "Slow down.", "data": {"status": 429}}, 429)
            )
            if seconds is not None:
                made.headers["Retry-After"] = str(seconds)
            return made
        case Broken(status, text, content_type):
            return Response(text, status=status, content_type=content_type)
        case Html(text):
            return Response(text, status=200, content_type="text/html; charset=UTF-8")
        case Moved(to):
            return Response("", status=301, headers={"Location": to.format(path=request.full_path)})
        case Slow(seconds):
            time.sleep(seconds)
            return answer()
        case CutJson(share):
            whole = answer()
            data = whole.get_data()
            whole.set_data(data[: int(len(data) * share)])
            return whole
        case HalfPage(share):
            return broken_off(answer(), share)
        case Lost():
            answer()
            return broken_off(Response(b"", status=200), 0.0)
