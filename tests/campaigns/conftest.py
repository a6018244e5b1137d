"""A migrated database per test, a merchant with customers, and the two edges: a shop that takes codes, an outbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from connectors.folder.client import FolderBackend
from plugin_server import wiring
from plugin_server.db import merchants
from plugin_server.db.migrate import migrate
from plugin_server.db.session import psycopg_url
from plugin_server.jobs.outside import Outside
from plugin_server.launcher.supervisor import ServiceUrls
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.campaigns.shop import Shop, fill

NOW = datetime(2027, 2, 24, 2, 0, tzinfo=UTC)
"""09:00 in Jakarta, fourteen days before the computed Eid al-Fitr of 2027."""


def _admin(url: str, *statements: str) -> None:
    engine = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for statement in statements:
            conn.execute(text(statement))
    engine.dispose()


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated(services: ServiceUrls) -> Iterator[str]:
    """The name of a database that is up to date and empty: the mould of the others."""
    name = f"mould_{secrets.token_hex(4)}"
    _admin(services.database_url, f"CREATE DATABASE {name}")
    migrate(_named(services.database_url, name))
    yield name
    _admin(services.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(services: ServiceUrls, migrated: str) -> Iterator[str]:
    """The address of a database of this test's own."""
    name = f"test_{secrets.token_hex(4)}"
    _admin(services.database_url, f"CREATE DATABASE {name} TEMPLATE {migrated} STRATEGY FILE_COPY")
    yield _named(services.database_url, name)
    _admin(services.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app(services: ServiceUrls, database_url: str, tmp_path: Path) -> Iterator[Services]:
    """Everything a process has, with the clock standing at ``NOW``."""
    settings = Settings(
        tangga_home=tmp_path / "home",
        database_url=database_url,
        redis_url=services.redis_url,
        secret_keys=("k" * 40,),
        public_url="https://mail.toko.example",
    )
    made = replace(wiring.build(settings), now=lambda: NOW)
    yield made
    made.engine.dispose()
    made.redis.close()


@pytest.fixture
def merchant(app: Services) -> int:
    """Toko Senja in Jakarta, without a lasting holdout, with one shop and twelve customers (see ``fill``)."""
    number = merchants.add(
        app.engine, name="Toko Senja", email="owner@toko.example", timezone="Asia/Jakarta", currency="IDR", locale="id"
    )
    fill(app, number)
    return number


@pytest.fixture
def shop() -> Shop:
    """A shop that makes codes, and remembers them."""
    return Shop()


@pytest.fixture
def world(app: Services, shop: Shop) -> Outside:
    """The outbox folder and the shop."""
    backend = FolderBackend(app.settings.outbox, clock=app.now)
    return Outside(mail=backend, backend="folder", store=lambda _: shop, repeatable=True)
