"""A customer's own choice of what they receive, and sign-ups from outside. Opening a page changes nothing.

A sign-up counts at once, or only after a click in the mailbox where the merchant asks for that (double opt-in).
"""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import signups, topics
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.merchants import BadMerchant
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.jobs.letters.confirm import send_confirmation
from plugin_server.jobs.queues import wake
from plugin_server.web.card import signing
from plugin_server.web.card.visit import Visit, greet, own
from plugin_server.web.context import page, services, words

pages = Blueprint("preferences", __name__)


@pages.get("/c/<token>/preferences")
@own
def show(who: Visit) -> ResponseReturnValue:
    """All topics with what was said of them."""
    with tenant(services().engine, who.merchant_id) as conn:
        chosen, known = topics.said(conn, who.customer_id), topics.all_topics(conn)
    return who.page("preferences.html", topics=known, chosen=chosen, saved="saved" in request.args)


@pages.post("/c/<token>/topics")
@own
def choose(who: Visit) -> ResponseReturnValue:
    """Keep exactly what is ticked. The link came by mail, so that it proves the mailbox."""
    merchant, person = who.merchant_id, who.customer_id
    with tenant(services().engine, merchant) as conn:
        changed = topics.choose(
            conn, merchant, person, set(request.form.getlist("topic")), source="preferences", evidence="own link",
            now=services().now(),
        )  # fmt: skip
        if changed:
            subject = f"customer {person}"
            audit_log.record(conn, merchant, actor="customer", action="topics_chosen", subject=subject, detail=changed)
    return redirect(url_for("preferences.show", token=who.token, saved=1))


@pages.get("/join/<int:merchant>")
def form(merchant: int) -> ResponseReturnValue:
    """A form to sign up with: what will come, from whom, and how to say no again."""
    return _form(merchant)


def _form(merchant: int, fault: str = "") -> str:
    with tenant(services().engine, merchant) as conn:
        shop = signups.shop(conn) or abort(404)
        known, double = topics.all_topics(conn), topics.double_opt_in(conn)
    greet(shop)
    said = words()(fault) if fault else ""
    return page("join.html", shop=shop, merchant=merchant, topics=known, double=double, fault=said)


@pages.post("/join/<int:merchant>")
def join(merchant: int) -> ResponseReturnValue:
    """Take the sign-up; the answer is the same whether the address was known or not."""
    try:
        email = signing.left()
    except BadMerchant:
        return _form(merchant, "join.bad_email"), 422
    with tenant(services().engine, merchant) as conn:
        shop = signups.shop(conn) or abort(404)
        greet(shop)
        known = {topic.key for topic in topics.all_topics(conn)}
        wanted = known & set(request.form.getlist("topic") or [topics.PROMOTIONS])
        person, asks = signing.sign_up(conn, merchant, shop.name, wanted, now=services().now())
    if asks:
        wake(services().redis, send_confirmation, merchant, person, on="urgent", hold=60)
    return page("join_done.html", said="join.confirm" if asks else "join.done", email=email)


@pages.get("/c/<token>/confirm")
@own
def ask(who: Visit) -> ResponseReturnValue:
    """One button, where something waits for it; scanners open links, so that opening alone confirms nothing."""
    with tenant(services().engine, who.merchant_id) as conn:
        waits = signups.waits(conn, who.customer_id)
    return who.page("confirm.html", waits=waits)


@pages.post("/c/<token>/confirm")
@own
def confirm(who: Visit) -> ResponseReturnValue:
    """From now on it counts."""
    now = services().now()
    with tenant(services().engine, who.merchant_id) as conn:
        if signups.confirm(conn, who.merchant_id, who.customer_id, now):
            climb.touched(conn, merchant_id=who.merchant_id, customer_ids=[who.customer_id], now=now)
    return redirect(url_for("preferences.show", token=who.token, saved=1))
