"""Who may open what: owner over marketer over viewer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

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
    """To the log-in, and from there back to the page that was asked for."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    address = url_for("login.form", next=wanted)
    if request.headers.get("HX-Request") == "true":
        return "", 401, {"HX-Redirect": address}
    return redirect(address)


__all__ = ["Person", "requires"]
