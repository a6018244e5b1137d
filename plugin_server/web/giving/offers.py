"""Offers: all that the shop gives away, in one list: what it is, whom it came to, and what it took off orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from campaigns.points.program import Reward
from campaigns.schema import Campaign, Offer
from plugin_server.db.campaigning import campaigns
from plugin_server.db.friends import referrals
from plugin_server.db.merchant.people import Person
from plugin_server.db.points import orders as points_orders
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.campaigning import offer_words
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("offers", __name__)
Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: its name and page, what it gives, how it stands, and its figures where codes were made."""

    name: str
    address: str
    gifts: tuple[str, ...]
    state: str
    figures: dict[str, Any]


@pages.get("/offers")
@requires("viewer")
def show(who: Person) -> ResponseReturnValue:
    """Offers of campaigns, the newest first; then friends, teams and rewards."""
    with tenant(services().engine, who.merchant_id) as conn:
        made = figures.soon(services(), conn, who.merchant_id, "offers")
        found: Figures = made.document if made else {}
        listed = [*_campaigns(conn, who, found), *_friends(conn, who, found), *_teams(found), *_rewards(conn, found)]
    return page("offers.html", section="campaigns", made=made, listed=listed)


def _campaigns(conn: Connection, who: Person, found: Figures) -> Iterator[Line]:
    for saved in reversed(campaigns.all_saved(conn)):
        offers = dict.fromkeys(_gifts(conn, saved.campaign, who.currency))
        if offers:
            address = url_for("campaigns.show", key=saved.campaign.key)
            # One that was launched by hand stays a draft; it is as far as its newest run.
            run = next(iter(campaigns.runs_of(conn, saved.id)), None) if saved.state == "draft" else None
            state = words()(f"run_state.{run.state}" if run else f"campaign_state.{saved.state}")
            yield Line(saved.campaign.title, address, tuple(offers), state, found.get(f"campaign:{saved.id}", {}))


def _gifts(conn: Connection, campaign: Campaign, currency: str) -> Iterator[str]:
    """What a campaign's own offer, those of its variants and those of its steps give."""
    own: list[Offer | None] = [campaign.offer]
    own += [one.offer for one in campaign.measure.variants if one.offer and one.offer != "none"]
    own += [step.offer for step in campaign.steps or () if step.kind == "offer"]
    for offer in [one for one in own if one is not None]:
        yield offer_words.gift(offer_words.named(conn, offer), words(), currency)


def _friends(conn: Connection, who: Person, found: Figures) -> Iterator[Line]:
    terms, told, t = referrals.terms(conn), found.get("claim:friend", {}), words()
    if terms.on or told:
        gift = t("offer.percentage", percent=f"{terms.percent.normalize():f}")
        if terms.minimum:
            gift = t("offer.from", gift=gift, amount=t.major(terms.minimum, who.currency))
        state = t("gifts.on" if terms.on else "gifts.off")
        yield Line(t("referral.title"), url_for("referral_review.settings"), (gift,), state, told)


def _teams(found: Figures) -> Iterator[Line]:
    if told := found.get("claim:team"):
        yield Line(words()("team.title"), url_for("team_deals.index"), (), "", told)


def _rewards(conn: Connection, found: Figures) -> Iterator[Line]:
    """Those that can be taken, and those of earlier programmes that were."""
    force, t = points_orders.in_force(conn), words()
    known = {one.key: one for one in force.program.rewards} if force else {}
    taken = [name.removeprefix("claim:") for name in found if name.startswith("claim:")]
    for key in dict.fromkeys([*known, *sorted(set(taken) - {"team", "friend"})]):
        told = found.get(f"claim:{key}", {})
        name = known[key].called(t.language) if key in known else told["name"]
        gives = (_reward(known[key], force.currency),) if force and key in known else ()
        state = t("gifts.off" if key not in known else "gifts.paused" if force and force.paused else "gifts.on")
        yield Line(name, url_for("points.show"), gives, state, told)


def _reward(one: Reward, currency: str) -> str:
    t, value = words(), one.value or Decimal(0)
    gift = t(f"offer.{one.kind}", percent=f"{value.normalize():f}", amount=t.major(value, currency))
    if one.minimum:
        gift = t("offer.from", gift=gift, amount=t.major(one.minimum, currency))
    return t("gifts.points", gift=gift, n=one.points)
