"""A database for one measurement, on the server that was given."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from plugin_server.db.migrate import migrate
from plugin_server.db.session import psycopg_url


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """The address of a new database, migrated and empty; dropped with the block, whoever is still connected."""
    name = f"tangga_bench_{secrets.token_hex(4)}"
    server = create_engine(psycopg_url(server_url), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(psycopg_url(server_url)).set(database=name).render_as_string(hide_password=False)
    try:
        migrate(url)
        yield url
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()
