"""A customer's own choice of what they receive, and sign-ups from outside. Opening a page changes nothing.

A sign-up counts at once, or only after a click in the mailbox where the merchant asks for that (double opt-in).
"""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError

from plugin_server.db.customers import signups, topics
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.merchants import BadMerchant, checked_email
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.letters.confirm import send_confirmation
from plugin_server.jobs.queues import wake
from plugin_server.web.card.card import of_link, read_link, stranger
from plugin_server.web.context import page, services, speak
from plugin_server.web.words import Words, language_of, zone_of

pages = Blueprint("preferences", __name__)
PER_VISITOR = 20
WITHIN = 900


@pages.get("/c/<token>/preferences")
def show(token: str) -> ResponseReturnValue:
    """All topics with what was said of them."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as connection:
        chosen, known = topics.said(connection, mine.customer.id), topics.all_topics(connection)
    return page("preferences.html", card=mine, token=token, topics=known, chosen=chosen, saved="saved" in request.args)


@pages.post("/c/<token>/topics")
def choose(token: str) -> ResponseReturnValue:
    """Keep exactly what is ticked. The link came by mail, so that it proves the mailbox."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as connection:
        changed = topics.choose(
            connection, link.merchant_id, mine.customer.id, set(request.form.getlist("topic")),
            source="preferences", evidence="own link", now=services().now(),
        )  # fmt: skip
        if changed:
            audit_log.record(
                connection, link.merchant_id, actor="customer", action="topics_chosen",
                subject=f"customer {mine.customer.id}", detail=changed,
            )  # fmt: skip
    return redirect(url_for("preferences.show", token=token, saved=1))


@pages.get("/join/<int:merchant>")
def form(merchant: int) -> ResponseReturnValue:
    """A form to sign up with: what will come, from whom, and how to say no again."""
    return _form(merchant)


def _form(merchant: int, fault: str = "", email: str = "") -> str:
    g.person = None
    with tenant(services().engine, merchant) as connection:
        shop = signups.shop(connection) or abort(404)
        known, double = topics.all_topics(connection), topics.double_opt_in(connection)
    _speak(shop.locale, shop.timezone)
    return page("join.html", shop=shop, merchant=merchant, topics=known, double=double, fault=fault, email=email)


@pages.post("/join/<int:merchant>")
def join(merchant: int) -> ResponseReturnValue:
    """Take the sign-up; the answer is the same whether the address was known or not."""
    email = request.form.get("email", "").strip()
    _form(merchant, email=email)
    try:
        checked_email(email)
    except BadMerchant:
        return _form(merchant, g.words("join.bad_email"), email[:254]), 422
    if too_often():
        abort(429)
    words: Words = g.words
    with tenant(services().engine, merchant) as connection:
        known = {topic.key for topic in topics.all_topics(connection)}
        customer_id, asks = signups.take(
            connection, merchant, email=email, name=request.form.get("name", "")[:200], language=words.language,
            wanted=known & set(request.form.getlist("topic") or [topics.PROMOTIONS]),
            evidence=f"{request.base_url}: {words('join.agree', shop=signups.named(connection))}", now=services().now(),
        )  # fmt: skip
        climb.touched(connection, merchant_id=merchant, customer_ids=[customer_id], now=services().now())
    if asks:
        wake(services().redis, send_confirmation, merchant, customer_id, on="urgent", hold=60)
    return page("join_done.html", double=asks, email=email)


@pages.get("/c/<token>/confirm")
def ask(token: str) -> ResponseReturnValue:
    """One button; scanners open links, so that opening alone confirms nothing."""
    link = read_link(token)
    mine = of_link(link) if link else None
    return page("confirm.html", card=mine, token=token) if mine else stranger()


@pages.post("/c/<token>/confirm")
def confirm(token: str) -> ResponseReturnValue:
    """From now on it counts."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as connection:
        now = services().now()
        if signups.confirm(connection, link.merchant_id, mine.customer.id, now):
            climb.touched(connection, merchant_id=link.merchant_id, customer_ids=[mine.customer.id], now=now)
    return redirect(url_for("preferences.show", token=token, saved=1))


def too_often() -> bool:
    """Whether this visitor left more addresses lately than one person has."""
    redis, key = services().redis, f"join:{request.remote_addr}"
    try:
        count = redis.incr(key)
        redis.expire(key, WITHIN, nx=True)
    except RedisError:
        abort(503)
    return bool(count > PER_VISITOR)


def _speak(locale: str, zone: str) -> None:
    asked = request.accept_languages.best_match(["en", "id", "nl"])
    speak(Words(language_of(asked, locale), zone_of(zone), services().now()))
