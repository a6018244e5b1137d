"""What customers write back: who waits for an answer, since when, and the answer."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import conversations
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending.replies import send_answer
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("conversations", __name__)
LONGEST = 20_000
MOST_PAGES = 10_000
STATES = ("open", "answered", "closed")


@pages.get("/conversations")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """Those who wait longest on top, and how long an answer takes."""
    state = request.args.get("state") or None
    number = request.args.get("page", 1, type=int)
    if (state and state not in STATES) or not 1 <= number <= MOST_PAGES:
        abort(404)
    with tenant(services().engine, who.merchant_id) as connection:
        found = conversations.threads(connection, state=state, page=number)
        waiting, median = conversations.pace(connection, services().now())
    return page(
        "conversations.html", section="customers", threads=found[: conversations.PAGE], state=state, states=STATES,
        waiting=waiting, median=median, number=number, more=len(found) > conversations.PAGE,
    )  # fmt: skip


@pages.get("/conversations/<int:number>")
@requires("viewer")
def show(who: Person, number: int) -> ResponseReturnValue:
    """The whole thread."""
    with tenant(services().engine, who.merchant_id) as connection:
        found = conversations.thread(connection, number) or abort(404)
    head, mails = found
    return page("conversation.html", section="customers", head=head, mails=mails)


@pages.post("/conversations/<int:number>")
@requires("marketer")
def answer(who: Person, number: int) -> ResponseReturnValue:
    """Answer, or close without one."""
    closing, written = "close" in request.form, request.form.get("text", "").strip()[:LONGEST]
    with tenant(services().engine, who.merchant_id) as connection:
        if closing:
            message = 0 if conversations.close(connection, number, services().now()) else None
        elif written:
            message = conversations.answer(connection, who.merchant_id, number, written, who.email, services().now())
        else:
            flash(words()("conversation.empty"), "bad")
            return redirect(url_for("conversations.show", number=number))
        if message is None:
            abort(404)
        audit_log.record(
            connection, who.merchant_id, actor=who.email, subject=f"conversation {number}",
            action="conversation_closed" if closing else "conversation_answered",
        )  # fmt: skip
    if message:
        wake(services().redis, send_answer, who.merchant_id, message, on="urgent", hold=5)
    return redirect(url_for("conversations.index"))
