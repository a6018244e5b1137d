"""One series: how many stand at each step, who left how, its definition, and whom a change finds inside."""

from __future__ import annotations

from typing import Any

import yaml
from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.schema import BadCampaign, Problem, dump, read_yaml
from campaigns.series_parts import series_of
from plugin_server.db import figures as kept_figures
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.series import moves as series_moves
from plugin_server.db.series import told as series_told
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning.preview import check
from plugin_server.vault import webhook_secrets
from plugin_server.web.campaigning import series_picture, series_words
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.words import Words

pages = Blueprint("series", __name__)
LONGEST_FILE = 300_000


@pages.get("/campaigns/<key>/series")
@requires("viewer")
def show(who: Person, key: str) -> ResponseReturnValue:
    """The picture, the same as a table, how people left, and who would move to the newest version."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = _saved(connection, key)
        made = figures.soon(services(), connection, who.merchant_id, f"series:{key}:{saved.version}")
        if made is None:
            return page("series_counting.html", section="campaigns", saved=saved)
        told = made.document
        left = series_told.lately_left(connection, saved.id)
        # Where nobody has an earlier version, nobody need be looked for.
        earlier = any(str(version) != str(saved.version) for version in told["versions"])
        moving = series_moves.outlook(connection, saved) if earlier else []
    steps = _steps(saved, told, words(), who.currency)
    current = [step for step in steps if not step["former"]]
    labels = {"then": words()("series.yes"), "else": words()("series.no")}
    secret = ""
    if who.may("owner") and any(step["kind"] == "webhook" for step in current):
        secret = webhook_secrets(services().settings.keys, who.merchant_id)[0]
    return page(
        "series.html", section="campaigns", saved=saved, told=told, steps=steps, left=left, moving=moving,
        picture=series_picture.drawn(current, labels), secret=secret,
        named={step["key"]: step for step in steps}, counted_at=made.made_at,
    )  # fmt: skip


def _steps(saved: Saved, told: dict[str, Any], words: Words, currency: str) -> list[dict[str, Any]]:
    """Each step with its figures, what it does, where it leads, and the name by which people know it."""
    machine = series_of(saved.campaign)
    ways = {one["key"]: one["to"] for one in series_told.flow(machine)}
    place = {step.key: number for number, step in enumerate(machine.steps, start=1)}
    made = []
    for one in told["steps"]:
        step = machine.by_key.get(one["key"])
        if step is None:
            title, does = words("series.former"), one["key"]
        else:
            title = f"{place[step.key]}. {words(f'series.kind_{step.kind}')}"
            does = series_words.does(step, words, currency)
        name = f"{title}: {does}" if does else title
        made.append(one | {"title": title, "words": does, "name": name, "to": ways.get(one["key"], [])})
    return made


@pages.get("/campaigns/<key>/series/edit")
@requires("marketer")
def edit(who: Person, key: str) -> ResponseReturnValue:
    """The definition as YAML."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = _saved(connection, key)
    source = yaml.safe_dump(dump(saved.campaign), allow_unicode=True, sort_keys=False, width=110)
    return page("series_edit.html", section="campaigns", saved=saved, source=source, problems=[])


@pages.post("/campaigns/<key>/series/edit")
@requires("marketer")
def save(who: Person, key: str) -> ResponseReturnValue:
    """A new version, or every fault with its place. Those inside keep the version they have."""
    source = request.form.get("source", "")[:LONGEST_FILE]
    with tenant(services().engine, who.merchant_id) as connection:
        saved = _saved(connection, key)
        try:
            made = read_yaml(source)
            if made.key != key:
                raise BadCampaign((Problem("key", f"is to stay {key}, for this is a change of that series."),))
            check(connection, made, public_url=services().settings.public_url, now=services().now())
        except BadCampaign as error:
            shown = page(
                "series_edit.html", section="campaigns", saved=saved, source=source, problems=error.problems
            )  # fmt: skip
            return shown, 422
        version = campaigns.save(connection, merchant_id=who.merchant_id, campaign=made, by=who.email)
        detail = {"version": version}
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="campaign_saved", subject=key, detail=detail
        )
    flash(words()("series.saved", version=version), "good")
    return redirect(url_for("series.show", key=key) if made.steps else url_for("campaigns.show", key=key))


@pages.post("/campaigns/<key>/series/move")
@requires("marketer")
def move(who: Person, key: str) -> ResponseReturnValue:
    """Move everybody whose step the newest version has; the page said who that is."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key, lock=True) or abort(404)
        if request.form.get("version") != str(saved.version):
            flash(words()("series.changed_meanwhile"), "bad")
            return redirect(url_for("series.show", key=key))
        try:
            moved = series_moves.move(connection, who.merchant_id, saved, who.email)
        except Refused as error:
            flash(words().why(error.reason), "bad")
        else:
            kept_figures.age(connection, f"series:{key}:*")
            flash(words()("series.moved", n=moved), "good")
    return redirect(url_for("series.show", key=key))


def _saved(connection: Connection, key: str) -> Saved:
    found = campaigns.get(connection, key)
    return found if found and found.campaign.steps else abort(404)
