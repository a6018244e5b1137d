"""Customers: a list that is quick at half a million, and one person's life on one thread."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.membership import mistyped
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import merges, timeline, topics
from plugin_server.db.customers.finding import Wish
from plugin_server.db.ladder import predictions
from plugin_server.db.merchant import merchants
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import own_writes
from plugin_server.web import place
from plugin_server.web.card.face import next_step
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.customers import credits
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import explain, names_of

pages = Blueprint("customers", __name__)
PAGE = 50
ACTIVITIES = ("active", "cooling", "lapsed", "none")


@pages.get("/customers")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """Search by the beginning of an address or name; filter by rung and activity; older ones page by page."""
    wish = Wish(request.args.get("q", "")[:200], request.args.get("rung", ""), request.args.get("activity", ""))
    with tenant(services().engine, who.merchant_id) as connection:
        found = customers.find(connection, wish, after=place.read(request.args.get("after", "")), limit=PAGE)
        rungs = names_of(connection, who.merchant_id, words().language)
    more = (
        place.written(found[-1].last_order_at, found[-1].id) if len(found) == PAGE and not wish.text.strip() else None
    )
    template = "_customer_rows.html" if is_partial() else "customers.html"
    return page(template, section="customers", found=found, wish=wish, rungs=rungs, activities=ACTIVITIES, more=more,
                slip=mistyped(wish.text))  # fmt: skip


@pages.get("/customers/<int:customer_id>")
@requires("viewer")
def show(who: Person, customer_id: int) -> ResponseReturnValue:
    """One customer: who, on which rung and why, what is missing for the next, and everything that happened."""
    before = place.moment(request.args.get("before"))
    with tenant(services().engine, who.merchant_id) as connection:
        person = customers.one(connection, customer_id) or abort(404)
        rungs = names_of(connection, who.merchant_id, words().language)
        thread = timeline.timeline(connection, person.id, before=before)
        why = explain(connection, who.merchant_id, person.id, words())
        credit = credits.shown(connection, person.id)
        refused = own_writes.refusals(connection, person.id)
        joined = merges.merges_of(connection, person.id)
        said = _said(connection, person.id)
        ahead = predictions.one(
            connection, merchant=merchants.get(connection), customer_id=person.id, now=services().now()
        )
    return page(
        "_thread.html" if is_partial() else "customer.html",
        section="customers",
        person=person,
        thread=thread,
        rungs=rungs,
        why=why,
        ahead=ahead,
        credit=credit,
        refused=refused,
        older=thread[-1].at if len(thread) >= 40 else None,
        merges=joined,
        topics=said,
        next_step=next_step(words(), (why or {}).get("next") or {}, who.currency),
    )


def _said(connection: Connection, customer_id: int) -> list[tuple[str, str, str]]:
    """Key and name of each topic of mails, and what the customer said of it last."""
    said, t = topics.said(connection, customer_id), words()
    return [
        (one.key, one.name(t.language) or t("preferences.promotions"), said.get(one.key, "unknown"))
        for one in topics.all_topics(connection)
    ]
