"""The two servers that `tangga bench webhooks` compares: ours, and the least that still keeps a delivery."""

from __future__ import annotations

import hashlib

from flask import Flask, Response, request
from sqlalchemy import create_engine, text

from plugin_server import wiring
from plugin_server.app import create_app
from plugin_server.db.session import psycopg_url
from plugin_server.settings import Settings

_INSERT = text(
    "INSERT INTO inbound_event (merchant_id, provider, store_id, topic, headers, body, dedupe, once) "
    "VALUES (1, 'woocommerce', 1, 'order.updated', '{}', :body, :dedupe, false) ON CONFLICT DO NOTHING"
)


def product() -> Flask:
    """Ours, as it is served."""
    return create_app(wiring.services())


def bare() -> Flask:
    """A Flask handler with the same INSERT: nothing is verified, nobody is woken, no merchant is kept apart."""
    app = Flask("bare")
    engine = create_engine(psycopg_url(Settings().database_url or ""), pool_size=5)

    @app.post("/webhooks/woocommerce/1")
    def keep() -> Response:
        body = request.get_data(cache=False)
        with engine.begin() as connection:
            connection.execute(_INSERT, {"body": body, "dedupe": hashlib.sha256(body).hexdigest()})
        return Response(b"")

    return app
