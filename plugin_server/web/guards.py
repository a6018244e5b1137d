"""Who may open what: owner over marketer over viewer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from plugin_server.db.merchant.people import Person
from plugin_server.web.context import visitor

Route = TypeVar("Route", bound=Callable[..., ResponseReturnValue])


def requires(role: str) -> Callable[[Callable[..., ResponseReturnValue]], Callable[..., ResponseReturnValue]]:
    """The route is called with the person first; nobody is sent to the log-in, a lesser role gets 403."""

    def wrap(route: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            who = visitor()
            if who is None:
                return to_login()
            if not who.may(role):
                abort(403)
            return route(who, *args, **kwargs)

        guarded.required_role = role  # type: ignore[attr-defined]
        return guarded

    return wrap


def to_login() -> ResponseReturnValue:
    """To the log-in, and from there back to the page that was asked for, or on which a form was sent."""
    fetched = request.headers.get("HX-Request") == "true"
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not fetched else _looked_at(fetched)
    # A frame within a page (a mail that is being looked at) is not where somebody wants to go: its page asks as well.
    framed = request.headers.get("Sec-Fetch-Dest") == "iframe"
    address = url_for("login.form", next=None if framed else wanted)
    if fetched:
        return "", 401, {"HX-Redirect": address}
    return redirect(address)


def _looked_at(fetched: bool) -> str | None:
    """The page of ours in the browser; only its path counts, so that no address leads elsewhere."""
    given = urlsplit((request.headers.get("HX-Current-URL") if fetched else request.referrer) or "")
    if given.netloc != request.host:
        return None
    try:
        cast(MapAdapter, current_app.create_url_adapter(request)).match(given.path, method="GET")
    except HTTPException:
        return None
    return f"{given.path}?{given.query}" if given.query else given.path or None


__all__ = ["Person", "requires"]
