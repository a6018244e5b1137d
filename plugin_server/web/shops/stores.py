"""One shop: is the connection well, how far has it been read, do its webhooks reach us."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server import wiring
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, store_page, stores
from plugin_server.jobs.nightly import check_webhooks_of
from plugin_server.jobs.queues import wake
from plugin_server.jobs.reading import lifecycle
from plugin_server.jobs.reading.connect import settle
from plugin_server.jobs.reading.sync import sync_store
from plugin_server.web.context import is_partial, page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.shops import parting

pages = Blueprint("stores", __name__)


@pages.get("/stores/<int:store_id>")
@requires("viewer")
def show(who: Person, store_id: int) -> ResponseReturnValue:
    """State, checks with their mend, the reading that goes on, and those before it."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as connection:
        store = store_page.store(connection, store_id) or abort(404)
        progress = store_page.progress(connection, store_id, now)
        readings = store_page.readings(connection, store_id)
        events = store_page.events(connection, store_id)
        rights = wiring.rights_shown(services().settings, store, access.of(connection, store_id))
        can_part = parting.can_part(connection, store)
    template = "_store_progress.html" if is_partial() else "store.html"
    return page(
        template,
        section="settings",
        store=store,
        progress=progress,
        readings=readings,
        events=events,
        rights=rights,
        can_part=can_part,
        now=now,
    )


@pages.post("/stores/<int:store_id>/sync")
@requires("marketer")
def sync(who: Person, store_id: int) -> ResponseReturnValue:
    """Read what changed since last time, or everything."""
    kind = "full" if request.form.get("kind") == "full" else "incremental"
    with tenant(services().engine, who.merchant_id) as connection:
        store_page.store(connection, store_id) or abort(404)
        audit_log.record(connection, who.merchant_id, actor=who.email, action="sync_asked", subject=f"store {store_id}")
    wake(services().redis, sync_store, who.merchant_id, store_id, kind, on="bulk")
    flash(words()("store.sync_asked"), "good")
    return redirect(url_for("stores.show", store_id=store_id))


@pages.post("/stores/<int:store_id>/check")
@requires("owner")
def check(who: Person, store_id: int) -> ResponseReturnValue:
    """Look at the connection again."""
    with tenant(services().engine, who.merchant_id) as connection:
        store_page.store(connection, store_id) or abort(404)
    settle(services(), who.merchant_id, store_id)
    flash(words()("store.check_asked"), "good")
    return redirect(url_for("stores.show", store_id=store_id))


@pages.post("/stores/<int:store_id>/webhooks")
@requires("marketer")
def revive_webhooks(who: Person, store_id: int) -> ResponseReturnValue:
    """Ask the shop how our webhooks stand, and make those anew that do not work; a worker does it."""
    with tenant(services().engine, who.merchant_id) as connection:
        store_page.store(connection, store_id) or abort(404)
    wake(services().redis, check_webhooks_of, who.merchant_id, store_id, on="urgent")
    flash(words()("store.webhooks_asked"), "good")
    return redirect(url_for("stores.show", store_id=store_id))


@pages.post("/stores/<int:store_id>/confirm")
@requires("owner")
def confirm(who: Person, store_id: int) -> ResponseReturnValue:
    """The shop at the new address is the real one: mails may go out again."""
    address = request.form.get("address", "")
    with tenant(services().engine, who.merchant_id) as connection:
        store_page.store(connection, store_id) or abort(404)
        try:
            stores.confirm(connection, store_id, address=address, now=services().now())
        except stores.NothingToConfirm:
            flash(words()("store.nothing_to_confirm"), "bad")
            return redirect(url_for("stores.show", store_id=store_id))
        audit_log.record(connection, who.merchant_id, actor=who.email, action="address_confirmed", subject=address)
    flash(words()("store.confirmed"), "good")
    return redirect(url_for("stores.show", store_id=store_id))


@pages.post("/stores/<int:store_id>/purge")
@requires("owner")
def purge(who: Person, store_id: int) -> ResponseReturnValue:
    """Delete all that came from a shop which has left, or from files; one that is still connected is left alone."""
    with tenant(services().engine, who.merchant_id) as connection:
        row = store_page.store(connection, store_id) or abort(404)
        if row.state != "disconnected" and row.platform != "csv":
            abort(409)
        lifecycle.purged(services(), connection, who.merchant_id, store_id, by=who.email)
    flash(words()("store.purged"), "good")
    return redirect(url_for("settings.show"))
