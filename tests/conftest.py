"""What many tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, sync_playwright
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from plugin_server.db import merchants, stores
from plugin_server.db.migrate import migrate
from plugin_server.db.session import app_engine, psycopg_url, tenant
from plugin_server.launcher.services import discard_data
from plugin_server.launcher.supervisor import ServiceUrls, embedded
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.data.making import NOW, Shop


def shared(*parts: str) -> Path:
    """A file beside the checkout that holds recordings of real stores; skips the test where it is absent."""
    root = Path(os.environ.get("TANGGA_SHARED") or Path(__file__).parents[2] / "shared")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} beside the checkout")
    return path


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceUrls]:
    """PostgreSQL and Valkey for the whole session: embedded ones, or the servers that the environment names."""
    database_url = os.environ.get("TANGGA_TEST_DATABASE_URL")
    redis_url = os.environ.get("TANGGA_TEST_REDIS_URL")
    home = tmp_path_factory.mktemp("session") / "home"
    with embedded(home, database_url=database_url, redis_url=redis_url) as urls:
        yield urls
    discard_data(home)


@pytest.fixture(scope="session")
def template(services: ServiceUrls) -> Iterator[str]:
    """The name of a database that is migrated and empty, from which each test's own is copied."""
    name = f"tangga_template_{uuid4().hex[:12]}"
    _command(services, f"CREATE DATABASE {name}")
    migrate(_named(services.database_url, name))
    yield name
    _command(services, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(services: ServiceUrls, template: str) -> Iterator[str]:
    """The address of this test's own database, migrated and empty."""
    name = f"tangga_test_{uuid4().hex[:12]}"
    _command(services, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _named(services.database_url, name)
    _command(services, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def app(services: ServiceUrls, database: str, tmp_path: Path) -> Iterator[Services]:
    """Everything a process needs, on this test's own database, with a clock that stands at ``NOW``."""
    settings = Settings(
        tangga_home=tmp_path,
        tangga_env="development",
        database_url=database,
        redis_url=services.redis_url,
        secret_keys=("k" * 32,),
        allow_private_hosts=True,
    )
    engine = app_engine(database)
    redis = Redis.from_url(services.redis_url)
    yield Services(settings=settings, engine=engine, redis=redis, now=lambda: NOW)
    engine.dispose()
    redis.close()


@pytest.fixture
def merchant(app: Services) -> int:
    """A business in Jakarta that sells in rupiah."""
    return merchants.add(
        app.engine,
        name="Kopi Tangga",
        email="owner@example.com",
        timezone="Asia/Jakarta",
        currency="IDR",
        locale="id",
    )


@pytest.fixture
def store(app: Services, merchant: int) -> int:
    """A store of that business, of files."""
    with tenant(app.engine, merchant) as connection:
        return stores.add(connection, merchant_id=merchant, platform="csv", name="Till", url="csv:till")


@pytest.fixture
def shop(app: Services, merchant: int, store: int) -> Shop:
    """That store, with hands to bring things in."""
    return Shop(app, merchant, store)


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _command(services: ServiceUrls, sql: str) -> None:
    engine = create_engine(psycopg_url(services.database_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
BUILT = Path(__file__).parents[1] / "plugin_server" / "web" / "static" / "dist" / "app.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium for the whole session; skips where the machine has none."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium on this machine")
    if not BUILT.exists():
        pytest.skip("the assets are not built: run `make assets`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
