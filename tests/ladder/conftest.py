"""One migrated database for these tests; each test has a merchant of its own, kept apart by row-level security."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from plugin_server.db.migrate import migrate
from plugin_server.db.session import app_engine, psycopg_url
from tests.ladder.shops import Shop, open_shop

if TYPE_CHECKING:
    from plugin_server.launcher.supervisor import ServiceUrls


@pytest.fixture(scope="session")
def ladder_engine(services: ServiceUrls) -> Iterator[Engine]:
    """The application's engine on a database made for these tests."""
    name = f"ladder_{secrets.token_hex(4)}"
    server = create_engine(psycopg_url(services.database_url), isolation_level="AUTOCOMMIT")
    with server.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(psycopg_url(services.database_url)).set(database=name).render_as_string(hide_password=False)
    migrate(url)
    engine = app_engine(url)
    yield engine
    engine.dispose()
    with server.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def shop(ladder_engine: Engine) -> Shop:
    """A shop in Jakarta without customers."""
    return open_shop(ladder_engine)
