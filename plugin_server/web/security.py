"""Headers that keep browsers honest, and the token that keeps other sites from acting in somebody's name."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, abort, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from plugin_server.web import health, webhooks, zeros
from plugin_server.web.api import door as api_door
from plugin_server.web.api import routes as api
from plugin_server.web.campaigning import campaigns
from plugin_server.web.card import asking, preferences, referrals, sheet, storefront, teams
from plugin_server.web.card import card as customer_card
from plugin_server.web.card import points as customer_points
from plugin_server.web.context import services
from plugin_server.web.customers import members
from plugin_server.web.shops import connect
from plugin_server.web.shops.embedded import in_frame

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
POLICY_WITH_PICTURES = POLICY.replace("img-src 'self'", "img-src 'self' https:")
"""For pages that show goods: shops keep the pictures of theirs with hosts of their own choice."""
NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""For answers to programs: should a browser show one, nothing runs."""
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
MACHINES = frozenset({"webhooks", "health", "api"})
"""Doors for programs: no page, no session."""
MACHINE_PATH = "/webhooks/"
SESSIONLESS = (MACHINE_PATH, api_door.PATH)
FRAME_COOKIE = "tangga-frame"
LARGEST_ID = 2**63 - 1
"""PostgreSQL's bigint: a larger number in an address belongs to nothing."""


class Sessions(SecureCookieSessionInterface):
    """Sessions for browsers; a delivery of a shop has none, and need not pay for one."""

    def get_cookie_name(self, app: Flask) -> str:
        """In a shop's frame another cookie: it holds notices and no person, and must be told apart."""
        return FRAME_COOKIE if in_frame() else super().get_cookie_name(app)

    def get_cookie_path(self, app: Flask) -> str:
        """In a frame, the shop's own path."""
        return request.script_root if in_frame() else super().get_cookie_path(app)

    def get_cookie_samesite(self, app: Flask) -> str | None:
        """A page in another site's frame gets its cookie back only so."""
        return "None" if in_frame() else super().get_cookie_samesite(app)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Browsers want it of a cookie for frames."""
        return bool(in_frame()) or super().get_cookie_secure(app)

    def get_cookie_partitioned(self, app: Flask) -> bool:
        """Kept apart per site that frames us."""
        return bool(in_frame()) or super().get_cookie_partitioned(app)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None for programs: reading is empty and writing is refused."""
        return None if request.path.startswith(SESSIONLESS) else super().open_session(app, request)


class Csrf(CSRFProtect):  # type: ignore[misc]  # the library is not typed
    """Forms are protected by a token beside the cookie; in a frame no cookie counts, and the ID token is the proof."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do where this very request carried a good ID token."""
        if "id_token" not in g:
            super().protect(*args, **kwargs)


def install(app: Flask) -> None:
    """CSRF for every form but those that prove themselves otherwise, and headers on every answer."""
    app.session_interface = Sessions()
    app.before_request(_refuse_nonsense)
    csrf = Csrf(app)
    csrf.exempt(webhooks.pages)
    csrf.exempt(health.pages)
    csrf.exempt(api.pages)
    # One-click unsubscribing carries no cookie by its standard; the link's own signature is the proof.
    csrf.exempt(customer_card.unsubscribe)
    csrf.exempt(customer_card.preferences)
    csrf.exempt(customer_points.take)
    csrf.exempt(members.join)
    csrf.exempt(connect.callback)
    # It looks at the token itself: with a stale one the form comes back with all that was typed, and nothing is saved.
    csrf.exempt(campaigns.create)
    # Links from mails and forms that shops link to, opened in browsers that may keep no cookie.
    csrf.exempt(preferences.pages)
    csrf.exempt(asking.pages)
    csrf.exempt(referrals.pages)
    csrf.exempt(teams.pages)
    # Reads only, for the shop's own pages; the token in it is the proof.
    csrf.exempt(storefront.mine)
    app.after_request(_headers)


def _refuse_nonsense() -> None:
    """What no page of ours ever sends and no row can hold: characters that end texts, numbers beyond all ids."""
    if any(isinstance(value, int) and value > LARGEST_ID for value in (request.view_args or {}).values()):
        abort(404)
    if request.path.startswith(MACHINE_PATH):
        return
    if "\x00" in request.path or any("\x00" in value for _, value in request.args.items(multi=True)):
        abort(404)
    if request.mimetype in FORMS and request.endpoint not in zeros.TELL and zeros.taken_out(request.form)[1]:
        abort(400)


def _headers(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.blueprint in MACHINES:
        response.headers["Content-Security-Policy"] = NOTHING
        response.headers.setdefault("Cache-Control", "no-store")
        return response
    policy = POLICY_WITH_PICTURES if "pictures" in g else POLICY
    response.headers.setdefault("Content-Security-Policy", sheet.allowed(policy))
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), browsing-topics=()"
    if services().settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if request.endpoint == "static":
        # Flask's own "no-cache" would have each page ask again for what its address says cannot change, and for the
        # letters that a style sheet names, which are what they are for as long as their name is.
        lasting = bool(request.args.get("v")) or request.path.endswith(".woff2")
        response.cache_control.public = True
        response.cache_control.no_cache = None if lasting else True
        response.cache_control.max_age = 31_536_000 if lasting else current_app.get_send_file_max_age("")
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response
