"""From a shop's address to the first campaign: what a new business sees until it needs no hand any more."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.recipes import recipes
from plugin_server.db.audit import costs
from plugin_server.db.merchant import checklist, home
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import store_page
from plugin_server.jobs import figures
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import moves
from plugin_server.web.ladder import view as ladder_view
from plugin_server.web.settings import setup

pages = Blueprint("welcome", __name__)
SHOPIFY = ".myshopify.com"


@pages.get("/welcome")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """The shop's address; then how far it is read; then the ladder, the moves worth most, and what is missing."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as connection:
        reading = home.reading(connection)
        view = ladder_view.read(connection, who, words(), settled=reading is None)
        stores = home.stores(connection)
        progress = store_page.progress(connection, reading.store_id, now) if reading else None
        found = setup.shown(connection, who, settled=reading is None)
        there = view.total or view.pending
        best = moves.best(services(), connection, who.merchant_id, view) if there and not reading else []
    step = 1 if not stores and not there else 2 if reading or not there else 3
    return page(
        "_welcome.html" if is_partial() else "welcome.html",
        section="home", step=step, view=view, stores=stores, reading=reading, progress=progress, setup=found,
        moves=best, now=now,
    )  # fmt: skip


@pages.post("/welcome")
@requires("owner")
def begin(_who: Person) -> ResponseReturnValue:
    """Go on to where this kind of shop is connected, with the address that was typed."""
    address = " ".join(request.form.get("url", "").split()).lower().removeprefix("https://").removeprefix("http://")
    if not address:
        flash(words()("welcome.no_address"), "bad")
        return redirect(url_for("welcome.show"))
    if SHOPIFY in address:
        return redirect(url_for("connect_shopify.form", shop=address.partition("/")[0]))
    # 307 keeps the form: the shop is asked at once.
    return redirect(url_for("connect.begin"), 307)


@pages.get("/welcome/try/<recipe>")
@requires("viewer")
def dry_run(who: Person, recipe: str) -> ResponseReturnValue:
    """What a recipe would have done in the last twelve months; nothing is saved and nobody is written to."""
    found = next((one for one in recipes() if one.key == recipe), None) or abort(404)
    with tenant(services().engine, who.merchant_id) as connection:
        made = figures.soon(services(), connection, who.merchant_id, f"dry_run:{recipe}")
    return page("dry_run.html", section="home", recipe=found, made=made)


@pages.get("/welcome/costs")
@requires("viewer")
def costs_known(who: Person) -> ResponseReturnValue:
    """For what share of sales the unit cost is known, and the products whose cost would tell most."""
    with tenant(services().engine, who.merchant_id) as connection:
        covered, counted = setup.covered(connection, who)
        missing = costs.missing(connection, services().now())
        stores = home.stores(connection)
    return page(
        "costs.html", section="home", covered=covered, counted=counted, missing=missing, stores=stores
    )  # fmt: skip


@pages.post("/welcome/fold")
@requires("marketer")
def fold(who: Person) -> ResponseReturnValue:
    """Show the list small, or whole again."""
    with tenant(services().engine, who.merchant_id) as connection:
        checklist.fold(connection, folded=request.form.get("fold") == "1")
    return redirect(url_for("home.show"))
