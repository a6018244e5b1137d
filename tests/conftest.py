"""What many tests share."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from redis import Redis
from sqlalchemy import Engine, create_engine, text

from plugin_server.db.merchant import merchants
from plugin_server.db.session import app_engine, psycopg_url, tenant
from plugin_server.db.shops import stores
from plugin_server.launcher.services import discard_data
from plugin_server.launcher.supervisor import ServiceUrls, embedded
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.data.making import NOW, Shop
from tests.databases import Databases, rest

# Some hundred processes are started here: where none keeps bytecode, each compiles the whole program anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pictures", metavar="DIR", help="walk through a full demo shop; keep pictures of it there")


def pytest_collection_finish() -> None:
    """What is there before the first test stays: whoever looks for garbage need not walk through it each time."""
    gc.collect()
    gc.freeze()


def shared(*parts: str) -> Path:
    """A file beside the checkout that holds recordings of real stores; skips the test where it is absent."""
    root = Path(os.environ.get("TANGGA_SHARED") or Path(__file__).parents[2] / "shared")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} beside the checkout")
    return path


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[ServiceUrls]:
    """PostgreSQL and Valkey for the whole session: embedded ones, or the servers that the environment names.

    Tests that run side by side have embedded ones each; of a given Redis each side takes a database of its own.
    """
    database_url = os.environ.get("TANGGA_TEST_DATABASE_URL")
    redis_url = os.environ.get("TANGGA_TEST_REDIS_URL")
    if redis_url and worker_id != "master":
        redis_url = urlsplit(redis_url)._replace(path=f"/{int(worker_id.removeprefix('gw'))}").geturl()
    home = tmp_path_factory.mktemp("session") / "home"
    with embedded(home, database_url=database_url, redis_url=redis_url) as urls:
        if not database_url:
            _forget_power_failures(urls.database_url)
        yield urls
    discard_data(home)


def _forget_power_failures(url: str) -> None:
    """Nothing here outlives the session, so nothing is flushed to disk. Crash tests have servers of their own."""
    engine = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("ALTER SYSTEM SET full_page_writes = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture(scope="session")
def databases(services: ServiceUrls) -> Iterator[Databases]:
    """Migrated databases for this session, lent to one test after the other."""
    with closing(Databases(services.database_url)) as made:
        yield made


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, Engine]]:
    """By address: an engine that is kept also keeps what it compiled, and its statements are the same in every test."""
    kept: dict[str, Engine] = {}
    yield kept
    for engine in kept.values():
        engine.dispose()


@pytest.fixture
def database(databases: Databases, engines: dict[str, Engine]) -> Iterator[str]:
    """The address of this test's own database, migrated and empty."""
    name = databases.lend()
    url = databases.url(name)
    yield url
    databases.take_back(name, rest(engines[url]) if url in engines else [])


@pytest.fixture
def engine(database: str, engines: dict[str, Engine]) -> Engine:
    """The application's engine on this test's own database."""
    if database not in engines:
        engines[database] = app_engine(database)
    return engines[database]


@pytest.fixture
def app(services: ServiceUrls, database: str, engine: Engine, tmp_path: Path) -> Iterator[Services]:
    """Everything a process needs, on this test's own database, with a clock that stands at ``NOW``."""
    settings = Settings(
        tangga_home=tmp_path,
        tangga_env="development",
        database_url=database,
        redis_url=services.redis_url,
        secret_keys=("k" * 32,),
        allow_private_hosts=True,
    )
    redis = Redis.from_url(services.redis_url)
    yield Services(settings=settings, engine=engine, redis=redis, now=lambda: NOW)
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
        # Five seconds are soon over while the other half of the suite has both processors.
        expect.set_options(timeout=30_000)
        yield browser
        browser.close()
