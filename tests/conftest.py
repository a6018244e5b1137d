"""What many tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_server.launcher.services import discard_data
from plugin_server.launcher.supervisor import ServiceUrls, embedded


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
