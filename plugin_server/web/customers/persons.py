"""One person or two: making customers one and undoing it; and what somebody said of mails elsewhere, with its proof."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import consents, merges, topics
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers.finding import Wish
from plugin_server.db.customers.identity import MergeRefused
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import climb, merging
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("persons", __name__)
LARGEST = 2**62


@pages.get("/customers/<int:customer_id>/merge")
@requires("marketer")
def choose(who: Person, customer_id: int) -> ResponseReturnValue:
    """Whom to make one with: those who look alike, or whom one looks for; then what would happen."""
    other, text = _number(request.args.get("with")), request.args.get("q", "").strip()[:200]
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        if person.id != customer_id:
            return redirect(url_for(".choose", customer_id=person.id))
        rungs = names_of(conn, who.merchant_id, words().language)
        alike = merges.alike(conn, customer_id)
        found = [row for row in customers.find(conn, Wish(text), limit=10) if row.id != customer_id] if text else []
    trial, fault = None, ""
    if other is not None:
        try:
            trial = merging.rehearsed(services(), who.merchant_id, winner=customer_id, loser=other)
        except MergeRefused as error:
            fault = words().said(str(error))
    return page(
        "merge.html", section="customers", person=person, rungs=rungs, alike=alike, found=found, text=text,
        trial=trial, other=other, fault=fault,
    )  # fmt: skip


@pages.post("/customers/<int:customer_id>/merge")
@requires("marketer")
def merge(who: Person, customer_id: int) -> ResponseReturnValue:
    """Make them one, for a reason that stays with it."""
    other, reason = _number(request.form.get("other")), " ".join(request.form.get("reason", "").split())[:200]
    if other is None or not reason:
        flash(words()("persons.no_reason"), "bad")
        back = {"with": str(other)} if other else {}
        return redirect(f"{url_for('.choose', customer_id=customer_id)}?{urlencode(back)}")
    try:
        merging.pair_merged(services(), who.merchant_id, winner=customer_id, loser=other, reason=reason, by=who.email)
        flash(words()("persons.merged"), "good")
    except MergeRefused as error:
        flash(words().said(str(error)), "bad")
    return redirect(url_for("customers.show", customer_id=customer_id))


@pages.get("/merges/<int:merge_id>")
@requires("marketer")
def undoing(who: Person, merge_id: int) -> ResponseReturnValue:
    """What undoing a merge gives back, and what stays."""
    with tenant(services().engine, who.merchant_id) as conn:
        if before := merges.undone(conn, merge_id):
            return _apart_before(before)
        told = merges.undoing(conn, merge_id) or abort(404)
        keeps = merges.look(conn, told.merge.winner_id, services().now())
    return page("unmerge.html", section="customers", told=told, keeps=keeps)


@pages.post("/merges/<int:merge_id>")
@requires("marketer")
def undo(who: Person, merge_id: int) -> ResponseReturnValue:
    """Take a merge apart; pressing twice does it once."""
    with tenant(services().engine, who.merchant_id) as conn:
        before = merges.undone(conn, merge_id)
    if before:
        return _apart_before(before)
    try:
        done = merging.taken_apart(services(), who.merchant_id, which=str(merge_id), by=who.email)
    except MergeRefused as error:
        flash(words().said(str(error)), "bad")
        return redirect(url_for("customers.index"))
    flash(words()("persons.apart"), "good")
    return redirect(url_for("customers.show", customer_id=done["loser"]))


def _apart_before(customer_id: int) -> ResponseReturnValue:
    flash(words()("persons.apart_before"))
    return redirect(url_for("customers.show", customer_id=customer_id))


@pages.post("/customers/<int:customer_id>/consent")
@requires("marketer")
def consent(who: Person, customer_id: int) -> ResponseReturnValue:
    """Write down a yes or no that somebody gave elsewhere: on paper, at the till, by telephone; with what proves it."""
    state, evidence = request.form.get("state", ""), " ".join(request.form.get("evidence", "").split())[:1000]
    topic = request.form.get("topic", topics.PROMOTIONS)
    if state not in ("subscribed", "unsubscribed"):
        abort(400)
    if len(evidence) < 5:
        flash(words()("persons.no_evidence"), "bad")
        return redirect(url_for("customers.show", customer_id=customer_id))
    now = services().now()
    with tenant(services().engine, who.merchant_id) as conn:
        person = customers.one(conn, customer_id) or abort(404)
        if topic not in {one.key for one in topics.all_topics(conn)}:
            abort(400)
        changed = consents.say(
            conn, who.merchant_id, person.id, state, "hand", now, topic=topic, level="single",
            evidence=f"{evidence} ({who.email})",
        )  # fmt: skip
        if changed:
            subject, detail = f"customer {person.id}", {"state": state, "topic": topic, "evidence": evidence}
            audit_log.record(
                conn, who.merchant_id, actor=who.email, action="consent_by_hand", subject=subject, detail=detail
            )
            climb.touched(conn, merchant_id=who.merchant_id, customer_ids=[person.id], now=now)
    flash(words()("persons.consent_kept" if changed else "persons.consent_same"), "good")
    return redirect(url_for("customers.show", customer_id=person.id))


def _number(given: str | None) -> int | None:
    return min(int(given), LARGEST) if given and given.isascii() and given.isdigit() and len(given) < 20 else None
