"""Personal data: what was asked, exports to hand on, and forgetting a customer. For owners alone."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import privacy_requests
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import privacy as work
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("privacy", __name__)


@pages.get("/settings/privacy")
@requires("owner")
def show(who: Person) -> ResponseReturnValue:
    """The requests, newest first."""
    with tenant(services().engine, who.merchant_id) as connection:
        found = privacy_requests.listed(connection)
        names = customers.display_names(connection, [one.customer_id for one in found if one.customer_id])
    return page("privacy.html", section="settings", requests=found, names=names)


@pages.get("/settings/privacy/<int:number>")
@requires("owner")
def download(who: Person, number: int) -> ResponseReturnValue:
    """The export of one request, as a file."""
    document = work.kept(services(), who.merchant_id, number) or abort(404)
    with tenant(services().engine, who.merchant_id) as connection:
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="privacy_downloaded", subject=f"request {number}"
        )
    return _file(document, f"request-{number}.json")


@pages.post("/customers/<int:customer_id>/export")
@requires("owner")
def export(who: Person, customer_id: int) -> ResponseReturnValue:
    """All we hold of a customer, as a file."""
    _known(who, customer_id)
    document = work.exported(services(), who.merchant_id, [customer_id], by=who.email)
    return _file(document, f"customer-{customer_id}.json")


@pages.post("/customers/<int:customer_id>/erase")
@requires("owner")
def erase(who: Person, customer_id: int) -> ResponseReturnValue:
    """Forget a customer for good."""
    _known(who, customer_id)
    work.erased(services(), who.merchant_id, [customer_id], by=who.email)
    flash(words()("privacy.erased"), "good")
    return redirect(url_for("customers.index"))


def _known(who: Person, customer_id: int) -> None:
    with tenant(services().engine, who.merchant_id) as connection:
        customers.one(connection, customer_id) or abort(404)


def _file(document: dict[str, Any], name: str) -> Response:
    answer = Response(json.dumps(document, ensure_ascii=False, indent=2, default=str), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
