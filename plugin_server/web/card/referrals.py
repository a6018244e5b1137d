"""The friend's side of a referral: the page behind somebody's link, and the button in the friend's own mailbox.

Opening a page changes nothing, and the answer to an address is the same whether the shop knows it or not.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from flask import Blueprint, flash, g, request
from flask.typing import ResponseReturnValue

from campaigns.referral import ReferralTerms
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import signups, topics
from plugin_server.db.friends import referrals
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.merchants import BadMerchant
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving.rewards import make_rewards
from plugin_server.jobs.letters.confirm import send_friend
from plugin_server.jobs.queues import nudge, wake
from plugin_server.vault import read_referral_token
from plugin_server.web.card import signing
from plugin_server.web.card.visit import LONGEST, Visit, greet, own, stranger
from plugin_server.web.context import page, services, words

pages = Blueprint("referrals", __name__)


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whose link was opened, in which shop, and what a friend gets."""

    merchant_id: int
    advocate_id: int
    advocate: str
    shop: str
    currency: str
    terms: ReferralTerms


@pages.get("/r/<token>")
def show(token: str) -> ResponseReturnValue:
    """What a friend gets, from whom, and a place for the address."""
    found = _invitation(token)
    return _form(token, found) if found else stranger()


@pages.post("/r/<token>")
def join(token: str) -> ResponseReturnValue:
    """Take the address; everything else waits for its mailbox."""
    found = _invitation(token)
    if found is None:
        return stranger()
    try:
        email = signing.left()
    except BadMerchant:
        return _form(token, found, words()("join.bad_email")), 422
    now, merchant = services().now(), found.merchant_id
    with tenant(services().engine, merchant) as conn:
        friend, _ = signing.sign_up(conn, merchant, found.shop, {topics.PROMOTIONS}, now=now, double=True)
        asks = referrals.ask(
            conn, merchant, advocate_id=found.advocate_id, friend_id=friend, email=email, ip_hash=_visitor(), now=now
        )
    if asks:
        wake(services().redis, send_friend, merchant, friend, on="urgent", hold=60)
    return page("join_done.html", said="referral.look", email=email)


def _visitor() -> str:
    """Where they came from, so that many friends from one place are seen; the place itself is not kept."""
    secret, place = services().settings.keys[0].encode(), f"visitor:{request.remote_addr}".encode()
    return hmac.new(secret, place, hashlib.sha256).hexdigest()[:32]


@pages.get("/c/<token>/friend")
@own
def ask(who: Visit) -> ResponseReturnValue:
    """One button where an invitation stands, else why not; opening alone confirms nothing, for scanners open links."""
    with tenant(services().engine, who.merchant_id) as conn:
        stands = referrals.stands(conn, who.customer_id, services().now())
    return who.page("referral_confirm.html", stands=stands)


@pages.post("/c/<token>/friend")
@own
def confirm(who: Visit) -> ResponseReturnValue:
    """The mailbox answered: mails count from now on, and the friend's price is decided on."""
    now, merchant, friend = services().now(), who.merchant_id, who.customer_id
    with tenant(services().engine, merchant) as conn:
        if (stands := referrals.stands(conn, friend, now)) in ("none", "rests"):
            return who.page("referral_confirm.html", stands=stands), 409
        decided = referrals.confirm(conn, merchant, friend, secret=services().settings.keys[0], now=now)
        if decided is not None:
            audit_log.record(
                conn, merchant, actor="customer", action="referral_confirmed", subject=f"customer {friend}",
                detail={"state": decided.state, "reason": decided.reason},
            )  # fmt: skip
        signups.confirm(conn, merchant, friend, now)
        climb.touched(conn, merchant_id=merchant, customer_ids=[friend], now=now)
    if decided is not None and decided.state == "approved":
        nudge(services().redis, make_rewards, merchant)
    if decided is not None and decided.state != "review":  # of which the page tells as long as it lasts
        flash(words()(f"referral.friend_{decided.state}"), "good" if decided.state == "approved" else "bad")
    return who.back()


def _invitation(token: str) -> Invitation | None:
    """What the link says, in the visitor's language; None where it is not ours or nothing is given at the moment."""
    g.person = None
    read = read_referral_token(services().settings.keys, token) if len(token) < LONGEST else None
    if read is None:
        return None
    with tenant(services().engine, read[0]) as conn:
        shop, person = signups.shop(conn), customers.one(conn, read[1])
        set_to = referrals.terms_of(conn, read[1], services().now())
    if shop is None or person is None or not person.email or not set_to.on:
        return None
    g.host = read[0]
    greet(shop)
    return Invitation(read[0], person.id, person.first_name, shop.name, shop.currency, set_to)


def _form(token: str, found: Invitation, fault: str = "") -> str:
    return page("referral_join.html", token=token, invitation=found, fault=fault)
