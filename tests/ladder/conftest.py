"""One migrated database for these tests; each test has a merchant of its own, kept apart by row-level security."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from plugin_server.db.session import app_engine
from tests.databases import Databases
from tests.ladder.shops import Shop, open_shop


@pytest.fixture(scope="session")
def ladder_engine(databases: Databases) -> Iterator[Engine]:
    """The application's engine on a database made for these tests."""
    engine = app_engine(databases.url(databases.lend()))
    yield engine
    engine.dispose()


@pytest.fixture
def shop(ladder_engine: Engine) -> Shop:
    """A shop in Jakarta without customers."""
    return open_shop(ladder_engine)
