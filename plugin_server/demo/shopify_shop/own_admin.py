"""The double's own admin, as far as it shows an app: a page with a frame, the script inside it, and its ID tokens."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, render_template

from plugin_server.demo.shopify_shop.floor import floor
from plugin_server.demo.shopify_shop.identity import id_token

own_admin = Blueprint("own_admin", __name__, template_folder="templates")
HOME = "APP_HOME"
"""Configuration: where the app is reached, ``http://127.0.0.1:8000``."""


@own_admin.get("/admin/apps/<client_id>")
@own_admin.get("/admin/apps/<client_id>/<path:path>")
def app(client_id: str, path: str = "shopify") -> str:
    """The app in its frame; with a path, that page of it."""
    shop, home = floor().shop, current_app.config.get(HOME)
    if home is None or client_id != shop.grants.client_id:
        abort(404)
    host = base64.b64encode(f"admin.shopify.com/store/{shop.domain.partition('.')[0]}".encode()).decode().rstrip("=")
    inside = f"{home}/{path}?{urlencode({'embedded': '1', 'shop': shop.domain, 'host': host})}"
    return render_template("admin_app.html", shop=shop, inside=inside)


@own_admin.get("/shopifycloud/app-bridge.js")
def bridge() -> Response:
    """What the app's pages load first: it gives ID tokens, and reloads a page that came without one."""
    return Response(render_template("app_bridge.js"), content_type="text/javascript; charset=utf-8")


@own_admin.get("/admin/id_token")
def token() -> Response:
    """A token of a minute, for pages of the app alone."""
    shop, home = floor().shop, current_app.config.get(HOME)
    if home is None or not shop.grants.installed:
        abort(404)
    made = id_token(shop=shop.domain, client_id=shop.grants.client_id, secret=shop.grants.client_secret, now=shop.now())
    return Response(made, content_type="text/plain", headers={"Access-Control-Allow-Origin": home})
