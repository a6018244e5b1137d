"""Error pages: what happened, what is safe, what to do, and a number to name when asking for help."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from plugin_server.web.api.door import PATH, Problem
from plugin_server.web.context import page, visitor, words
from plugin_server.web.guards import to_login
from plugin_server.web.security import MACHINE_PATH, MACHINES

log = logging.getLogger(__name__)
PROBLEMS = {
    404: ("There is no such address", "See /api/openapi.json for all there are."),
    405: ("Not with this method", "See /api/openapi.json."),
    500: ("Something failed on our side", "It has been written down. Nothing of this request was kept."),
}
CUSTOMERS = ("/c/", "/r/", "/d/", "/join/")
"""Where customers are: the owner's pages and log-in are no way on for them."""
KNOWN = {400, 401, 403, 404, 405, 410, 413, 429, 503}


def install(app: Flask) -> None:
    """Show a page for every refusal and failure; programs get one plain line."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)


def _refused(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, CSRFError):
        # Nobody's session any more: the log-in comes first, and what was typed waits in the browser.
        return to_login() if visitor() is None and _keeps(request.endpoint) else _page("csrf", 400)
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error
    return _page(str(code) if code in KNOWN else "400" if code < 500 else "500", code)


def _keeps(endpoint: str | None) -> bool:
    """Whether this form asks for somebody who is logged in."""
    return hasattr(current_app.view_functions.get(endpoint or ""), "required_role")


def _failed(error: Exception) -> ResponseReturnValue:
    # The last resort: nothing below may reach the visitor, and everything must reach the log.
    g.fault = secrets.token_hex(4)
    log.exception("request failed [%s] %s %s", g.fault, request.method, request.path, exc_info=error)
    g.setdefault("person", None)
    return _page("500", 500)


def _page(key: str, status: int) -> ResponseReturnValue:
    if request.path.startswith(PATH):
        return Problem(status, *PROBLEMS.get(status, ("This cannot be answered", ""))).answer()
    if request.blueprint in MACHINES or request.path.startswith(MACHINE_PATH):
        return Response(f"{key}\n", status=status, mimetype="text/plain")
    fault = g.get("fault") or secrets.token_hex(4)
    if status < 500:
        log.info("request refused [%s] %s %s %s", fault, status, request.method, request.path)
    say, own = words(), request.path.startswith(CUSTOMERS)
    if own and key == "429":
        key = "often"
    return page(
        "card_error.html" if own else "error.html",
        title=say(f"error.{key}.title"),
        sentence=say(f"error.{key}.sentence"),
        fault=fault,
        inside=visitor() is not None,
    ), status
