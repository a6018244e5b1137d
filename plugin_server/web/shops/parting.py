"""Parting with a shop: first what it means, then the button; and the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from plugin_server import wiring
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, store_page
from plugin_server.jobs.reading import parting
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("parting", __name__)


@pages.get("/stores/<int:store_id>/disconnect")
@requires("owner")
def confirm(who: Person, store_id: int) -> ResponseReturnValue:
    """What ends, what stays, and how to come back."""
    with tenant(services().engine, who.merchant_id) as connection:
        store = store_page.store(connection, store_id) or abort(404)
        if not can_part(connection, store):
            return redirect(url_for("stores.show", store_id=store_id))
        held = store_page.held(connection, store_id)
    return page("store_disconnect.html", section="settings", store=store, held=held)


@pages.post("/stores/<int:store_id>/disconnect")
@requires("owner")
def part(who: Person, store_id: int) -> ResponseReturnValue:
    """Part with it; a second press finds it done."""
    with tenant(services().engine, who.merchant_id) as connection:
        store = store_page.store(connection, store_id) or abort(404)
        if store.state != "disconnected" and not can_part(connection, store):
            abort(409)
    parting.begin(services(), who.merchant_id, store_id, by=who.email)
    flash(words()("parting.done"), "good")
    return redirect(url_for("stores.show", store_id=store_id))


def can_part(connection: Connection, store: Any) -> bool:
    """Whether this row of ``store_page.store`` is parted with here: who installed our app removes it over there."""
    if store.state == "disconnected" or store.platform == "csv":
        return False
    rights = access.of(connection, store.id) if store.platform == wiring.EMBEDDING else None
    return not (rights is not None and rights.installed)
