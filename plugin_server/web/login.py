"""Log-in by a link sent by mail. Opening the link changes nothing: mail scanners open links too; its button does."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, unquote, urlsplit

from flask import Blueprint, abort, flash, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError

from plugin_server.db.merchant import audit_log, people
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.letters.login import send_login
from plugin_server.jobs.queues import wake
from plugin_server.locales import LANGUAGES
from plugin_server.web.context import LANGUAGE_COOKIE, page, services, visitor, words
from plugin_server.web.guards import requires
from plugin_server.web.shops.embedded import in_frame
from plugin_server.wiring import Services

pages = Blueprint("login", __name__)
WANTED = "tangga_wanted"
"""A cookie with the page to go on to: the link comes by mail and knows none. Not in the session, which an answer to
the page before, coming late, would write anew without it."""
PER_ADDRESS = 5
PER_VISITOR = 30
WITHIN = 900
"""Seconds in which so many links may be asked for."""


@pages.get("/login")
def form() -> ResponseReturnValue:
    """Ask for the address."""
    wanted = _safe(request.args.get("next"))
    if visitor():
        return redirect(wanted or url_for("home.show"))
    answer = make_response(page("login.html"))
    if wanted:
        answer.set_cookie(
            WANTED, quote(wanted), max_age=3600, httponly=True, samesite="Lax", secure=services().settings.production
        )
    return answer


@pages.post("/login")
def ask() -> ResponseReturnValue:
    """Send a link to everybody with this address; the answer is the same whether there is anybody or not."""
    email = request.form.get("email", "").strip()
    if "@" not in email or len(email) > 254:
        return page("login.html", fault=words()("login.not_an_address"), email=email[:254]), 422
    try:
        if _too_often(email.lower()):
            abort(429)
        known = people.by_email(services().engine, email) or [(0, 0)]
        for merchant_id, user_id in known:
            wake(services().redis, send_login, merchant_id, user_id, on="urgent", hold=5)
    except RedisError:
        abort(503)
    return page("login_sent.html", email=email)


def _too_often(email: str) -> bool:
    redis = services().redis
    for key, most in ((f"login:a:{email}", PER_ADDRESS), (f"login:v:{request.remote_addr}", PER_VISITOR)):
        steps = redis.pipeline()
        steps.incr(key)
        steps.expire(key, WITHIN, nx=True)
        count, _ = steps.execute()
        if count > most:
            return True
    return False


@pages.get("/login/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Show one button. Nothing is used up yet."""
    if not people.link_is_good(services().engine, token, services().now()):
        return page("login_stale.html"), 410
    return page("login_confirm.html", token=token)


@pages.post("/login/<token>")
def enter(token: str) -> ResponseReturnValue:
    """Use the link up and log in."""
    who = people.use_link(services().engine, token, services().now())
    if who is None:
        return page("login_stale.html"), 410
    wanted = _safe(unquote(request.cookies.get(WANTED, "")))
    session.clear()
    session.permanent = True
    session.update(merchant=who.merchant_id, user=who.user_id, version=who.session_version)
    with tenant(services().engine, who.merchant_id) as connection:
        audit_log.record(connection, who.merchant_id, actor=who.email, action="login")
    answer = redirect(wanted or url_for("home.show"))
    answer.delete_cookie(WANTED)
    return answer


@pages.post("/logout")
def leave() -> ResponseReturnValue:
    """Forget who is looking, in this browser."""
    session.clear()
    return redirect(url_for("login.form"))


@pages.post("/logout/everywhere")
@requires("viewer")
def leave_everywhere(who: Person) -> ResponseReturnValue:
    """End this person's sessions in all browsers."""
    with tenant(services().engine, who.merchant_id) as connection:
        people.log_out_everywhere(connection, who.user_id)
        audit_log.record(connection, who.merchant_id, actor=who.email, action="logout_everywhere")
    session.clear()
    if in_frame():
        # Whoever is here by the shop's own admin stays: that log-in is not ours to end.
        flash(words()("settings.left_everywhere"), "good")
        return redirect(url_for("settings.show"))
    return redirect(url_for("login.form"))


@pages.post("/language")
def language() -> ResponseReturnValue:
    """Switch the language and go back."""
    wish = request.form.get("language", "")
    if wish not in LANGUAGES:
        abort(400)
    if who := visitor():
        with tenant(services().engine, who.merchant_id) as connection:
            people.set_language(connection, who.user_id, wish)
    answer = redirect(_safe(request.form.get("next")) or url_for("login.form"))
    answer.set_cookie(
        LANGUAGE_COOKIE,
        wish,
        max_age=timedelta(days=365),
        httponly=True,
        samesite="Lax",
        secure=services().settings.production,
    )
    return answer


def _safe(address: str | None) -> str | None:
    """A path of ours to go on to; None for anything that could lead to another site."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or len(address) > 500:
        return None
    parts = urlsplit(address.replace("\\", "/"))
    return address if not parts.netloc and not parts.scheme and address.isprintable() else None


def make_login_link(services: Services, merchant_id: int, user_id: int, lasts: timedelta = people.LINK_LASTS) -> str:
    """A log-in address for this person, good once while it ``lasts``: for the command line."""
    with tenant(services.engine, merchant_id) as connection:
        token = people.issue_link(connection, merchant_id, user_id, services.now(), lasts)
    return f"{services.settings.public_url}/login/{token}"
