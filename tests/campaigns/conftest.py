"""A merchant with customers, and the two edges: a shop that takes codes, an outbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.folder.client import FolderBackend
from plugin_server import wiring
from plugin_server.db.merchant import merchants
from plugin_server.jobs.outside import Outside
from plugin_server.launcher.supervisor import ServiceUrls
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.campaigns.shop import Shop, fill

NOW = datetime(2027, 2, 24, 2, 0, tzinfo=UTC)
"""09:00 in Jakarta, fourteen days before the computed Eid al-Fitr of 2027."""


@pytest.fixture
def app(services: ServiceUrls, database: str, tmp_path: Path) -> Iterator[Services]:
    """Everything a process has, with the clock standing at ``NOW``."""
    settings = Settings(
        tangga_home=tmp_path / "home",
        database_url=database,
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
