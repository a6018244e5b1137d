"""Writes a delivery down in one round trip: the statement is its own transaction, durable when it returns."""

from __future__ import annotations

import json

import psycopg

from plugin_server.db.session import intake_engine

_RECEIVE = "SELECT tangga_receive(%s::bigint, %s::text, %s::bigint, %s::text, %s::jsonb, %b::bytea, %s::text, %s::bool)"


class Intake:
    """The inbox as the webhook door sees it; ``db.inbox`` is the rest of it."""

    def __init__(self, url: str) -> None:
        self._engine = intake_engine(url)

    def receive(
        self,
        merchant_id: int,
        *,
        provider: str,
        store_id: int | None,
        topic: str,
        headers: dict[str, str],
        body: bytes,
        dedupe: str,
        once: bool,
    ) -> bool:
        """Keep a verified delivery; False where it is known already. ``once``: refused for ever when it comes again."""
        given = (merchant_id, provider, store_id, topic, json.dumps(headers), body, dedupe, once)
        try:
            return self._once(given)
        except psycopg.OperationalError:
            # The database was away since this connection was last used; equal deliveries are kept once anyhow.
            return self._once(given)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _once(self, given: tuple[object, ...]) -> bool:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(_RECEIVE, given)
            row = cursor.fetchone()
            return bool(row and row[0])
        except psycopg.OperationalError:
            connection.invalidate()
            raise
        finally:
            connection.close()
