"""Segments: named rules, built in plain words, with a live count and the reason for anybody by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.ladder import draft, nature
from campaigns.ladder.draft import Draft
from campaigns.ladder.facts import CATALOGUE
from campaigns.ladder.rules import BadRule, Rule
from campaigns.ladder.sentences import sentence
from plugin_server.db.effort import TooLong
from plugin_server.db.ladder import counting, outlook, segments
from plugin_server.db.ladder.rungs import Shop, shop
from plugin_server.db.ladder.segments import BadSegment
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web import zeros
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import rule_form
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("segments", __name__)


@pages.get("/segments")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """All segments, each as a sentence, with how many it holds now."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = [
            (one, sentence(one.rule, words().language), _count(connection, who, one))
            for one in segments.everyone(connection)
        ]
    return page("segments.html", section="customers", saved=saved)


def _count(connection: Connection, who: Person, one: segments.Saved) -> dict[str, Any] | None:
    """None while a worker counts it for the first time."""
    made = figures.soon(services(), connection, who.merchant_id, figures.segment_name(one))
    return {**made.document, "unforetold": outlook.silent(connection, one.rule)} if made else None


@pages.get("/segments/new")
@requires("marketer")
def new(who: Person) -> ResponseReturnValue:
    """A builder with one condition: about ``fact`` where the query names one."""
    fact = CATALOGUE.get(request.args.get("fact", ""))
    return _builder(who, draft.about(fact) if fact else draft.EMPTY)


@pages.get("/segments/<key>")
@requires("viewer")
def show(who: Person, key: str) -> ResponseReturnValue:
    """The builder with a saved rule."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = segments.get(connection, key) or abort(404)
    return _builder(who, draft.of(saved.rule), key=key, name=saved.name)


@pages.post("/segments/look")
@requires("viewer")
def look(who: Person) -> ResponseReturnValue:
    """The builder after a change: choices that fit, the sentence, the count, some customers, and why for one."""
    form, broken = zeros.taken_out(request.form)
    made, bad = rule_form.sent(form)
    return _builder(who, made, bad, key=form.get("key", ""), name=form.get("name", ""), broken=broken)


@pages.post("/segments")
@requires("marketer")
def save(who: Person) -> ResponseReturnValue:
    """Save it under its name, or show what is missing."""
    form, broken = zeros.taken_out(request.form)
    name, key = form.get("name", ""), form.get("key", "")
    made, bad = rule_form.sent(form)
    rule = None if bad or broken else rule_form.finished(made)
    if rule is None or nature.contradiction(rule) or not name.strip():
        return _builder(who, made, bad, key=key, name=name, nameless=not name.strip(), broken=broken), 422
    with tenant(services().engine, who.merchant_id) as connection:
        kept = segments.save(
            connection,
            merchant_id=who.merchant_id,
            name=name,
            rule=rule,
            by=who.email,
            now=services().now(),
            key=key or None,
        )
        audit_log.record(connection, who.merchant_id, actor=who.email, action="segment_saved", subject=kept)
    flash(words()("segments.saved"), "good")
    return redirect(url_for("segments.show", key=kept))


@pages.post("/segments/<key>/remove")
@requires("marketer")
def remove(who: Person, key: str) -> ResponseReturnValue:
    """Take it away, unless a campaign is for it."""
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            segments.remove(connection, key)
            audit_log.record(connection, who.merchant_id, actor=who.email, action="segment_removed", subject=key)
    except BadSegment:
        flash(words()("segments.in_use"), "bad")
        return redirect(url_for("segments.show", key=key))
    flash(words()("segments.removed"), "good")
    return redirect(url_for("segments.index"))


def _builder(
    who: Person,
    made: Draft,
    bad: BadRule | None = None,
    *,
    key: str = "",
    name: str = "",
    nameless: bool = False,
    broken: frozenset[str] = frozenset(),
) -> str:
    email = request.values.get("who", "").replace(zeros.ZERO, "").strip()
    with tenant(services().engine, who.merchant_id) as connection:
        rungs = names_of(connection, who.merchant_id, words().language)
        built = rule_form.builder(connection, made, words(), rungs, broken)
        rule = rule_form.finished(made)
        seen = _seen(connection, who, rule, email) if rule is not None else {}
    template = "_rule_builder.html" if is_partial() else "segment.html"
    return page(
        template,
        section="customers",
        built=built,
        rungs=rungs,
        key=key,
        name=name,
        asked=email,
        fault=words().said(zeros.SENTENCE) if "name" in broken else words()("segments.nameless") if nameless else "",
        refused=words().said(bad.problem) if bad else "",
        look_at=url_for("segments.look"),
        **seen,
    )


def _seen(connection: Connection, who: Person, rule: Rule, email: str) -> dict[str, Any]:
    """What a finished rule tells: its sentence, its contradiction if any, whom it holds, and why for one of them."""
    on, now, language = shop(connection, who.merchant_id), services().now(), words().language
    found = segments.customer_of(connection, email) if email else None
    return _counted(connection, who, on, rule, now) | {
        "said": sentence(rule, language),
        "impossible": rule_form.why_nobody(rule, words()),
        "unforetold": outlook.silent(connection, rule),
        "why": segments.why(connection, on, rule, found, now, language) if found else None,
        "customer_id": found,
    }


def _counted(connection: Connection, who: Person, on: Shop, rule: Rule, now: datetime) -> dict[str, Any]:
    """``found``: whom it holds. ``then``: what becomes of an answer that is not exact.

    The page asks for the exact one "now", "soon" while the last such count of this person is under way, or not: "late".
    """
    figures.soon(services(), connection, who.merchant_id, counting.FIGURE)  # drawn anew where that is due
    then = "now"
    if request.form.get("do") == "exact":
        try:
            if exact := counting.count(connection, on, rule, now, by=who.user_id):
                return {"found": exact, "then": ""}
            then = "soon"
        except TooLong:
            then = "late"
    found = counting.glance(connection, on, rule, now)
    return {"found": found, "then": "" if found and found.exact else then}
