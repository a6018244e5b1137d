"""What every page knows: the services, who is looking, in which language, and how things are written there."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, current_app, g, render_template, request, session, url_for

from plugin_server.db.merchant import people
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.locales import LANGUAGES
from plugin_server.web.words import Words, language_of, zone_of
from plugin_server.wiring import Services

LANGUAGE_COOKIE = "tangga_language"


def services() -> Services:
    """The services this application was made with."""
    return cast(Services, current_app.extensions["tangga"])


def visitor() -> Person | None:
    """Who is logged in, read once per request; None for nobody and for sessions that were ended elsewhere."""
    if "person" not in g:
        g.person = _from_session()
    return cast("Person | None", g.person)


def _from_session() -> Person | None:
    merchant_id, user_id = session.get("merchant"), session.get("user")
    if not isinstance(merchant_id, int) or not isinstance(user_id, int):
        return None
    with tenant(services().engine, merchant_id) as connection:
        found = people.person(connection, user_id)
    return found if found and found.session_version == session.get("version") else None


def words() -> Words:
    """The language, zone and clock of whoever is looking."""
    if "words" not in g:
        who = visitor() if session or "person" in g else None
        g.words = Words(
            language=language_of(
                who.locale if who else None,
                request.cookies.get(LANGUAGE_COOKIE),
                who.merchant_locale if who else None,
                request.accept_languages.best_match(list(LANGUAGES)),
            ),
            zone=zone_of(who.timezone if who else None),
            now=services().now(),
        )
    return cast(Words, g.words)


def speak(made: Words) -> None:
    """Use these words for the rest of the request: a customer's pages speak the customer's language."""
    g.words = made


def page(template: str, **values: Any) -> str:
    """Render a template with the words ``t`` and the person ``who``.

    A part of a page (its name begins with ``_``) that no script asked for stands in a page of its own: without script
    the link to it leads there.
    """
    if template.startswith("_") and request.method == "GET" and not is_partial():
        template, values = "part.html", values | {"part": template}
    return render_template(
        template, t=words(), who=visitor() if session or "person" in g else None, languages=LANGUAGES, **values
    )


def is_partial() -> bool:
    """True where htmx asks for a part of a page only; a page that somebody goes back to is asked for whole."""
    whole = ("HX-Boosted", "HX-History-Restore-Request")
    return request.headers.get("HX-Request") == "true" and "true" not in map(request.headers.get, whole)


def install(app: Flask) -> None:
    """Give templates the address of built assets."""

    def asset(name: str) -> str:
        return url_for("static", filename=f"dist/{name}", v=app.extensions["tangga_assets"])

    app.jinja_env.globals["asset"] = asset
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
