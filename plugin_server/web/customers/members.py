"""Membership: how one joins, the card with its number, and what the owner does about it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import segno
from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.membership import MODES, MembershipTerms
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import membership
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.membership import end as end_membership
from plugin_server.jobs.giving.membership import enrol, enrol_due
from plugin_server.jobs.queues import wake
from plugin_server.web.card.visit import Visit, own
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("members", __name__)


@pages.post("/c/<token>/member")
@own
def join(who: Visit) -> ResponseReturnValue:
    """Become a member by one's own hand, where invited; a second tap changes nothing."""
    with tenant(services().engine, who.merchant_id) as conn:
        may = membership.invited(conn, who.merchant_id, who.customer_id)
        if may:
            enrol(conn, who.merchant_id, [who.customer_id], by="customer", now=services().now())
    if may:
        flash(words()("members.joined"), "good")
    elif not who.card.customer.member_since:
        flash(words()("members.not_invited"), "bad")
    return who.back()


@pages.get("/c/<token>/member")
@own
def show(who: Visit) -> ResponseReturnValue:
    """The card alone, to print."""
    return who.page("card_member.html") if who.card.customer.member_number else who.back()


@pages.get("/c/<token>/member.png")
@own
def picture(who: Visit) -> ResponseReturnValue:
    """The member number as a QR code: what a till types, without the spaces."""
    number = (who.card.customer.member_number or abort(404)).replace(" ", "")
    drawn = BytesIO()
    segno.make(number, micro=False, error="m").save(drawn, kind="png", scale=8, border=4)
    return Response(drawn.getvalue(), mimetype="image/png", headers={"Cache-Control": "private, max-age=3600"})


@pages.post("/customers/<int:customer_id>/membership")
@requires("marketer")
def put(who: Person, customer_id: int) -> ResponseReturnValue:
    """Enrol a customer, or end the membership, by hand."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        if request.form.get("do") == "end":
            done = end_membership(conn, who.merchant_id, person.id, by=who.email, now=now)
            said = "members.ended"
        else:
            done = bool(enrol(conn, who.merchant_id, [person.id], by=who.email, now=now))
            said = "members.enrolled"
    if done:
        flash(words()(said), "good")
    return redirect(url_for("customers.show", customer_id=customer_id))


@pages.get("/settings/members")
@requires("viewer")
def settings(who: Person) -> ResponseReturnValue:
    """Who becomes a member."""
    return _settings(who)


@pages.post("/settings/members")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep the terms; those whom they enrol by themselves are enrolled by a worker."""
    given, faults = request.form, {}
    with tenant(services().engine, who.merchant_id) as conn:
        keys = {rung.key for rung in names_of(conn, who.merchant_id, words().language)}
        if given.get("mode") not in MODES:
            faults["mode"] = words()("members.bad_mode")
        if given.get("rung") not in keys:
            faults["rung"] = words()("members.bad_rung")
        least = given.get("least_orders", "").strip()
        if not (least.isascii() and least.isdigit() and len(least) < 5 and 1 <= int(least) <= 1000):
            faults["least_orders"] = words()("members.bad_orders")
        if not faults:
            chosen = MembershipTerms(given["mode"], given["rung"], int(least))
            membership.save_terms(conn, chosen)
            detail = {"mode": chosen.mode, "rung": chosen.rung, "least_orders": chosen.least_orders}
            audit_log.record(conn, who.merchant_id, actor=who.email, action="membership_terms", detail=detail)
    if faults:
        return _settings(who, given.to_dict(), faults), 422
    wake(services().redis, enrol_due, who.merchant_id, on="default")
    flash(words()("settings.saved"), "good")
    return redirect(url_for("members.settings"))


def _settings(who: Person, given: dict[str, str] | None = None, faults: dict[str, str] | None = None) -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        form: Any = given or membership.terms(conn)
        rungs = names_of(conn, who.merchant_id, words().language)
    return page("members.html", section="settings", form=form, faults=faults or {}, rungs=rungs, modes=MODES)
