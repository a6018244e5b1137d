"""Keys for the business's own programs. For owners."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import api_keys
from plugin_server.db.merchant.api_keys import BadKey
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("api_keys", __name__)


@pages.get("/settings/keys")
@requires("owner")
def show(who: Person) -> ResponseReturnValue:
    """All keys, and a form for a new one."""
    return _page(who)


@pages.post("/settings/keys")
@requires("owner")
def make(who: Person) -> ResponseReturnValue:
    """Make one, and show it this once."""
    name = request.form.get("name", "")
    scopes = ["read", "write"] if request.form.get("scope") == "write" else ["read"]
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            _, key = api_keys.make(connection, who.merchant_id, name=name, scopes=scopes, by=who.email)
    except BadKey:
        return _page(who, fault=words()("fault.needed")), 422
    return _page(who, key=key)


@pages.post("/settings/keys/<int:key_id>/revoke")
@requires("owner")
def revoke(who: Person, key_id: int) -> ResponseReturnValue:
    """End one at once."""
    with tenant(services().engine, who.merchant_id) as connection:
        api_keys.revoke(connection, who.merchant_id, key_id, by=who.email, now=services().now()) or abort(404)
    flash(words()("api_keys.revoked_now"), "good")
    return redirect(url_for("api_keys.show"))


def _page(who: Person, *, key: str = "", fault: str = "") -> str:
    with tenant(services().engine, who.merchant_id) as connection:
        found = api_keys.everyone(connection)
    return page("api_keys.html", section="settings", keys=found, key=key, fault=fault)
