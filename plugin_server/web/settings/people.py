"""The people of a business and what each may do. For owners."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant import audit_log, people
from plugin_server.db.merchant.merchants import ROLES, BadMerchant
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.letters.login import send_login
from plugin_server.jobs.queues import wake
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("people", __name__)


@pages.get("/settings/people")
@requires("owner")
def show(who: Person) -> ResponseReturnValue:
    """Everybody, with their roles."""
    return _list(who)


@pages.post("/settings/people")
@requires("owner")
def invite(who: Person) -> ResponseReturnValue:
    """Add somebody and send them their first log-in link."""
    email, role = request.form.get("email", "").strip(), request.form.get("role", "")
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            user_id = people.invite(connection, who.merchant_id, email, role)
            detail = {"role": role}
            audit_log.record(
                connection, who.merchant_id, actor=who.email, action="person_added", subject=email, detail=detail
            )
    except BadMerchant:
        return _list(who, words()("people.bad_email"), email), 422
    wake(services().redis, send_login, who.merchant_id, user_id, on="urgent", hold=5)
    flash(words()("people.invited", email=email), "good")
    return redirect(url_for("people.show"))


def _list(who: Person, fault: str = "", email: str = "") -> str:
    with tenant(services().engine, who.merchant_id) as connection:
        everybody = people.everybody(connection)
    return page("people.html", section="settings", everybody=everybody, roles=ROLES, fault=fault, email=email)


@pages.post("/settings/people/<int:user_id>")
@requires("owner")
def change(who: Person, user_id: int) -> ResponseReturnValue:
    """Give another role, or take all access away. The last owner stays."""
    role = request.form.get("role", "")
    if role not in (*ROLES, "remove"):
        abort(400)
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            changed = people.change_role(connection, user_id, None if role == "remove" else role)
            if changed:
                audit_log.record(
                    connection,
                    who.merchant_id,
                    actor=who.email,
                    action="person_changed",
                    subject=f"person {user_id}",
                    detail={"role": role},
                )
                flash(words()("people.changed"), "good")
    except people.Unknown:
        abort(404)
    except BadMerchant:
        flash(words()("people.last_owner"), "bad")
    return redirect(url_for("people.show"))
