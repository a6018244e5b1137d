"""The embedded Valkey by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from rq import Queue, Worker

from plugin_server.launcher.valkey import EmbeddedValkey
from tests.launcher.conftest import as_root, processes_of


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    """Started in an empty home."""
    server = EmbeddedValkey(home)
    server.start()
    yield server
    server.stop()


def test_it_keeps_every_write_over_a_kill(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.rpush("queue", *range(2000))
    assert valkey.process is not None
    valkey.process.kill()
    valkey.process.wait()
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.llen("queue") == 2000


def test_it_synchronises_an_append_only_file_and_evicts_nothing(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_it_listens_on_no_network(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert client.config_get("port") == {"port": "0"}
    assert valkey.socket.stat().st_mode & 0o777 == 0o700


@as_root
def test_it_runs_as_nobody(valkey: EmbeddedValkey, home: Path) -> None:
    assert [Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(home, "valkey-server")] == [65534]


def test_it_stops_in_order(valkey: EmbeddedValkey, home: Path) -> None:
    valkey.stop()
    assert processes_of(home) == {}
    assert "ready to exit" in valkey.log.read_text()


def test_a_worker_works_in_a_home_with_spaces_in_its_name() -> None:
    with tempfile.TemporaryDirectory(prefix="my shop = Köln ") as folder:
        home = Path(folder)
        home.chmod(0o711)
        (home / "services").mkdir()
        (home / "services").chmod(0o711)
        (home / "services" / "sockets").mkdir()  # as an older Tangga left it
        server = EmbeddedValkey(home)
        server.start()
        try:
            with redis.Redis.from_url(server.url) as client:
                assert Worker([Queue(connection=client)], connection=client).ip_address
        finally:
            server.stop()
            server.folder.remove_sockets()
