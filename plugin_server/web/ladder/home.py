"""Home: the ladder is the page."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.ladder.simulate import WHOLE, scaled
from plugin_server.db.campaigning import agenda
from plugin_server.db.merchant import attention
from plugin_server.db.merchant import home as numbers
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import store_page
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning.coming import coming
from plugin_server.web.context import is_partial, page, services, visitor, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import moves
from plugin_server.web.ladder import view as ladder_view
from plugin_server.web.ladder.rungs import names_of
from plugin_server.web.ladder.view import View
from plugin_server.web.settings import setup

pages = Blueprint("home", __name__)


@pages.get("/")
def start() -> ResponseReturnValue:
    """On to the ladder, or to the log-in."""
    return redirect(url_for("home.show" if visitor() else "login.form"))


@pages.get("/home")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """Rungs with counts and movement; while a shop is being read, they fill up as one watches."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as connection:
        reading = numbers.reading(connection)
        view = ladder_view.read(connection, who, words(), settled=reading is None)
        stores = numbers.stores(connection)
        progress = store_page.progress(connection, reading.store_id, now) if reading else None
        if not stores and not view.total and not view.pending and not is_partial():
            return redirect(url_for("welcome.show"))
        if is_partial() and "counting" in request.args and not view.pending:
            return "", {"HX-Refresh": "true"}
        beside = {} if is_partial() else _beside(connection, who, view, settled=reading is None)
    template = "_ladder.html" if is_partial() else "home.html"
    return page(
        template, section="home", view=view, stores=stores, reading=reading, progress=progress, now=now, **beside
    )


def _beside(connection: Connection, who: Person, view: View, *, settled: bool) -> dict[str, Any]:
    """What stands beside the ladder: what to do next, what waits for a person, what ran and will run."""
    now = services().now()
    return {
        "moves": moves.best(services(), connection, who.merchant_id, view) if settled else [],
        "setup": setup.shown(connection, who, settled=settled),
        "waiting": attention.waiting(connection, now),
        "ran": agenda.ran(connection),
        "coming": coming(connection, now),
    }


@pages.get("/home/what-if")
@requires("viewer")
def what_if(who: Person) -> ResponseReturnValue:
    """If everybody, or a share of each rung, climbed one rung: figures that follow the sliders."""
    with tenant(services().engine, who.merchant_id) as connection:
        made = figures.soon(services(), connection, who.merchant_id, "what_if")
        rungs = names_of(connection, who.merchant_id, words().language)
    if made is None:
        return page("_what_if_made.html" if is_partial() else "what_if.html", section="home", sim=None)
    sim = made.document
    shares = {name[2:]: _share(given) for name, given in request.args.items() if name.startswith("s-")}
    rate = _share(request.args["margin"]) if request.args.get("margin") else None
    # The slider knows whole percents: left where it stood, it must not round the margin that unit costs give.
    if rate is not None and rate == round(Decimal(str(sim["assumptions"]["margin_rate"])), 2):
        rate = None
    if is_partial() and "all" in request.args:
        shares = {step["rung"]: _share(request.args["all"]) for step in sim["per_rung"]}
        return page("_what_if.html", sim=scaled(sim, shares, rate))
    template = "_what_if_steps.html" if is_partial() else "what_if.html"
    return page(template, section="home", sim=scaled(sim, shares, rate), rungs=rungs)


def _share(given: str) -> Decimal:
    """A slider's percent as a share; what is no number from 0 to 100 counts as the nearest end."""
    try:
        percent = Decimal(given)
    except InvalidOperation:
        return WHOLE
    return min(max(percent, Decimal(0)), Decimal(100)) / 100 if percent.is_finite() else WHOLE
