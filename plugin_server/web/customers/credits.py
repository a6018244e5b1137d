"""Store credit that an owner gives a customer."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from plugin_server.db.customers import finding as customers
from plugin_server.db.merchant.people import Person
from plugin_server.db.offers import credits as intents
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.credits import give_credits
from plugin_server.jobs.queues import wake
from plugin_server.web.context import services, words
from plugin_server.web.guards import requires
from plugin_server.web.typed import plain

pages = Blueprint("credits", __name__)
AMOUNT = re.compile(r"\d{1,12}(\.\d{1,2})?", re.ASCII)
"""Three digits after a point would be thousands to half of our readers."""
TICKET = re.compile(r"[0-9a-f]{32}", re.ASCII)


@pages.post("/customers/<int:customer_id>/credit")
@requires("owner")
def give(who: Person, customer_id: int) -> ResponseReturnValue:
    """Plan a credit; a worker gives it. The form's own number makes a second click give nothing."""
    form = {name: request.form.get(name, "") for name in ("amount", "reason", "store", "ticket")}
    amount = plain(form["amount"], words().language)
    back = redirect(url_for("customers.show", customer_id=customer_id))
    if not AMOUNT.fullmatch(amount) or not TICKET.fullmatch(form["ticket"]):
        flash(words()("credit.bad_amount"), "bad")
        return back
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        try:
            intents.plan(
                conn, merchant_id=who.merchant_id, customer_id=person.id,
                store_id=intents.store_for(conn, form["store"] or None), amount=Decimal(amount),
                reason=form["reason"], cause=f"hand:{form['ticket']}", by=who.email, now=services().now(),
            )  # fmt: skip
        except intents.CreditRefused as error:
            flash(words().why(str(error), {"key": error.reason.key, **error.reason.figures}), "bad")
            return back
    wake(services().redis, give_credits, who.merchant_id, on="urgent")
    flash(words()("credit.planned"), "good")
    return back


def shown(conn: Connection, customer_id: int) -> dict[str, Any] | None:
    """What a customer's page says of store credit; None where no connected shop keeps such accounts."""
    shops = [{"option": (str(row.id), row.name), "currency": row.currency} for row in intents.shops(conn)]
    known = intents.of_customer(conn, customer_id)
    return {"shops": shops, "known": known, "ticket": uuid4().hex} if shops or known else None
