"""A customer held on a rung by hand, and let go again."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from plugin_server.db.customers import finding as customers
from plugin_server.db.ladder import facts, holding
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.ladder.holding import BadPin
from plugin_server.db.ladder.rungs import shop
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.web.context import services, words
from plugin_server.web.guards import requires

pages = Blueprint("pins", __name__)


@pages.post("/customers/<int:customer_id>/pin")
@requires("marketer")
def put(who: Person, customer_id: int) -> ResponseReturnValue:
    """Hold somebody on a rung, with a reason; an empty rung lets the rules decide again."""
    rung, reason = request.form.get("rung", ""), request.form.get("reason", "")
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            _put(connection, who, customer_id, rung, reason)
            audit_log.record(
                connection,
                who.merchant_id,
                actor=who.email,
                action="rung_pinned" if rung else "rung_unpinned",
                subject=f"customer {customer_id}",
                detail={"rung": rung, "reason": reason[:500]},
            )
    except BadPin:
        flash(words()("pin.refused"), "bad")
    else:
        flash(words()("pin.done" if rung else "pin.undone"), "good")
    return redirect(url_for("customers.show", customer_id=customer_id))


def _put(connection: Connection, who: Person, customer_id: int, rung: str, reason: str) -> None:
    person = customers.one(connection, customer_id) or abort(404)
    facts.take_turn(connection, who.merchant_id)
    keys, now = shop(connection, who.merchant_id).ladder.keys, services().now()
    if rung:
        holding.pin(
            connection,
            merchant_id=who.merchant_id,
            customer_id=person.id,
            rung=rung,
            keys=keys,
            reason=reason,
            by=who.email,
            now=now,
        )
    else:
        holding.unpin(connection, customer_id=person.id)
    ladder.climb(connection, merchant_id=who.merchant_id, customer_ids=[person.id], now=now)
