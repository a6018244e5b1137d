"""The owner's side of referrals: what friends get, and the rows that a person has to look at."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from plugin_server.db.friends import referrals
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving.points_night import points_of
from plugin_server.jobs.giving.rewards import make_rewards
from plugin_server.jobs.letters.confirm import send_approved
from plugin_server.jobs.queues import wake
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires
from plugin_server.web.typed import plain

pages = Blueprint("referral_review", __name__)


@pages.get("/settings/referral")
@requires("viewer")
def settings(who: Person) -> ResponseReturnValue:
    """The terms, filled in; owners may change them."""
    return _settings(who, None, {})


@pages.post("/settings/referral")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep the terms; codes given already stay as they are."""
    given = request.form.to_dict()
    numbers = {name: plain(given.get(name, ""), words().language) for name in ("percent", "minimum")}
    chosen, faults = referrals.amounts(given | numbers)
    if chosen is None:
        return _settings(who, given, faults), 422
    with tenant(services().engine, who.merchant_id) as conn:
        referrals.save_terms(conn, chosen)
        audit_log.record(
            conn, who.merchant_id, actor=who.email, action="referral_terms", detail=chosen.as_json()
        )  # fmt: skip
    flash(words()("settings.saved"), "good")
    return redirect(url_for("referral_review.settings"))


def _settings(who: Person, given: dict[str, str] | None, faults: dict[str, str]) -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        set_to = referrals.terms(conn)
        currency = conn.scalar(text("SELECT currency FROM merchant"))
    form = (
        given if given is not None else {name: value for name, value in set_to.as_json().items() if value is not False}
    )
    return page("referral_settings.html", section="settings", form=form, faults=faults, currency=currency)


@pages.get("/referrals")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """What waits for a person, then what was decided."""
    with tenant(services().engine, who.merchant_id) as conn:
        rows = referrals.queue(conn)
    return page("referrals.html", section="settings", rows=rows)


@pages.post("/referrals/<int:join_id>")
@requires("owner")
def decide(who: Person, join_id: int) -> ResponseReturnValue:
    """Approve or refuse a row that waits; both with a reason, which stays with it."""
    yes, reason = request.form.get("do") == "approve", " ".join(request.form.get("reason", "").split())[:200]
    if not reason:
        flash(words()("referral.no_reason"), "bad")
        return redirect(url_for("referral_review.show"))
    now, secret = services().now(), services().settings.keys[0]
    with tenant(services().engine, who.merchant_id) as conn:
        friend = conn.scalar(text("SELECT friend_id FROM referral_join WHERE id = :id"), {"id": join_id}) or abort(404)
        advocate = referrals.decide(
            conn, who.merchant_id, join_id, yes=yes, reason=reason, by=who.email, secret=secret, now=now
        )
        if advocate is not None:
            said = "referral_approved" if yes else "referral_refused"
            subject, detail = f"referral {join_id}", {"reason": reason}
            audit_log.record(conn, who.merchant_id, actor=who.email, action=said, subject=subject, detail=detail)
            climb.touched(conn, merchant_id=who.merchant_id, customer_ids=[advocate], now=now)
    if advocate is None:
        flash(words()("referral.decided_before"), "bad")
    else:
        wake(services().redis, make_rewards, who.merchant_id, on="urgent")
        wake(services().redis, points_of, who.merchant_id, on="default")
        if yes:
            wake(services().redis, send_approved, who.merchant_id, friend, on="urgent")
        flash(words()("referral.decided"), "good")
    return redirect(url_for("referral_review.show"))
