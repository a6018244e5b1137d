"""The Flask application of one shop, and the threaded server that serves it."""

from __future__ import annotations

import contextlib
import functools
import secrets
import ssl
from collections.abc import Iterator

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import BaseWSGIServer, generate_adhoc_ssl_context, make_server

from plugin_server.demo.serving import QuietHandler, running
from plugin_server.demo.shop.answers import Answer, JsonObject, forbidden, no_route
from plugin_server.demo.shop.auth import Doorkeeper
from plugin_server.demo.shop.coupons import coupon_view, coupons
from plugin_server.demo.shop.customers import customer_view, customers
from plugin_server.demo.shop.delivery import Delivery
from plugin_server.demo.shop.faults import Faults
from plugin_server.demo.shop.order_view import OrderView
from plugin_server.demo.shop.orders import invalid_id, orders
from plugin_server.demo.shop.products import product_view, products
from plugin_server.demo.shop.refunds import refunds
from plugin_server.demo.shop.reviews import reviews
from plugin_server.demo.shop.routes import Shopfloor, error_response, response
from plugin_server.demo.shop.site import site
from plugin_server.demo.shop.state import ShopState
from plugin_server.demo.shop.store_front import store_front
from plugin_server.demo.shop.wc_auth import wc_auth
from plugin_server.demo.shop.webhooks import webhooks

_BLUEPRINTS = (orders, refunds, customers, products, reviews, coupons, webhooks, site, wc_auth, store_front)


def create_shop_app(
    shop: ShopState, faults: Faults, *, interval: float = 2.0, allow_http_callback: bool = False
) -> Flask:
    """The application; ``app.extensions["delivery"]`` is its webhook queue, not yet started."""
    app = Flask(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    # Not named as other applications of this host name theirs: cookies do not know ports.
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32), SESSION_COOKIE_NAME="toko_senja", SESSION_COOKIE_SAMESITE="Lax"
    )
    view = OrderView(shop)
    app.extensions["shop"] = Shopfloor(shop, faults, Doorkeeper(shop), view, allow_http_callback)
    delivery = Delivery(shop, lambda resource, id: payload(shop, view, resource, id), faults, interval=interval)
    shop.listener = delivery
    app.extensions["delivery"] = delivery
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _not_served)
    app.before_request(_describe_routes)
    return app


def payload(shop: ShopState, view: OrderView, resource: str, id: int) -> JsonObject:
    """The body of a webhook about ``resource`` ``id`` as it is now; an error body where it is gone."""
    if resource == "order":
        order = shop.orders.get(id)
        body = view.full(order, shop.decimals) if order else invalid_id().body()
    elif resource == "customer":
        customer = shop.customers.get(id)
        body = customer_view(shop, customer) if customer else _gone("wc_user_invalid_id", "Invalid user ID.")
    elif resource == "product":
        product = shop.products.get(id)
        body = product_view(shop, product) if product else _gone("woocommerce_rest_product_invalid_id")
    else:
        coupon = shop.coupons.get(id)
        body = coupon_view(shop, coupon) if coupon else _gone("woocommerce_rest_shop_coupon_invalid_id")
    return body


def _gone(code: str, message: str = "Invalid ID.") -> JsonObject:
    return {"code": code, "message": message, "data": {"status": 404}}


def _not_served(error: HTTPException) -> Response:
    """Unknown addresses and methods, in the words of the part of the site they are in."""
    if request.path.startswith("/wp-json") and isinstance(error, NotFound | MethodNotAllowed):
        return error_response(no_route())
    return Response(error.get_body(), status=error.code, content_type="text/html; charset=utf-8")


def _describe_routes() -> Response | None:
    """OPTIONS below /wp-json tells of the route; ``?rest_route=`` never accepts a key."""
    if "rest_route" in request.args and request.path in {"/", "/index.php"}:
        return error_response(forbidden("view", 401))
    if request.method == "OPTIONS" and request.path.startswith("/wp-json/wc/v3"):
        return response(Answer({"namespace": "wc/v3", "methods": ["GET", "POST"], "endpoints": [], "schema": {},
                                "_links": {}}))  # fmt: skip
    return None


@functools.cache
def _own_certificate() -> ssl.SSLContext:
    """A certificate that nobody vouches for, made once per process."""
    return generate_adhoc_ssl_context()


def bind(app: Flask, *, host: str = "127.0.0.1", port: int = 0, tls: bool = False) -> BaseWSGIServer:
    """A listening server, not yet serving; with ``port`` 0 the system chooses. The shop learns its own address."""
    server = make_server(
        host, port, app, threaded=True, request_handler=QuietHandler, ssl_context=_own_certificate() if tls else None
    )
    shopfloor: Shopfloor = app.extensions["shop"]
    shopfloor.shop.base = f"{'https' if tls else 'http'}://{host}:{server.port}"
    shopfloor.shop.rendered.clear()
    return server


@contextlib.contextmanager
def running_shop(
    shop: ShopState,
    *,
    legacy: bool | None = None,
    faults: Faults | None = None,
    tls: bool = False,
    interval: float = 0.1,
    allow_http_callback: bool = False,
) -> Iterator[str]:
    """Serve ``shop`` on a free port of this machine while the block runs; gives its address.

    ``tls`` serves https with a certificate of its own making. Webhooks are delivered every ``interval`` seconds.
    """
    if legacy is not None:
        shop.legacy = legacy
    app = create_shop_app(shop, faults or Faults(), interval=interval, allow_http_callback=allow_http_callback)
    server = bind(app, tls=tls)
    delivery: Delivery = app.extensions["delivery"]
    with running(server):
        delivery.start()
        try:
            yield shop.base
        finally:
            delivery.stop()
