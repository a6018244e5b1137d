"""Our pages inside the frame of a shop's own admin: each request proves itself by an ID token, and by nothing else.

A navigation without a good token goes to a bounce page, where the admin's own script fetches one and comes back, or, in
a tab of its own, into the admin; a fetch is told to ask again. The shop is taken from the token; the path must agree
with it.
"""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Flask, Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import BadSignature, ConnectorError
from connectors.shopify.auth import RETRY_HEADER, App, IdToken, admin_url, read_id_token
from connectors.shopify.names import shop_name
from plugin_server import wiring
from plugin_server.frame import KEY
from plugin_server.jobs.reading.embedding import Visit, visited
from plugin_server.web.context import page, services

pages = Blueprint("connect_embedded", __name__)
CDN = "https://cdn.shopify.com"
BRIDGE = "/shopifycloud/app-bridge.js"
ADMIN = "https://admin.shopify.com"
TOKEN = "id_token"  # noqa: S105 - the name of a parameter


@pages.get("/shopify")
def enter() -> ResponseReturnValue:
    """The address that Shopify's admin opens. Outside of its frame, the browser is sent into it."""
    app = _app()
    try:
        shop = shop_name(request.args.get("shop", ""))
    except ConnectorError:
        return redirect(url_for("login.form"))
    inside = request.args.get("embedded") == "1" or request.headers.get("Sec-Fetch-Dest") == "iframe"
    if not inside and TOKEN not in request.args:
        return redirect(admin_url(app, shop))
    kept = {name: value for name, value in request.args.items() if name in {TOKEN, "host"}}
    return redirect(f"{url_for('.enter')}/{shop}/home?{urlencode(kept)}")


@pages.get("/shopify/bounce")
def bounce() -> ResponseReturnValue:
    """Nothing but the admin's script: it fetches a token and opens the address it is given again."""
    try:
        shop = shop_name(request.args.get("shop", ""))
    except ConnectorError:
        abort(400)
    back = f"{services().settings.public_url}/shopify/{shop}/"
    if not request.args.get("shopify-reload", "").startswith(back):
        abort(400)
    answer = Response(render_template("embedded_bounce.html", client_id=_app().client_id, bridge=_bridge()))
    answer.headers["Content-Security-Policy"] = _policy(shop)
    return answer


def install(app: Flask) -> None:
    """Look at every request below a shop's path before anything else does, and fit answers to the frame."""
    app.before_request(_admit)
    app.after_request(_fit)
    app.url_defaults(_carry)
    app.context_processor(lambda: {"frame": shown()})


def in_frame() -> str | None:
    """The shop whose path this request came by; None outside of a frame."""
    return cast("str | None", request.environ.get(KEY))


def shown() -> dict[str, str] | None:
    """What the page's head needs inside a frame; None outside."""
    return {"client_id": _app().client_id, "bridge": _bridge()} if in_frame() and "id_token" in g else None


def _app() -> App:
    return wiring.shop_app(services().settings) or abort(404)


def _bridge() -> str:
    origin = services().settings.shopify_admin_origin
    return f"{origin.rstrip('/') if origin else CDN}{BRIDGE}"


def _given() -> str:
    """The token of this request: of a fetch in its header, of a form in a field, of a navigation in the address."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind == "Bearer":
        return token
    return request.form.get(TOKEN, "") or request.args.get(TOKEN, "")


def _admit() -> ResponseReturnValue | None:
    shop = in_frame()
    if shop is None or request.endpoint == "static":
        return None
    try:
        token = read_id_token(_given(), _app(), services().now())
    except BadSignature:
        return _ask_again(shop)
    if token.shop != shop:
        abort(403)
    try:
        visit = visited(services(), token)
    except ConnectorError as error:
        if error.code == "invalid_subject_token":
            return _ask_again(shop)
        g.id_token, g.person = token, None
        return page("embedded_fault.html", fault=error.sentence), 422
    _remember(visit, token)
    return None


def _remember(visit: Visit, token: IdToken) -> None:
    g.person, g.id_token = visit.person, token


def _ask_again(shop: str) -> ResponseReturnValue:
    fetched = request.headers.get("HX-Request") == "true" or "Authorization" in request.headers
    if fetched or request.method != "GET":
        return "", 401, {RETRY_HEADER: "1"}
    if request.headers.get("Sec-Fetch-Dest") == "document":  # a tab of its own, where the admin's script has no admin
        return redirect(admin_url(_app(), shop, f"{request.script_root}{request.path}"))
    kept = [(name, value) for name, value in parse_qsl(request.query_string.decode()) if name != TOKEN]
    back = f"{services().settings.public_url}{request.script_root}{request.path}"
    query = {"shop": shop, "shopify-reload": f"{back}?{urlencode(kept)}" if kept else back}
    return redirect(f"/shopify/bounce?{urlencode(query)}")


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    """Addresses on a page in the frame carry the token the page came with: good for a minute, then one bounce more."""
    if endpoint != "static" and "id_token" in g and in_frame() and not endpoint.startswith("connect_embedded."):
        values.setdefault(TOKEN, g.id_token.text)


def _policy(shop: str) -> str:
    extra = f" {services().settings.shopify_admin_origin}" if services().settings.shopify_admin_origin else ""
    return (
        f"default-src 'none'; script-src 'self' {CDN}{extra}; style-src 'self' {CDN}; img-src 'self' data: {CDN}; "
        f"font-src 'self' {CDN}; connect-src 'self' https://{shop} {ADMIN} {CDN}{extra}; frame-src 'self' {ADMIN}; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {_ancestors(shop)}"
    )


def _ancestors(shop: str) -> str:
    extra = f" {services().settings.shopify_admin_origin}" if services().settings.shopify_admin_origin else ""
    return f"https://{shop} {ADMIN}{extra}"


def _fit(response: Response) -> Response:
    """Let the shop's admin, and nobody else, show this; keep redirects inside the frame."""
    shop = in_frame()
    framed = response.headers.get("Content-Security-Policy", "")
    if shop is None:
        if request.endpoint == "connect_embedded.bounce":
            response.headers.pop("X-Frame-Options", None)
        return response
    response.headers.pop("X-Frame-Options", None)
    response.headers.pop("Cross-Origin-Opener-Policy", None)
    if "sandbox" in framed:
        own = f"frame-ancestors 'self' {_ancestors(shop)}"
        response.headers["Content-Security-Policy"] = re.sub(r"frame-ancestors [^;]*", own, framed)
    elif request.endpoint != "static":
        response.headers["Content-Security-Policy"] = _policy(shop)
    if response.location and "id_token" in g:
        response.location = _inside(response.location)
    return response


def _inside(address: str) -> str:
    parts = urlsplit(address)
    if parts.netloc or not parts.path.startswith("/") or parts.path.startswith("/shopify/bounce"):
        return address
    path = parts.path if parts.path.startswith(f"{request.script_root}/") else f"{request.script_root}{parts.path}"
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != TOKEN]
    return urlunsplit(("", "", path, urlencode([*query, (TOKEN, g.id_token.text)]), parts.fragment))
