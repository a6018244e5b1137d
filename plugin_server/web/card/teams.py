"""A team's own page behind its share link, and the button in the mailbox that takes a seat.

Opening a page changes nothing, and the answer to an address is the same whether the shop knows it or not.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import Row

from campaigns.offers.team import RUNNING, Answer, TeamRefused
from plugin_server.db.customers import signups, topics
from plugin_server.db.friends import team_seats
from plugin_server.db.friends import teams as rows
from plugin_server.db.friends.team_seats import Joined
from plugin_server.db.friends.teams import Found
from plugin_server.db.merchant.merchants import BadMerchant, checked_email
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving.teams import advance_teams
from plugin_server.jobs.letters.confirm import send_team
from plugin_server.jobs.queues import wake
from plugin_server.vault import read_team_token
from plugin_server.web.card.card import of_link, read_link, stranger
from plugin_server.web.card.preferences import too_often
from plugin_server.web.card.team_view import worth
from plugin_server.web.context import page, services, speak, words
from plugin_server.web.words import Words, language_of, zone_of

log = logging.getLogger(__name__)
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
    email, agreed = request.form.get("email", "").strip(), "agree" in request.form
    try:
        checked_email(email)
    except BadMerchant:
        return _page(token, found, {"email": "join.bad_email"}), 422
    if not agreed:
        return _page(token, found, {"agree": "team.no_agree"}), 422
    if too_often():
        abort(429)
    _ask(found, email)
    return page("team_done.html", email=email)


def _ask(found: Shown, email: str) -> None:
    now = services().now()
    agreed = words()("join.agree", shop=found.shop.name)
    with tenant(services().engine, found.merchant_id) as conn:
        person, _ = signups.take(
            conn, found.merchant_id, email=email, name=request.form.get("name", "")[:200], language=words().language,
            wanted={topics.PROMOTIONS}, evidence=f"{request.base_url}: {agreed}", now=now, double=True,
        )  # fmt: skip
        climb.touched(conn, merchant_id=found.merchant_id, customer_ids=[person], now=now)
    key = f"team-mail:{found.merchant_id}:{person}:{found.team.id}"
    if services().redis.set(key, 1, nx=True, ex=MAIL_AGAIN):
        wake(services().redis, send_team, found.merchant_id, person, found.team.id, on="urgent")


@pages.get("/c/<token>/team/<team>")
def ask(token: str, team: str) -> ResponseReturnValue:
    """One button; scanners open links, so that opening alone takes no seat."""
    link, found = read_link(token), _shown(team)
    mine = of_link(link) if link and found and found.merchant_id == link.merchant_id else None
    return page("team_confirm.html", card=mine, token=token, team=team, shown=found) if mine else stranger()


@pages.post("/c/<token>/team/<team>")
def confirm(token: str, team: str) -> ResponseReturnValue:
    """The mailbox answered: mails count from now on, and the seat is taken if one is left."""
    link, found = read_link(token), _shown(team)
    mine = of_link(link) if link and found and found.merchant_id == link.merchant_id else None
    if link is None or mine is None or found is None:
        return stranger()
    now, person = services().now(), mine.customer.id
    with tenant(services().engine, link.merchant_id) as conn:
        signups.confirm(conn, link.merchant_id, person, now)
        heard = team_seats.join(
            conn, link.merchant_id, found.team.id, person, secret=services().settings.keys[0], now=now
        )
        climb.touched(conn, merchant_id=link.merchant_id, customer_ids=[person], now=now)
    if heard is None:
        return stranger()
    _tell(link.merchant_id, heard)
    return redirect(url_for("customer_card.show", token=token))


def _tell(merchant_id: int, heard: Joined) -> None:
    taken = heard.answer is Answer.TAKEN
    done = taken and heard.team.now.state == "unlocked"
    if done:
        _wake(merchant_id)
    good = taken or heard.answer is Answer.ALREADY
    flash(words()(f"team_heard.{'done' if done else heard.answer}"), "good" if good else "bad")


def _wake(merchant_id: int) -> None:
    try:
        wake(services().redis, advance_teams, merchant_id, on="urgent")
    except RedisError as error:
        log.warning("the queue is away (%s); the scheduler looks every minute", error)


@pages.post("/c/<token>/teams/<int:deal_id>")
def start(token: str, deal_id: int) -> ResponseReturnValue:
    """Begin a team under a deal that customers may start teams of."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    now, person = services().now(), mine.customer.id
    try:
        with tenant(services().engine, link.merchant_id) as conn:
            if all(row.id != deal_id for row in rows.open_to(conn, person, now)):
                raise TeamRefused("This deal is not open to you.")
            rows.start(conn, link.merchant_id, deal_id, person, now=now)
        flash(words()("team.started"), "good")
    except TeamRefused:
        flash(words()("team.not_started"), "bad")
    return redirect(url_for("customer_card.show", token=token))


def _shown(token: str) -> Shown | None:
    """The team behind a link, in the visitor's language; None where the link is not ours."""
    g.person = None
    read = read_team_token(services().settings.keys, token) if len(token) < 500 else None
    if read is None:
        return None
    with tenant(services().engine, read[0]) as conn:
        shop, team = signups.shop(conn), rows.found(conn, read[1])
    if shop is None or team is None:
        return None
    g.host = read[0]
    asked = request.accept_languages.best_match(["en", "id", "nl"])
    speak(Words(language_of(asked, shop.locale), zone_of(shop.timezone), services().now()))
    return Shown(read[0], shop, team)


def _page(token: str, found: Shown, faults: dict[str, str] | None = None) -> str:
    left = (found.team.now.deadline - services().now()).total_seconds()
    return page("team.html", token=token, shown=found, team=found.team, left=left, faults=faults or {})
