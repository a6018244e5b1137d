"""The block in a shop's own window: rung, points and what is next, for the one customer who stands there.

Who that is, only a signature says: Shopify's over a request of a logged-in customer, or ours in the token that a
browser got from its customer's own card. Nobody is looked up by an address; without a signature nothing personal is
said.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, g, jsonify, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from connectors.errors import BadSignature
from connectors.shopify.app_proxy import Proxied, read_proxied
from plugin_server.db.customers import membership
from plugin_server.db.customers.card import card
from plugin_server.db.merchant import brand
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import store_page, storefront
from plugin_server.vault import CustomerLink, Shopper, customer_token, read_storefront_token, storefront_token
from plugin_server.web.card.face import next_step
from plugin_server.web.card.held_points import held
from plugin_server.web.context import page, services
from plugin_server.web.guards import requires
from plugin_server.web.ladder.rungs import explain, public_names
from plugin_server.web.secrets_cache import SecretsCache
from plugin_server.web.words import Words, language_of, zone_of

pages = Blueprint("storefront", __name__)
LASTS_DAYS = 180
"""How long a browser is remembered in a shop without log-in; opening the card anew begins anew."""
LONGEST = 400
NOBODY: dict[str, Any] = {"shown": False}


@pages.get("/storefront/block.js")
def script() -> ResponseReturnValue:
    """The small script that shops without log-in of ours put on their pages. It knows nobody."""
    answer = send_from_directory(f"{current_app.static_folder}/dist", "storefront.js", mimetype="text/javascript")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@pages.post("/storefront/me")
def mine() -> ResponseReturnValue:
    """What the block shows whoever's browser brings a token, to pages of the token's own shop alone."""
    g.person = None
    token = request.get_data(cache=False, as_text=True) if (request.content_length or 0) <= LONGEST else ""
    shopper, now = read_storefront_token(services().settings.keys, token), services().now()
    if shopper is None:
        return _refused("*")
    with tenant(services().engine, shopper.merchant_id) as conn:
        url, person = storefront.address(conn, shopper.store_id), storefront.living(conn, shopper.customer_id)
        if url is None or request.headers.get("Origin") != origin_of(url):
            return jsonify(NOBODY), 403
        if person is None or not 0 <= _day(now.date()) - shopper.day <= LASTS_DAYS:
            return _refused(origin_of(url))
        said = _said(conn, shopper.merchant_id, person)
    answer = jsonify(said)
    answer.headers["Access-Control-Allow-Origin"] = origin_of(url)
    answer.headers["Vary"] = "Origin"
    return answer


def _refused(origin: str) -> ResponseReturnValue:
    """A no that the page's own script may read, so that it forgets its token and asks no more."""
    return jsonify(NOBODY), 403, {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


@pages.get("/shopify/proxy/storefront")
def proxied() -> ResponseReturnValue:
    """The same through the address of a Shopify shop, which says who is logged in there."""
    g.person = None
    asked, where = _through()
    if where is None or asked.customer_id is None:
        return jsonify(NOBODY)
    merchant_id, store_id = where
    with tenant(services().engine, merchant_id) as conn:
        person = storefront.customer_of(conn, store_id, asked.customer_id)
        if person is None or storefront.address(conn, store_id) is None:
            return jsonify(NOBODY)
        link = customer_token(services().settings.keys, CustomerLink(merchant_id, person))
        own = f"{services().settings.public_url}{url_for('customer_card.show', token=link)}"
        return jsonify(_said(conn, merchant_id, person, card_at=own))


@pages.get("/stores/<int:store_id>/storefront")
@requires("viewer")
def steps(who: Person, store_id: int) -> ResponseReturnValue:
    """How the block comes into the shop: for Shopify in the theme editor, elsewhere by three lines of HTML."""
    with tenant(services().engine, who.merchant_id) as conn:
        store = store_page.store(conn, store_id)
    if store is None or store.platform not in ("shopify", "woocommerce"):
        abort(404)
    address = f"{services().settings.public_url}{url_for('.script')}"
    return page("storefront.html", section="settings", store=store, address=address)


def shop_link(shop: Any, merchant_id: int, customer_id: int, today: date) -> str:
    """The shop's address from a card. Behind ``#``, which no server sees: a token for the block, where it needs one.

    ``shop`` knows ``url``, ``platform`` and ``store_id``, as an offer of that shop does.
    """
    if shop.platform != "woocommerce":
        return str(shop.url)
    shopper = Shopper(merchant_id, shop.store_id, customer_id, _day(today))
    return f"{shop.url}#tangga={storefront_token(services().settings.keys, shopper)}"


def origin_of(url: str) -> str:
    """``https://toko.example.com`` of any address there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _through() -> tuple[Proxied, tuple[int, int] | None]:
    """Who asks through which store (merchant, store); 401 unless the shop's signature holds."""
    now, args = services().now(), list(request.args.items(multi=True))
    cache: SecretsCache = current_app.extensions["tangga_secrets"]
    known = cache.at(f"https://{request.args.get('shop', '')}", "shopify")
    for one in known:
        secrets = one.secrets or services().settings.shopify_client_secrets
        try:
            return read_proxied(args, secrets, now), (one.merchant_id, one.store_id)
        except BadSignature:
            continue
    try:
        return read_proxied(args, services().settings.shopify_client_secrets, now), None
    except BadSignature:
        abort(Response("", 401))


def _said(conn: Connection, merchant_id: int, customer_id: int, card_at: str | None = None) -> dict[str, Any]:
    """First name, rung, points, the next step and the shop's colour; never an address, a code or a number."""
    now, found = services().now(), card(conn, customer_id, services().now())
    if found is None or found.customer.rung is None:
        return NOBODY
    asked = request.accept_languages.best_match(["en", "id", "nl"])
    language = language_of((found.customer.language or "")[:2], asked, found.shop.locale)
    say = Words(language, zone_of(found.shop.timezone), now, found.customer.country)
    rungs = public_names(conn, merchant_id, language)
    here = next((rung for rung in rungs if rung.key == found.customer.rung), None)
    if here is None:
        return NOBODY
    points, name = held(conn, customer_id, now), found.customer.first_name
    ahead = (explain(conn, merchant_id, customer_id, say) or {}).get("next") or {}
    step = next_step(say, ahead, found.shop.currency, may_join=membership.invited(conn, merchant_id, customer_id))
    above = next((rung.name for rung in rungs if rung.key == ahead.get("rung")), "")
    return {
        "shown": True,
        "lang": language,
        "hello": say("card.hello", name=name) if name else say("card.hello_nameless"),
        "color": brand.of(conn).color,
        "rung": {"number": here.number, "of": len(rungs), "name": here.name},
        "points": say("card.points_cost", count=say.number(points.has.available)) if points else "",
        "next": f"{say('face.next')}: {say('face.with', rung=above, step=step)}" if step else "",
        "forget": "" if card_at else say("storefront.forget"),
        "card": {"text": say("storefront.card"), "href": card_at} if card_at else None,
    }


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days
