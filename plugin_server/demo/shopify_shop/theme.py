"""The theme of the double: our own block rendered from its Liquid, a visitor who signs in, and the app proxy.

As Shopify does it: the block's settings have their defaults, reserved namespaces are resolved, and what goes through
``/apps/tangga`` is signed with the app's secret and says who is logged in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Blueprint, Response, current_app, render_template, request, send_from_directory, session
from liquid import Environment
from markupsafe import Markup

from plugin_server.demo.shop.store_front_words import WORDS
from plugin_server.demo.shopify_shop.floor import floor
from plugin_server.demo.shopify_shop.gids import gid
from plugin_server.demo.shopify_shop.metafield_fields import namespace_of
from plugin_server.demo.shopify_shop.model import Customer

theme = Blueprint("theme", __name__, template_folder="templates")
EXTENSION = Path(__file__).parents[3] / "extensions" / "tangga-storefront"
PREFIX = "/apps/tangga"
_SCHEMA = re.compile(r"{%-?\s*schema\s*-?%}(.*?){%-?\s*endschema\s*-?%}", re.DOTALL)


def block(language: str) -> Markup:
    """Our block as the theme shows it; empty where the shop has no app to pass questions to."""
    if "PROXY" not in current_app.config or not EXTENSION.is_dir():
        return Markup("")
    source = (EXTENSION / "blocks" / "rung.liquid").read_text(encoding="utf-8")
    found = _SCHEMA.search(source)
    schema: dict[str, Any] = json.loads(found[1]) if found else {}
    settings = {one["id"]: one.get("default") for one in schema["settings"]}
    environment = Environment(autoescape=False)  # As Shopify's: a block that forgets to escape shows it here.
    environment.add_filter("t", lambda key, **said: _translated(language, str(key), said))
    made = environment.from_string(_SCHEMA.sub("", source)).render(
        customer=_as_liquid(_visitor()), block={"settings": settings, "shopify_attributes": ""},
        routes={"account_login_url": "/account/login"},
    )  # fmt: skip
    head = f'<link rel="stylesheet" href="/cdn/{schema["stylesheet"]}">'
    return Markup(f'{head}{made}<script src="/cdn/{schema["javascript"]}" defer></script>')  # noqa: S704


def _translated(language: str, key: str, said: dict[str, Any]) -> str:
    named = EXTENSION / "locales" / f"{language}.json"
    words = json.loads((named if named.exists() else EXTENSION / "locales" / "en.default.json").read_text())
    for part in key.split("."):
        words = words[part]
    return re.sub(r"{{\s*(\w+)\s*}}", lambda place: str(said.get(place[1], "")), words)


def _visitor() -> Customer | None:
    return floor().shop.customers.get(session.get("customer", 0))


def _as_liquid(customer: Customer | None) -> dict[str, Any] | None:
    if customer is None:
        return None
    hung = {f"{one.namespace}.{one.key}": one.value for one in floor().shop.metafields_of(gid("Customer", customer.id))}
    own = namespace_of("$app:loyalty")
    loyalty = {key: {"value": hung[f"{own}.{key}"]} for key in ("rung", "rung_name") if f"{own}.{key}" in hung}
    return {"first_name": customer.first_name, "metafields": {"$app:loyalty": loyalty}}


@theme.get("/cdn/<name>")
def asset(name: str) -> Response:
    """A file of the extension, as Shopify's own network serves it."""
    return send_from_directory(EXTENSION / "assets", name)


@theme.route("/account/login", methods=["GET", "POST"])
def login() -> Response:
    """Sign in by address alone: this is a double. Signing in as nobody signs out."""
    if request.method == "POST":
        found = floor().shop.customer_by_email(request.form.get("email", ""))
        session["customer"] = found.id if found else 0
        return Response("", 303, {"Location": "/"})
    language = session.get("lang", "id")
    return Response(render_template("sign_in.html", w=WORDS[language], lang=language, shop=floor().shop))


@theme.get(f"{PREFIX}/<path:path>")
def proxy(path: str) -> Response:
    """Pass a question on to the app, signed."""
    shop = floor().shop
    visitor = _visitor()
    asked = [pair for pair in request.args.items(multi=True) if pair[0] != "signature"]
    asked += [
        ("shop", shop.domain), ("logged_in_customer_id", str(visitor.id) if visitor else ""), ("path_prefix", PREFIX),
        ("timestamp", str(int(shop.now().timestamp()))),
    ]  # fmt: skip
    signed = [*asked, ("signature", _signed(asked, shop.grants.client_secret))]
    answer = requests.get(f"{current_app.config['PROXY']}/{path}?{urlencode(signed)}", timeout=10)
    kind = answer.headers.get("Content-Type", "text/plain")
    return Response(answer.content, answer.status_code, content_type=kind)


def _signed(pairs: list[tuple[str, str]], secret: str) -> str:
    """SHA-256 over ``name=value`` of all names in order, nothing between; several values of a name with commas."""
    names = sorted({name for name, _ in pairs})
    text = "".join(f"{name}={','.join(value for other, value in pairs if other == name)}" for name in names)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
