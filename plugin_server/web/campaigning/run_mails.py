"""Every mail of a run: its state and the reason for it, to read and to take away as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.mail.ledger import MessageState
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.campaigns import Refused, Run
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import doubts, messages
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning.run import wake_run
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.words import Words
from plugin_server.wiring import Services

pages = Blueprint("run_mails", __name__)
PAGE = 100
CHUNK = 2_000
COLUMNS = ("id", "email", "state", "reason", "language", "attempt", "provider_reference", "accepted_at", "not_before")


@pages.get("/runs/<int:run_id>/mails")
@requires("viewer")
def show(who: Person, run_id: int) -> ResponseReturnValue:
    """Page by page, all or those in one state."""
    state = request.args.get("state") or None
    if state is not None and state not in set(MessageState):
        abort(404)
    after = request.args.get("after", 0, type=int)
    with tenant(services().engine, who.merchant_id) as connection:
        run = _run(connection, run_id)
        found = messages.some(connection, run_id, state=state, after=max(after, 0), limit=PAGE + 1)
        counts = _counts(connection, who, run)
    return page(
        "run_mails.html", section="campaigns", run=run, rows=found[:PAGE], more=len(found) > PAGE, state=state,
        counts=counts,
    )  # fmt: skip


def _counts(connection: Connection, who: Person, run: Run) -> dict[str, int]:
    """Mails by state: fresh while the run goes on, else as counted when it was over; empty until that is done."""
    if run.state in campaigns.OPEN_STATES:
        told: dict[str, Any] = audience.tally(connection, run.id)
    else:
        kept = figures.soon(services(), connection, who.merchant_id, f"told:{run.id}:{run.state}")
        told = kept.document if kept else {"messages": {}}
    counts: dict[str, int] = told["messages"]
    return counts


def _run(connection: Connection, run_id: int) -> Run:
    try:
        return campaigns.run(connection, run_id)
    except Refused:
        abort(404)


@pages.get("/runs/<int:run_id>/mails.csv")
@requires("viewer")
def export(who: Person, run_id: int) -> ResponseReturnValue:
    """The same as a file, written as it is read; reasons stand in the reader's language, states in fixed words."""
    made = services()
    with tenant(made.engine, who.merchant_id) as connection:
        key = _run(connection, run_id).campaign.key
        audit_log.record(connection, who.merchant_id, actor=who.email, action="mails_exported", subject=f"run {run_id}")
    headers = {"Content-Disposition": f'attachment; filename="{key}-{run_id}.csv"', "Cache-Control": "no-store"}
    return Response(_lines(made, who.merchant_id, run_id, words()), mimetype="text/csv", headers=headers)


def _lines(made: Services, merchant_id: int, run_id: int, t: Words) -> Iterator[str]:
    after = 0
    rows: list[dict[str, Any]] = [dict(zip(COLUMNS, COLUMNS, strict=True))]
    while rows:
        text = StringIO()
        csv.writer(text).writerows([_harmless(row[name]) for name in COLUMNS] for row in rows)
        yield text.getvalue()
        with tenant(made.engine, merchant_id) as connection:
            rows = messages.some(connection, run_id, after=after, limit=CHUNK)
        after = rows[-1]["id"] if rows else after
        rows = [row | {"reason": t.said(row["reason"])} for row in rows]


def _harmless(value: object) -> str:
    # Spreadsheets run what begins with these signs as a formula.
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@pages.post("/runs/<int:run_id>/doubts")
@requires("marketer")
def decide(who: Person, run_id: int) -> ResponseReturnValue:
    """What becomes of mails nobody knows the fate of: sent again, or given up."""
    wish = request.form.get("to", "")
    if wish not in ("resend", "give_up"):
        abort(400)
    with tenant(services().engine, who.merchant_id) as connection:
        _run(connection, run_id)
        moved = doubts.decide(connection, run_id, resend=wish == "resend", by=who.email, now=services().now())
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action=f"doubts_{wish}", subject=f"run {run_id}",
            detail={"mails": moved},
        )  # fmt: skip
    flash(words()("run_mails.decided", n=moved), "good")
    wake_run(services(), who.merchant_id, run_id)
    return redirect(url_for("run_mails.show", run_id=run_id))
