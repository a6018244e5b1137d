"""Before and just after a launch: what the last twelve months would have been, what will happen now, and a way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.series import DOES
from campaigns.triggers import OnEvent
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.customers import finding as customers
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.demo.opening import is_demo
from plugin_server.jobs import figures
from plugin_server.jobs.campaigning import preview
from plugin_server.jobs.campaigning.run import check, launched_before
from plugin_server.web.campaigning import sentence as campaign_sentence
from plugin_server.web.campaigning import series_words
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.ladder import charts

pages = Blueprint("launching", __name__)
GRACE = timedelta(seconds=60)
"""How long a launch can be taken back before anything happens."""
GRACE_OF_THE_DEMO = timedelta(seconds=10)
SHOWN = 60
"""Firings of a back-test that the page lists; the months above them hold all."""


def grace() -> timedelta:
    """In the demo shop nobody wants to wait for long."""
    return GRACE_OF_THE_DEMO if is_demo(services().settings.tangga_home) else GRACE


@pages.get("/campaigns/<key>/launch")
@requires("marketer")
def confirm(who: Person, key: str) -> ResponseReturnValue:
    """What will happen to how many people, and what it may cost, with the button that does it."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        told = _told(connection, who, saved)
    on_event = isinstance(saved.campaign.trigger, OnEvent)
    span = words().span(grace().total_seconds())
    return page("launch.html", section="campaigns", saved=saved, on_event=on_event, grace=span, **told)


def reached(
    connection: Connection, who: Person, saved: Saved, *, sample: int
) -> tuple[dict[str, Any] | None, datetime | None]:
    """Whom a campaign would meet, with so many of them, and when that was counted; None while a worker counts."""
    made = figures.soon(services(), connection, who.merchant_id, f"audience:{saved.campaign.key}:{saved.version}")
    if made is None:
        return None, None
    looked = audience.preview_audience(
        connection, merchant_id=who.merchant_id, campaign=saved.campaign, campaign_id=saved.id, now=services().now(),
        sample=sample, tallied=made.document,
    )  # fmt: skip
    return looked, made.made_at


def lately(connection: Connection, who: Person, saved: Saved) -> dict[str, Any] | None:
    """Whom a campaign on an event would have met in the last days; None for others, and while a worker counts."""
    if not isinstance(saved.campaign.trigger, OnEvent):
        return None
    name = f"reach:{saved.campaign.key}:{saved.version}"
    made = figures.soon(services(), connection, who.merchant_id, name)
    return made.document if made else None


def _told(connection: Connection, who: Person, saved: Saved) -> dict[str, Any]:
    now = services().now()
    looked, counted_at = reached(connection, who, saved, sample=5)
    usual = figures.usual_trade(services(), connection, who.merchant_id) if saved.campaign.offers else None
    try:
        check(connection, saved.campaign, now, services().settings, usual)
        hindrance = words()(f"why.launch_{saved.state}") if saved.state in ("paused", "ended") else ""
    except Refused as error:
        hindrance = words().why(error.reason)
    return {
        "audience": looked,
        "counted_at": counted_at,
        "offer": preview.offer_of(connection, saved, looked["treated"], now, usual) if looked else None,
        "sentences": campaign_sentence.at_once(connection, who, saved.campaign, words(), now),
        "hindrance": hindrance,
        "before": launched_before(connection, saved, now),
    }


@pages.post("/runs/<int:run_id>/undo")
@requires("marketer")
def undo(who: Person, run_id: int) -> ResponseReturnValue:
    """Take a launch back while nothing has happened yet."""
    with tenant(services().engine, who.merchant_id) as connection:
        try:
            key = campaigns.run(connection, run_id).campaign.key
        except Refused:
            abort(404)
        done = campaigns.undo(connection, run_id, services().now())
        if done:
            detail = {"run": run_id}
            audit_log.record(
                connection, who.merchant_id, actor=who.email, action="run_undone", subject=key, detail=detail
            )
    flash(words()("launching.undone" if done else "launching.too_late"), "good" if done else "bad")
    return redirect(url_for("campaigns.show", key=key) if done else url_for("runs.show", run_id=run_id))


@pages.get("/campaigns/<key>/back-test")
@requires("viewer")
def back_test(who: Person, key: str) -> ResponseReturnValue:
    """The last twelve months: whom it would have met when, and what its codes could have cost."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        made = figures.soon(services(), connection, who.merchant_id, f"back_test:{key}:{saved.version}")
        found = made and made.document
        names = customers.display_names(connection, [one["customer_id"] for one in found["sample"]] if found else [])
    months = twelve(found) if found else []
    steps = _steps(saved, found["series"], who.currency) if found else []
    drawn = charts.stacked([[month["treated"], month["holdout"]] for month in months])
    return page(
        "back_test.html", section="campaigns", saved=saved, found=found, months=months, drawn=drawn, most=SHOWN,
        names=names, made_at=made and made.made_at, steps=steps,
    )  # fmt: skip


def _steps(saved: Saved, walked: Mapping[str, Any] | None, currency: str) -> list[dict[str, Any]]:
    """Each step of a series with its figures, in words, and what its codes could have cost."""
    if walked is None:
        return []
    cost = {one["key"]: one["liability"] for one in walked["offers"]}
    return [
        {
            **one, "words": series_words.does(step, words(), currency), "does": step.kind in DOES,
            "liability": cost.get(step.key),
        }
        for one, step in zip(walked["steps"], saved.campaign.steps, strict=True)
    ]  # fmt: skip


def twelve(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All months of a back-test from the first day to the last; those that met nobody are empty."""
    known = {month["month"]: month for month in found["months"]}
    first, last = (date.fromisoformat(found[end]) for end in ("from", "to"))
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    empty = {"firings": 0, "treated": 0, "holdout": 0, "liability": None}
    keys = [f"{number // 12}-{number % 12 + 1:02}" for number in months]
    return [known.get(key) or {"month": key, **empty} for key in keys]
