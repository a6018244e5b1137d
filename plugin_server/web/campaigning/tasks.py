"""Tasks: what series leave for people of the shop to do, customer by customer."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.merchant.people import Person
from plugin_server.db.series import owner_tasks
from plugin_server.db.session import tenant
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.security import LARGEST_ID

pages = Blueprint("tasks", __name__)


@pages.get("/tasks")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """What waits, oldest first, and what was done lately."""
    with tenant(services().engine, who.merchant_id) as connection:
        count = owner_tasks.open_count(connection)
        waiting, done = owner_tasks.waiting(connection), owner_tasks.lately_done(connection)
    return page("tasks.html", section="home", count=count, waiting=waiting, done=done)


@pages.post("/tasks/<int:task_id>")
@requires("marketer")
def finish(who: Person, task_id: int) -> ResponseReturnValue:
    """Tick a task off, or take that back."""
    wish = request.form.get("do", "")
    if wish not in ("done", "again") or task_id > LARGEST_ID:
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        now = services().now()
        changed = owner_tasks.finish(connection, task_id, by=who.email, now=now, done=wish == "done")
    if not changed:
        flash(words()("tasks.unchanged"), "bad")
    return redirect(url_for("tasks.show"))
