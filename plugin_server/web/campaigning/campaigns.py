"""Campaigns: five questions on one page, and nothing leaves the house before somebody has read what will happen."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.triggers import OnEvent
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.merchant import audit_log, merchants
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import mail_account
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning import baskets, realising
from plugin_server.jobs.campaigning.run import firings, launched_before, margin, set_state
from plugin_server.jobs.campaigning.run import launch as launch_run
from plugin_server.web.campaigning import builder, launching, offer_words, series_words
from plugin_server.web.campaigning import form as campaign_form
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import names_of

pages = Blueprint("campaigns", __name__)


@pages.get("/campaigns")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """All campaigns with their latest runs, and what the calendar brings."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = [(one, campaigns.runs_of(connection, one.id)[:1]) for one in campaigns.all_saved(connection)]
        upcoming = campaign_form.upcoming(connection, who, services().now())
    return page("campaigns.html", section="campaigns", saved=saved, upcoming=upcoming[:6])


@pages.get("/campaigns/new")
@requires("marketer")
def new(who: Person) -> ResponseReturnValue:
    """The builder: with a recipe, a copy, a holiday or a day, as the address asks."""
    return builder.begin(who)


@pages.post("/campaigns/new")
@builder.keeping
def create(who: Person) -> ResponseReturnValue:
    """Save it as a draft, or show each problem beside its field."""
    return builder.save(who)


@pages.get("/campaigns/<key>")
@requires("viewer")
def show(who: Person, key: str) -> ResponseReturnValue:
    """Who gets it and who does not and why, what it costs, what they read, and the button that says what it does."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as connection:
        saved = _saved(connection, key)
        looked, counted_at = launching.reached(connection, who, saved, sample=20)
        lately = launching.lately(connection, who, saved)
        dates = [due for due in firings(connection, saved.campaign, now) if due.at >= now]
        runs = [run for run in campaigns.runs_of(connection, saved.id) if run.step is None]
        rungs, frozen = names_of(connection, who.merchant_id, words().language), campaigns.frozen_store(connection)
        given = _offered(connection, who, saved) | _leaving(connection)
        given["before"] = launched_before(connection, saved, now)
    return page(
        "campaign.html",
        section="campaigns",
        saved=saved,
        campaign=saved.campaign,
        audience=looked,
        on_event=isinstance(saved.campaign.trigger, OnEvent),
        lately=lately,
        counted_at=counted_at,
        dates=dates,
        runs=runs,
        rungs=rungs,
        frozen=frozen,
        **given,
    )


def _leaving(connection: Connection) -> dict[str, bool]:
    """Whether its mails reach anybody (``nowhere`` where they do not), and whether the law's address stands in them."""
    return {
        "homeless": not merchants.get(connection)["postal_address"],
        "leaves": mail_account.leave(connection, services().settings),
        "nowhere": wiring.mail_way_in(services().settings, connection).backend == "folder",
    }


def _offered(connection: Connection, who: Person, saved: Saved) -> dict[str, Any]:
    """What is said of the offer: in a sentence, shop by shop with example baskets, what stands in its way, its margin.

    And of the steps of a series: what each does.
    """
    offer, now = saved.campaign.offer, services().now()
    combine = saved.campaign.guards.stacking == "combine"
    told = {"does": [series_words.does(step, words(), who.currency) for step in saved.campaign.steps]}
    if offer is None:
        return told | {"gift": "", "shops": [], "hurdle": None, "verdict": None}
    usual = figures.usual_trade(services(), connection, who.merchant_id)
    return told | {
        "verdict": margin(connection, saved.campaign, now, usual),
        "gift": offer_words.said(offer_words.named(connection, offer), words(), who.currency),
        "shops": baskets.shown(connection, offer, now, combine=combine, usual=usual),
        "hurdle": realising.hurdle(connection, offer, now),
    }


@pages.post("/campaigns/<key>/launch")
@requires("marketer")
def launch(who: Person, key: str) -> ResponseReturnValue:
    """Start it, after a moment in which it can be taken back. Pressing twice starts it once."""
    with tenant(services().engine, who.merchant_id) as connection:
        _saved(connection, key)
    try:
        run_id = launch_run(
            services(), merchant_id=who.merchant_id, campaign_key=key, by=who.email, now=services().now(),
            grace=launching.grace(),
        )  # fmt: skip
    except Refused as error:
        flash(words().why(error.reason), "bad")
        return redirect(url_for("campaigns.show", key=key))
    with tenant(services().engine, who.merchant_id) as connection:
        detail = {"run": run_id}
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="campaign_launched", subject=key, detail=detail
        )
    return redirect(url_for("runs.show", run_id=run_id))


@pages.post("/campaigns/<key>/state")
@requires("marketer")
def change_state(who: Person, key: str) -> ResponseReturnValue:
    """Let the calendar fire it (activate), or not (pause)."""
    state = request.form.get("state", "")
    if state not in ("active", "paused"):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        _saved(connection, key)
    try:
        set_state(services(), who.merchant_id, key, state)
    except Refused as error:
        flash(words().why(error.reason), "bad")
    else:
        with tenant(services().engine, who.merchant_id) as connection:
            audit_log.record(connection, who.merchant_id, actor=who.email, action=f"campaign_{state}", subject=key)
    return redirect(url_for("campaigns.show", key=key))


def _saved(connection: Connection, key: str) -> Saved:
    found = campaigns.get(connection, key)
    return found or abort(404)
