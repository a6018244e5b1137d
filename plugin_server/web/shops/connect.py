"""Connecting a WooCommerce shop: its owner says yes over there (wc-auth), or pastes a key pair here."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import BadPayload, ConnectorError
from connectors.hosts import guard_url
from connectors.woocommerce.auth import KeyPair, authorize_url, parse_callback, parse_return
from connectors.woocommerce.store import shop_address
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.db.shops import grants
from plugin_server.jobs.reading.connect import connect_store, settle
from plugin_server.web.context import page, services
from plugin_server.web.guards import requires
from plugin_server.web.settings import setup

pages = Blueprint("connect", __name__)
PLATFORM = "woocommerce"


@pages.get("/connect/woocommerce")
@requires("owner")
def form(_who: Person) -> ResponseReturnValue:
    """Ask for the shop's address."""
    return page("connect.html", section="settings", url=request.args.get("url", ""), fault="")


@pages.post("/connect/woocommerce")
@requires("owner")
def begin(who: Person) -> ResponseReturnValue:
    """Send the owner to their shop to say yes; or take the keys they pasted."""
    url, key, secret = (request.form.get(name, "").strip() for name in ("url", "key", "secret"))
    try:
        url = _address(url)
        if key or secret:
            return _with_keys(who, url, KeyPair(key, secret))
        address = _authorize(who, url)
    except ConnectorError as error:
        return page("connect.html", section="settings", url=url, fault=error.sentence), 422
    return page("connect_go.html", section="settings", address=address, url=url)


def _address(given: str) -> str:
    """The address as it will be kept: the shop's own, whatever page of it was pasted, and one that we may call."""
    private = services().settings.allow_private_hosts
    url = shop_address(given, allow_private=private)
    guard_url(url, allow_private=private)
    return url


def _with_keys(who: Person, url: str, pair: KeyPair) -> ResponseReturnValue:
    if fault := pair.fault():
        return page("connect.html", section="settings", url=url, fault=fault), 422
    with tenant(services().engine, who.merchant_id) as connection:
        store_id = connect_store(
            connection,
            services().settings.keys,
            who.merchant_id,
            url=url,
            platform=PLATFORM,
            credentials={"key": pair.key, "secret": pair.secret},
            read_only=None,
            by=who.email,
            now=services().now(),
        )
    settle(services(), who.merchant_id, store_id)
    return redirect(setup.landing(who, store_id))


def _authorize(who: Person, url: str) -> str:
    public = services().settings.public_url
    with tenant(services().engine, who.merchant_id) as connection:
        token = grants.begin(connection, who.merchant_id, url=url, by=who.email, now=services().now())
        # Inside the transaction: where the shop cannot be asked (no https here), nothing stays begun.
        return authorize_url(
            url, "Tangga", token, f"{public}{url_for('connect.come_back')}", f"{public}{url_for('connect.callback')}"
        )


@pages.post("/connect/woocommerce/callback")
def callback() -> ResponseReturnValue:
    """The shop hands us its keys. Exactly 200, and only when all is stored; anything else makes it delete the keys."""
    try:
        granted = parse_callback(request.get_data(cache=False), request.headers.get("Content-Type", ""))
    except BadPayload:
        abort(400)
    merchant_id = grants.merchant_of(services().engine, granted.user_id) or abort(403)
    with tenant(services().engine, merchant_id) as connection:
        grant = grants.use(connection, granted.user_id, services().now()) or abort(403)
        store_id = connect_store(
            connection,
            services().settings.keys,
            merchant_id,
            url=grant.url,
            platform=PLATFORM,
            credentials={"key": granted.consumer_key, "secret": granted.consumer_secret},
            read_only=granted.permissions == "read" or None,
            by=grant.begun_by,
            now=services().now(),
        )
        grants.connected(connection, granted.user_id, store_id)
    settle(services(), merchant_id, store_id)
    return Response(b"", 200)


@pages.get("/connect/woocommerce/return")
@requires("owner")
def come_back(who: Person) -> ResponseReturnValue:
    """The browser is back. It proves nothing: only what the shop told us itself counts."""
    token, said_yes = parse_return(request.args)
    with tenant(services().engine, who.merchant_id) as connection:
        store_id = grants.store_of(connection, token) if token else None
    if store_id:
        return redirect(setup.landing(who, store_id))
    return page("connect_denied.html", section="settings", said_yes=said_yes)
