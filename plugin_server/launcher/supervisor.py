"""Interim: real servers only. The embedded ones are being added."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServiceUrls:
    """Where database and queue answer."""

    database_url: str
    redis_url: str


@contextmanager
def embedded(home: Path, *, database_url: str | None = None, redis_url: str | None = None) -> Iterator[ServiceUrls]:
    """The given servers."""
    if not database_url or not redis_url:
        raise ValueError(f"DATABASE_URL and REDIS_URL are needed ({home})")
    yield ServiceUrls(database_url, redis_url)
