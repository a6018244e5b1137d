"""What each rung brings its people: the owner's lists, shown on the cards."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import benefits
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.locales import LANGUAGES
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("benefits", __name__)


@pages.get("/settings/benefits")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """One list for each rung, in each language."""
    return _form(who, None, {})


@pages.post("/settings/benefits")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep the lists; cards show them from now on."""
    given = request.form.to_dict()
    with tenant(services().engine, who.merchant_id) as conn:
        rungs = [rung.key for rung in names_of(conn, who.merchant_id, words().language)]
        chosen, faults = benefits.read(given, rungs, list(LANGUAGES))
        if not faults:
            benefits.save(conn, chosen)
            detail = {rung: len(lists) for rung, lists in chosen.items()}
            audit_log.record(conn, who.merchant_id, actor=who.email, action="benefits", detail=detail)
    if faults:
        return _form(who, given, faults), 422
    flash(words()("settings.saved"), "good")
    return redirect(url_for("benefits.show"))


def _form(who: Person, given: dict[str, str] | None, faults: dict[str, str]) -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        rungs, lists = names_of(conn, who.merchant_id, words().language), benefits.every(conn)
    kept = {f"benefit-{rung}-{code}": "\n".join(said[code]) for rung, said in lists.items() for code in said}
    form = given if given is not None else kept
    return page("benefits.html", section="settings", rungs=rungs, form=form, faults=faults)
