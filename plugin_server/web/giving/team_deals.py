"""The owner's side of team deals: the list with its money, a form, and one deal with its teams."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.offers.team import TeamRefused, TeamTerms
from plugin_server.db.friends import team_list, team_seats, teams
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.giving.teams import advance_teams
from plugin_server.jobs.queues import wake
from plugin_server.web.card.team_view import url_of, worth
from plugin_server.web.context import page, services, words
from plugin_server.web.giving.team_form import EMPTY, read
from plugin_server.web.guards import requires

pages = Blueprint("team_deals", __name__)


@pages.get("/teams")
@requires("viewer")
def index(who: Person) -> ResponseReturnValue:
    """All deals with their figures."""
    with tenant(services().engine, who.merchant_id) as conn:
        found = team_list.deals(conn)
    gifts = {one.id: worth(words(), TeamTerms.model_validate(one.terms).gift, who.currency) for one in found}
    return page("team_deals.html", section="campaigns", deals=found, gifts=gifts)


@pages.get("/teams/new")
@requires("marketer")
def new(_who: Person) -> ResponseReturnValue:
    """The form, with a sensible beginning."""
    return page("team_deal_new.html", section="campaigns", form=EMPTY, faults={})


@pages.post("/teams")
@requires("marketer")
def save(who: Person) -> ResponseReturnValue:
    """Open a deal; what cannot be kept is refused at its field, or above the form."""
    terms, ends_on, faults = read(request.form, words().language)
    if terms is not None:
        try:
            with tenant(services().engine, who.merchant_id) as conn:
                number = teams.save_deal(
                    conn, who.merchant_id, name=request.form["name"].strip()[:120], terms=terms, ends_on=ends_on,
                    by=who.email, now=services().now(),
                )  # fmt: skip
        except TeamRefused as refusal:
            faults = {_field_of(str(refusal)): str(refusal)}
        else:
            flash(words()("team.opened"), "good")
            return redirect(url_for("team_deals.show", deal_id=number))
    form = EMPTY | {name: request.form.get(name, "") for name in EMPTY}
    return page("team_deal_new.html", section="campaigns", form=form, faults=faults), 422


def _field_of(sentence: str) -> str:
    return "ends_on" if "last day" in sentence else "budget" if "budget" in sentence else "value"


@pages.get("/teams/<int:deal_id>")
@requires("viewer")
def show(who: Person, deal_id: int) -> ResponseReturnValue:
    """One deal: its terms, its figures, and its teams, those that run first."""
    with tenant(services().engine, who.merchant_id) as conn:
        deal = team_list.deal(conn, deal_id) or abort(404)
        found = team_list.teams_of(conn, deal_id)
        told = team_list.told(conn, found)
    terms = TeamTerms.model_validate(deal.terms)
    urls = {one.id: url_of(who.merchant_id, one.id) for one in found}
    comfort = worth(words(), terms.consolation, who.currency) if terms.consolation else ""
    return page(
        "team_deal.html", section="campaigns", deal=deal, terms=terms, found=found, told=told, urls=urls,
        gift=worth(words(), terms.gift, who.currency), comfort=comfort, most=team_list.SHOWN,
        local=lambda moment: moment.astimezone(ZoneInfo(who.timezone)).strftime("%Y-%m-%dT%H:%M"),
    )  # fmt: skip


@pages.post("/teams/<int:deal_id>/close")
@requires("marketer")
def close(who: Person, deal_id: int) -> ResponseReturnValue:
    """No new teams; those that run go on."""
    with tenant(services().engine, who.merchant_id) as conn:
        if team_list.deal(conn, deal_id) is None:
            abort(404)
        teams.close_deal(conn, who.merchant_id, deal_id, by=who.email, now=services().now())
    flash(words()("team.closed"), "good")
    return redirect(url_for("team_deals.show", deal_id=deal_id))


@pages.post("/teams/<int:deal_id>/<int:team_id>")
@requires("marketer")
def change(who: Person, deal_id: int, team_id: int) -> ResponseReturnValue:
    """Give a team more time, or end it with a reason."""
    act = "extend" if "extend" in request.form else "end"
    try:
        with tenant(services().engine, who.merchant_id) as conn:
            team = teams.found(conn, team_id)
            if team is None or team.deal_id != deal_id:
                abort(404)
            (_extend if act == "extend" else _end)(conn, who, team_id)
    except TeamRefused as refusal:
        flash(words().said(str(refusal)), "bad")
    else:
        wake(services().redis, advance_teams, who.merchant_id, on="urgent")
        flash(words()("team.extended" if act == "extend" else "team.ended"), "good")
    return redirect(url_for("team_deals.show", deal_id=deal_id))


def _extend(conn: Any, who: Person, team_id: int) -> None:
    try:
        until = datetime.fromisoformat(request.form.get("until", "")).replace(tzinfo=ZoneInfo(who.timezone))
    except ValueError as error:
        raise TeamRefused("Give the new deadline as a day and a time.") from error
    team_seats.extend(conn, who.merchant_id, team_id, until, by=who.email, now=services().now())


def _end(conn: Any, who: Person, team_id: int) -> None:
    team_seats.end(
        conn, who.merchant_id, team_id, reason=request.form.get("reason", ""), by=who.email,
        secret=services().settings.keys[0], now=services().now(),
    )  # fmt: skip
