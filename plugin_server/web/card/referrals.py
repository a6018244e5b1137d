"""The friend's side of a referral: the page behind somebody's link, and the button in the friend's own mailbox.

Opening a page changes nothing, and the answer to an address is the same whether the shop knows it or not.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from flask import Blueprint, abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.referral import ReferralTerms
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import signups, topics
from plugin_server.db.friends import referrals
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.merchants import BadMerchant, checked_email
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.giving.rewards import make_rewards
from plugin_server.jobs.letters.confirm import send_friend
from plugin_server.jobs.queues import wake
from plugin_server.vault import read_referral_token
from plugin_server.web.card.card import of_link, read_link, stranger
from plugin_server.web.card.preferences import too_often
from plugin_server.web.context import page, services, speak, words
from plugin_server.web.words import Words, language_of, zone_of

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
    email = request.form.get("email", "").strip()
    try:
        checked_email(email)
    except BadMerchant:
        return _form(token, found, words()("join.bad_email"), email[:254]), 422
    if too_often():
        abort(429)
    now, secret = services().now(), services().settings.keys[0]
    visitor = hmac.new(secret.encode(), f"visitor:{request.remote_addr}".encode(), hashlib.sha256).hexdigest()[:32]
    with tenant(services().engine, found.merchant_id) as conn:
        friend, _ = signups.take(
            conn, found.merchant_id, email=email, name=request.form.get("name", "")[:200],
            language=words().language, wanted={topics.PROMOTIONS},
            evidence=f"{request.base_url}: {words()('join.agree', shop=found.shop)}", now=now, double=True,
        )  # fmt: skip
        asks = referrals.ask(
            conn, found.merchant_id, advocate_id=found.advocate_id, friend_id=friend, email=email, ip_hash=visitor,
            now=now,
        )  # fmt: skip
        climb.touched(conn, merchant_id=found.merchant_id, customer_ids=[friend], now=now)
    if asks:
        wake(services().redis, send_friend, found.merchant_id, friend, on="urgent", hold=60)
    return page("referral_done.html", email=email)


@pages.get("/c/<token>/friend")
def ask(token: str) -> ResponseReturnValue:
    """One button; scanners open links, so that opening alone confirms nothing."""
    link = read_link(token)
    mine = of_link(link) if link else None
    return page("referral_confirm.html", card=mine, token=token) if mine else stranger()


@pages.post("/c/<token>/friend")
def confirm(token: str) -> ResponseReturnValue:
    """The mailbox answered: mails count from now on, and the friend's price is decided on."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    now, friend = services().now(), mine.customer.id
    with tenant(services().engine, link.merchant_id) as conn:
        decided = referrals.confirm(conn, link.merchant_id, friend, secret=services().settings.keys[0], now=now)
        if decided is not None:
            audit_log.record(
                conn, link.merchant_id, actor="customer", action="referral_confirmed", subject=f"customer {friend}",
                detail={"state": decided.state, "reason": decided.reason},
            )  # fmt: skip
        signups.confirm(conn, link.merchant_id, friend, now)
        climb.touched(conn, merchant_id=link.merchant_id, customer_ids=[friend], now=now)
    if decided is not None and decided.state == "approved":
        wake(services().redis, make_rewards, link.merchant_id, on="urgent")
    if decided is not None:
        flash(words()(f"referral.friend_{decided.state}"), "good" if decided.state == "approved" else "bad")
    return redirect(url_for("customer_card.show", token=token))


def _invitation(token: str) -> Invitation | None:
    """What the link says, in the visitor's language; None where it is not ours or nothing is given at the moment."""
    g.person = None
    read = read_referral_token(services().settings.keys, token) if len(token) < 500 else None
    if read is None:
        return None
    with tenant(services().engine, read[0]) as conn:
        shop, person, set_to = (
            signups.shop(conn),
            customers.one(conn, read[1]),
            referrals.terms_of(conn, read[1], services().now()),
        )
    if shop is None or person is None or not person.email or not set_to.on:
        return None
    g.host = read[0]
    asked = request.accept_languages.best_match(["en", "id", "nl"])
    speak(Words(language_of(asked, shop.locale), zone_of(shop.timezone), services().now()))
    return Invitation(read[0], person.id, person.first_name, shop.name, shop.currency, set_to)


def _form(token: str, found: Invitation, fault: str = "", email: str = "") -> str:
    return page("referral_join.html", token=token, invitation=found, fault=fault, email=email)
