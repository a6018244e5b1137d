"""A team's own page behind its share link, and the button in the mailbox that takes a seat.

Opening a page changes nothing, and the answer to an address is the same whether the shop knows it or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from campaigns.offers.team import RUNNING, Answer, TeamRefused
from plugin_server.db.customers import signups, topics
from plugin_server.db.friends import team_seats
from plugin_server.db.friends import teams as rows
from plugin_server.db.friends.team_seats import Joined
from plugin_server.db.friends.teams import Found
from plugin_server.db.merchant.merchants import BadMerchant
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving.teams import advance_teams
from plugin_server.jobs.letters.confirm import send_team
from plugin_server.jobs.queues import nudge, wake
from plugin_server.vault import read_team_token
from plugin_server.web.card import signing
from plugin_server.web.card.team_view import worth
from plugin_server.web.card.visit import LONGEST, Visit, greet, own, stranger
from plugin_server.web.context import page, services, words

pages = Blueprint("teams", __name__)
MAIL_AGAIN = 300
"""Seconds before the same person is sent the same button again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A team behind a link, and the shop it is in."""

    merchant_id: int
    shop: Row[Any]
    team: Found

    @property
    def running(self) -> bool:
        """Whether its time is not over."""
        return self.team.now.state in RUNNING and services().now() < self.team.now.deadline

    @property
    def gift(self) -> str:
        """What each member gets, in the visitor's words."""
        return worth(words(), self.team.terms.gift, self.shop.currency)


@pages.get("/d/<token>")
def show(token: str) -> ResponseReturnValue:
    """Seats and time left, what a member gets and has to do, and a place for the address."""
    found = _shown(token)
    return _page(token, found) if found else stranger()


@pages.post("/d/<token>")
def join(token: str) -> ResponseReturnValue:
    """Take the address; the seat waits for its mailbox."""
    found = _shown(token)
    if found is None:
        return stranger()
    if not found.running or not found.team.now.left:
        return _page(token, found), 409
    try:
        email = signing.left()
    except BadMerchant:
        return _page(token, found, {"email": "join.bad_email"}), 422
    if "agree" not in request.form:
        return _page(token, found, {"agree": "team.no_agree"}), 422
    _ask(found)
    return page("join_done.html", said="team.look", email=email)


def _ask(found: Shown) -> None:
    now, merchant = services().now(), found.merchant_id
    with tenant(services().engine, merchant) as conn:
        person, _ = signing.sign_up(conn, merchant, found.shop.name, {topics.PROMOTIONS}, now=now, double=True)
    key = f"team-mail:{merchant}:{person}:{found.team.id}"
    if services().redis.set(key, 1, nx=True, ex=MAIL_AGAIN):
        wake(services().redis, send_team, merchant, person, found.team.id, on="urgent")


@pages.get("/c/<token>/team/<team>")
@own
def ask(who: Visit, team: str) -> ResponseReturnValue:
    """One button; scanners open links, so that opening alone takes no seat."""
    found = _shown(team, who)
    return who.page("team_confirm.html", team=team, shown=found) if found else stranger()


@pages.post("/c/<token>/team/<team>")
@own
def confirm(who: Visit, team: str) -> ResponseReturnValue:
    """The mailbox answered: mails count from now on, and the seat is taken if one is left."""
    found = _shown(team, who)
    if found is None:
        return stranger()
    now, merchant, person = services().now(), who.merchant_id, who.customer_id
    with tenant(services().engine, merchant) as conn:
        signups.confirm(conn, merchant, person, now)
        heard = team_seats.join(conn, merchant, found.team.id, person, secret=services().settings.keys[0], now=now)
        climb.touched(conn, merchant_id=merchant, customer_ids=[person], now=now)
    if heard is None:
        return stranger()
    _tell(merchant, heard)
    return who.back()


def _tell(merchant_id: int, heard: Joined) -> None:
    taken = heard.answer is Answer.TAKEN
    done = taken and heard.team.now.state == "unlocked"
    if done:
        nudge(services().redis, advance_teams, merchant_id)
    good = taken or heard.answer is Answer.ALREADY
    flash(words()(f"team_heard.{'done' if done else heard.answer}"), "good" if good else "bad")


@pages.post("/c/<token>/teams/<int:deal_id>")
@own
def start(who: Visit, deal_id: int) -> ResponseReturnValue:
    """Begin a team under a deal that customers may start teams of."""
    now, person = services().now(), who.customer_id
    try:
        with tenant(services().engine, who.merchant_id) as conn:
            if all(row.id != deal_id for row in rows.open_to(conn, person, now)):
                raise TeamRefused("This deal is not open to you.")
            rows.start(conn, who.merchant_id, deal_id, person, now=now)
        flash(words()("team.started"), "good")
    except TeamRefused:
        flash(words()("team.not_started"), "bad")
    return who.back()


def _shown(token: str, who: Visit | None = None) -> Shown | None:
    """The team behind a link; None where the link is not ours, or not of the shop whose customer ``who`` is.

    Without them the page speaks the visitor's language.
    """
    g.person = None
    read = read_team_token(services().settings.keys, token) if len(token) < LONGEST else None
    if read is None or (who and who.merchant_id != read[0]):
        return None
    with tenant(services().engine, read[0]) as conn:
        shop, team = signups.shop(conn), rows.found(conn, read[1])
    if shop is None or team is None:
        return None
    g.host = read[0]
    if who is None:
        greet(shop)
    return Shown(read[0], shop, team)


def _page(token: str, found: Shown, faults: dict[str, str] | None = None) -> str:
    left = (found.team.now.deadline - services().now()).total_seconds()
    return page("team.html", token=token, shown=found, team=found.team, left=left, faults=faults or {})
