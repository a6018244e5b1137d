"""Connecting a Shopify shop from our own pages: its owner says yes over there, and comes back with a signed code."""

from __future__ import annotations

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import ConnectorError
from connectors.shopify.auth import SCOPES, App, authorize_url, query_holds
from connectors.shopify.names import shop_name
from plugin_server import wiring
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import grants
from plugin_server.jobs.reading.connect import TakenElsewhere, let_in, settle
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("connect_shopify", __name__)
STATE = "shopify_state"


@pages.get("/connect/shopify")
@requires("owner")
def form(_who: Person) -> ResponseReturnValue:
    """Ask for the shop's name."""
    return _form(request.args.get("shop", ""))


def _form(shop: str, fault: str = "") -> str:
    return page("connect_shopify.html", section="settings", shop=shop, fault=fault)


@pages.post("/connect/shopify")
@requires("owner")
def begin(who: Person) -> ResponseReturnValue:
    """Send the owner to their shop's admin. The way back is bound to this browser."""
    given, app = request.form.get("shop", ""), wiring.shop_app(services().settings)
    if app is None:
        return _form(given, words()("connect_shopify.no_app")), 422
    try:
        shop = shop_name(given)
    except ConnectorError as error:
        return _form(given, error.sentence), 422
    with tenant(services().engine, who.merchant_id) as connection:
        state = grants.begin(connection, who.merchant_id, url=f"https://{shop}", by=who.email, now=services().now())
    session[STATE] = state
    back = f"{services().settings.public_url}{url_for('connect_shopify.callback')}"
    address = authorize_url(app, shop, scopes=SCOPES, back=back, state=state)
    return page("connect_go.html", section="settings", address=address, url=shop)


@pages.get("/connect/shopify/callback")
@requires("owner")
def callback(who: Person) -> ResponseReturnValue:
    """The owner is back. Shopify's signature, our state and this browser must all agree before anything is done."""
    app = wiring.shop_app(services().settings)
    url = _proved(app, who) if app else None
    if url is None:
        return _form("", words()("connect_shopify.unproved")), 403
    shop = url.removeprefix("https://")
    try:
        door = wiring.shop_door(services().settings)
        grant = door.redeem(shop, request.args.get("code", ""), services().now())
        store_id = let_in(services(), who.merchant_id, url=url, grant=grant, by=who.email)
    except TakenElsewhere:
        return _form(shop, words()("connect_shopify.taken")), 409
    except ConnectorError as error:
        return _form(shop, error.sentence), 422
    settle(services(), who.merchant_id, store_id)
    return redirect(url_for("stores.show", store_id=store_id))


def _proved(app: App, who: Person) -> str | None:
    """The address of the shop that was asked for; None where anything does not agree. The state is used up."""
    state = session.pop(STATE, "")
    now = services().now()
    if not query_holds(list(request.args.items(multi=True)), app.secrets, now):
        return None
    if not state or request.args.get("state") != state:
        return None
    with tenant(services().engine, who.merchant_id) as connection:
        asked = grants.use(connection, state, now)
    return asked.url if asked and asked.url == f"https://{request.args.get('shop', '')}" else None
