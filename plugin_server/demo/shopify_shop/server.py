"""The Flask application of one Shopify double, and the threaded server that serves it."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from plugin_server.demo.serving import QuietHandler, running
from plugin_server.demo.shopify_shop.bulk import Bulks
from plugin_server.demo.shopify_shop.control import control
from plugin_server.demo.shopify_shop.delivery import MOST_FAILURES, Deliveries
from plugin_server.demo.shopify_shop.executor import Gate, load_schema
from plugin_server.demo.shopify_shop.faults import Faults, WebhookFaults
from plugin_server.demo.shopify_shop.floor import Shopfloor, floor
from plugin_server.demo.shopify_shop.oauth import oauth
from plugin_server.demo.shopify_shop.own_admin import own_admin
from plugin_server.demo.shopify_shop.state import ShopState
from plugin_server.demo.shopify_shop.store_front import store_front
from plugin_server.demo.shopify_shop.theme import theme

admin = Blueprint("shopify_admin", __name__)
_ROOTS = re.compile(r"\b(?:query|mutation)\s+(\w+)|[{\s]([a-z]\w+)\s*[({]")
_RANGE = re.compile(r"^bytes=(\d+)-$")
_UNKNOWN_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json; charset=utf-8")


@admin.post("/admin/api/<version>/graphql.json")
def graphql(version: str) -> Response:
    """The Admin API."""
    here = floor()
    if not here.shop.grants.admits(request.headers.get("X-Shopify-Access-Token")):
        return _json({"errors": _UNKNOWN_TOKEN}, 401)
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    text = str(asked.get("query", ""))
    label = " ".join(first or second for first, second in _ROOTS.findall(text)[:12])
    made = here.spoil(label, lambda: _json(here.gate.answer(asked)))
    if made is None:
        made = _json(here.gate.answer(asked))
    if here.faults.between_pages is not None and not text.lstrip().startswith("mutation"):
        here.faults.between_pages(label, here.faults.count(f"POST {label}"))
    made.headers["X-Shopify-API-Version"] = version
    made.headers["X-Request-Id"] = secrets.token_hex(8)
    return made


@admin.get("/bulk/<int:id>.jsonl")
def bulk_file(id: int) -> Response:
    """The rows of a bulk operation; a token header is refused, as storage refuses what it does not expect."""
    here = floor()
    if "X-Shopify-Access-Token" in request.headers:
        return Response("<Error><Code>InvalidArgument</Code></Error>", status=400, content_type="application/xml")
    if id not in here.shop.bulks or not request.args.get("signature"):
        return Response("<Error><Code>AccessDenied</Code></Error>", status=403, content_type="application/xml")

    def answer() -> Response:
        return _part(here, id)

    return here.spoil("bulk file", answer) or answer()


def _part(here: Shopfloor, id: int) -> Response:
    """The whole file, or from the byte on that ``Range`` asks for, as storage gives it."""
    size = here.shop.bulks[id].size
    wanted = _RANGE.match(request.headers.get("Range", ""))
    start = int(wanted[1]) if wanted and here.bulks.path(id).stat().st_size == size else 0
    if start and start >= size:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    made = Response(here.bulks.stream(id, start), 206 if start else 200, content_type="application/jsonl")
    made.headers["Content-Length"] = str(size - start)
    if start:
        made.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    return made


def create_shop_app(
    shop: ShopState,
    faults: Faults | None = None,
    *,
    schema: Path | None = None,
    seconds: Callable[[], float] = time.monotonic,
    bulk_seconds: float = 0.0,
    pauses: tuple[float, ...] = (0.05,) * MOST_FAILURES,
) -> Flask:
    """The application. ``schema`` is a whole Admin SDL to run on instead of the trimmed one.

    ``seconds`` is the clock of the cost bucket; ``bulk_seconds`` how long a bulk operation stays RUNNING,
    ``pauses`` the seconds before each further try of a webhook.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32), SESSION_COOKIE_NAME="toko_senja_shopify", SESSION_COOKIE_SAMESITE="Lax"
    )
    gate = Gate(shop, load_schema(schema), seconds)
    bulks = Bulks(gate, seconds=bulk_seconds)
    shop.bulk_runner, shop.bucket = bulks, gate.bucket
    spoiling = WebhookFaults()
    deliveries = Deliveries(shop, spoiling, pauses=pauses)
    shop.listener = deliveries
    app.extensions["shopify_shop"] = Shopfloor(shop, gate, bulks, faults or Faults(), spoiling, deliveries)
    for blueprint in (admin, oauth, own_admin, control, store_front, theme):
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _not_served)
    return app


def _not_served(error: HTTPException) -> Response:
    if request.path.startswith("/admin/api"):
        return _json({"errors": "Not Found"}, error.code or 404)
    return Response(error.get_body(), status=error.code, content_type="text/html; charset=utf-8")


def bind(app: Flask, *, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """A listening server, not yet serving; with ``port`` 0 the system chooses. The shop learns its own address."""
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler)
    shopfloor: Shopfloor = app.extensions["shopify_shop"]
    shopfloor.shop.base = f"http://{host}:{server.port}"
    return server


@contextlib.contextmanager
def running_shop(
    shop: ShopState,
    *,
    faults: Faults | None = None,
    schema: Path | None = None,
    seconds: Callable[[], float] = time.monotonic,
    bulk_seconds: float = 0.0,
) -> Iterator[str]:
    """Serve ``shop`` on a free port of this machine while the block runs; gives its origin."""
    app = create_shop_app(shop, faults, schema=schema, seconds=seconds, bulk_seconds=bulk_seconds)
    server = bind(app)
    shopfloor: Shopfloor = app.extensions["shopify_shop"]
    with contextlib.closing(shopfloor.bulks), running(server):
        shopfloor.deliveries.start()
        try:
            yield shop.base
        finally:
            shopfloor.deliveries.stop()
