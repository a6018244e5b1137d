"""The shop's own ladder: how it stands, and how it would stand if it were changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.ladder.ladders import Ladder, check
from campaigns.ladder.presets import PRESETS
from campaigns.ladder.public import unkind
from campaigns.ladder.rules import BadRule
from campaigns.ladder.sentences import sentence
from plugin_server.db import effort
from plugin_server.db.figures import is_small
from plugin_server.db.ladder import counting
from plugin_server.db.ladder import versions as ladder_versions
from plugin_server.db.ladder.rungs import shop
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import form as ladder_form
from plugin_server.web.ladder import rule_form
from plugin_server.web.ladder.form import LadderForm
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("ladders", __name__)


@pages.get("/ladder")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The rungs with their rules in words, who is about to fall, and the versions before."""
    language = words().language
    with tenant(services().engine, who.merchant_id) as connection:
        on = shop(connection, who.merchant_id)
        rungs = names_of(connection, who.merchant_id, language)
        falling, first = ladder_versions.falling(connection, 20)
        versions = ladder_versions.versions(connection)
    rows = [(name, sentence(on.ladder.rung(name.key).rule, language)) for name in reversed(rungs)]
    return page(
        "ladder.html",
        section="home",
        ladder=on.ladder,
        rows=rows,
        rungs=rungs,
        falling=falling,
        first=first,
        versions=versions,
    )


@pages.get("/ladder/edit")
@requires("marketer")
def edit(who: Person) -> ResponseReturnValue:
    """The form with the ladder in force, or with an earlier one (``?version=``), saved like any other change."""
    asked = request.args.get("version", "")
    with tenant(services().engine, who.merchant_id) as connection:
        current = shop(connection, who.merchant_id).ladder
        wanted = ladder_versions.at(connection, asked) or abort(404) if asked else current
        form = ladder_form.of(wanted)
    return _form(who, form)


@pages.post("/ladder/look")
@requires("marketer")
def look(who: Person) -> ResponseReturnValue:
    """The form after a change, and who would move where."""
    return _form(who, ladder_form.sent(request.form))


@pages.post("/ladder")
@requires("marketer")
def save(who: Person) -> ResponseReturnValue:
    """Put it in force and place everybody, or show what is wrong."""
    form = ladder_form.sent(request.form)
    try:
        if form.fault:
            raise BadRule(form.faulty, form.fault)
        with tenant(services().engine, who.merchant_id) as connection:
            new = ladder_form.finished(form, shop(connection, who.merchant_id).ladder)
            version = ladder_versions.save(
                connection, merchant_id=who.merchant_id, new=new, by=who.email, now=services().now()
            )
            audit_log.record(
                connection, who.merchant_id, actor=who.email, action="ladder_saved", subject=f"version {version}"
            )
    except BadRule:
        return _form(who, form), 422
    flash(words()("own_ladder.saved"), "good")
    return redirect(url_for("ladders.show"))


def _form(who: Person, form: LadderForm) -> str:
    with tenant(services().engine, who.merchant_id) as connection:
        current = shop(connection, who.merchant_id).ladder
        rungs = names_of(connection, who.merchant_id, words().language)
        built = rule_form.builders(
            connection, {one.name: one.rule for one in form.rungs if one.rule is not None}, words()
        )
        form, seen = _seen(connection, who, form, current)
    return page(
        "_ladder_form.html" if is_partial() else "ladder_form.html",
        section="home",
        form=form,
        built=built,
        rungs=rungs,
        seen=seen,
        presets=list(PRESETS),
        look_at=url_for("ladders.look"),
    )


def _seen(connection: Connection, who: Person, form: LadderForm, current: Any) -> tuple[LadderForm, Any]:
    """The form with its fault, if any, and else the preview; rungs of the new ladder are named as they are typed."""
    if form.fault:
        return replace(form, fault=words().said(form.fault)), None
    new = current
    try:
        new = ladder_form.finished(form, current)
        check(new)
    except BadRule as bad:
        return replace(form, fault=_by_name(_fault(bad, form), new), faulty=_rung_of(bad, form)), None
    names = {rung.key: rung.name(words().language) for rung in (*current.rungs, *new.rungs)}
    return form, {**_moves(connection, who, new, current), "names": names}


def _moves(connection: Connection, who: Person, new: Ladder, current: Ladder) -> dict[str, Any]:
    """Who would move; in a larger shop not before the page asks for it (``then``, as with a segment's count)."""
    if new.model_copy(update={"version": current.version}) == current:
        found: dict[str, Any] = figures.ready(services(), connection, who.merchant_id, "ladder").document
        return found
    if request.form.get("do") != "moves" and not is_small(connection):
        return {"then": "now"}
    try:
        with effort.bounded(connection, counting.EXACT_MS):
            return ladder_versions.preview(connection, merchant_id=who.merchant_id, new=new, now=services().now())
    except effort.TooLong:
        return {"then": "late"}


def _by_name(fault: str, ladder: Ladder) -> str:
    """A file calls a rung by its key; on the page it has a name."""
    for rung in ladder.rungs:
        fault = fault.replace(f"'{rung.key}'", f"“{rung.name(words().language)}”")
    return fault


def _rung_of(bad: BadRule, form: LadderForm) -> str:
    """The rung in the form that a fault speaks of: by its name there, or by its place in the ladder."""
    first, _, rest = bad.path.partition(".")
    if first != "rungs":
        return first
    place = rest.partition(".")[0]
    return form.rungs[int(place)].name if place.isdecimal() and int(place) < len(form.rungs) else ""


def _fault(bad: BadRule, form: LadderForm) -> str:
    """What is wrong, in the reader's language."""
    one = next((rung for rung in form.rungs if rung.name == _rung_of(bad, form)), None)
    if bad.path == "grace_days":
        return words()("own_ladder.bad_grace")
    if one is not None and not one.names.get("en", "").strip():
        return words()("own_ladder.nameless")
    if ".shown" in bad.path and any(map(unkind, one.shown.values() if one else ())):
        return words()("own_ladder.unkind")
    if bad.path == "name" or ".names" in bad.path or ".shown" in bad.path:
        return words().said(bad.problem)
    if one is not None and one.rule is not None:
        rule = rule_form.finished(one.rule)
        if rule is None:
            return words()("own_ladder.unfinished")
        return rule_form.why_nobody(rule, words()) or words().said(bad.problem)
    return words()("own_ladder.too_few")
