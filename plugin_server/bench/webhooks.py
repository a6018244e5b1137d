"""`tangga bench webhooks`: 10 KB deliveries, verified and durable, against a bare Flask handler with the same INSERT.

Both are served by gunicorn with our own settings, in turns, on the same database, under the same bounded load. Then
ours again while a bulk import runs in that database.
"""

from __future__ import annotations

import json
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text

from plugin_server.bench.scratch import scratch_database
from plugin_server.bench.webhook_import import BEGUN
from plugin_server.db.session import app_engine, tenant
from plugin_server.vault import seal

ROUNDS = 8
CONNECTIONS = 8
KEY = "k" * 32
SECRET = "bench-secret"  # noqa: S105 - signs made-up deliveries of a made-up shop
PATIENCE = 30.0

Environment = dict[str, str]


def run(
    database_url: str, redis_url: str, size: int, say: Callable[[str], None], *, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Measure with ``size`` deliveries in ``rounds``; ``database_url`` must be allowed to make databases."""
    with _scratch(database_url, redis_url) as environment:
        ours: list[dict[str, float]] = []
        bare: list[dict[str, float]] = []
        with _served("bare", environment) as theirs, _served("product", environment) as mine:
            for number in range(rounds + 1):
                # The first round warms both up. The rest of the machine slows a round of both, so rounds are short.
                for found, port, name in ((bare, theirs, "bare"), (ours, mine, "product")):
                    found.append(_load(port, f"{name}-{number}", max(size // rounds, CONNECTIONS)))
            del ours[0], bare[0]
        for name, found in (("bare", bare), ("product", ours)):
            rates = " ".join(f"{one['rate']:.0f}" for one in found)
            say(f"{name}: {rates} a second")
        with _served("product", environment) as port, _importing(environment) as imported:
            _load(port, "warm-import", 400)
            busy = _load(port, "import", size)
        say(f"during an import: {busy['rate']:.0f}/s, p99 {busy['p99_ms']:.1f} ms")
    return _report(size, ours, bare, busy, imported[0])


def _report(
    size: int, ours: list[dict[str, float]], bare: list[dict[str, float]], busy: dict[str, float], imported: int
) -> dict[str, Any]:
    """The ratio is the median of the rounds' own ratios: what slows the machine for a while slows both."""
    mine, theirs = _together(ours), _together(bare)
    ratio = statistics.median(one["rate"] / other["rate"] for one, other in zip(ours, bare, strict=True))
    return {
        "work": f"{size} webhooks of 10 KB, verified and durable, {CONNECTIONS} connections",
        **mine,
        "baseline": {
            "what": "a bare Flask handler with the same INSERT, served alike",
            **theirs,
        },
        "ratio": round(ratio, 3),
        "during_import": {
            "rate": round(busy["rate"], 1),
            "p50_ms": round(busy["p50_ms"], 2),
            "p99_ms": round(busy["p99_ms"], 2),
            "orders_imported": imported,
        },
        "refused": int(sum(one["refused"] for one in (*ours, *bare, busy))),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
    }


def _together(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Several rounds as one; p50 and p99 are the medians of theirs."""
    seconds = sum(one["seconds"] for one in rounds)
    return {
        "seconds": round(seconds, 3),
        "rate": round(sum(one["requests"] for one in rounds) / seconds, 1),
        "p50_ms": round(statistics.median(one["p50_ms"] for one in rounds), 2),
        "p99_ms": round(statistics.median(one["p99_ms"] for one in rounds), 2),
    }


@contextmanager
def _scratch(database_url: str, redis_url: str) -> Iterator[Environment]:
    """A database of its own with one shop in it, and the environment that leads there."""
    with scratch_database(database_url) as url, TemporaryDirectory() as home:
        _shop(url)
        yield {"TANGGA_HOME": home, "DATABASE_URL": url, "REDIS_URL": redis_url, "SECRET_KEYS": KEY}


def _shop(url: str) -> None:
    engine = app_engine(url)
    with tenant(engine, 1) as connection:
        connection.execute(
            text(
                "INSERT INTO merchant (id, name, email, timezone, currency) "
                "VALUES (1, 'Bench', 'bench@example.com', 'Asia/Jakarta', 'IDR')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO store (id, merchant_id, platform, name, url, webhook_secrets) "
                "VALUES (1, 1, 'woocommerce', 'Bench', 'https://bench.example.com', :secrets)"
            ),
            {"secrets": seal((KEY,), {"secrets": [SECRET]})},
        )
    engine.dispose()


@contextmanager
def _served(name: str, environment: Environment) -> Iterator[int]:
    """gunicorn with our settings, serving one of the two; gives the port."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", f"plugin_server.bench.webhook_server:{name}()"]
    command += ["--config", "python:plugin_server.gunicorn_config", "--bind", f"127.0.0.1:{port}"]
    command += ["--log-level", "error"]
    server = subprocess.Popen(  # noqa: S603 - our own words
        command, env=environment, cwd=_root()
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The server that was to be measured did not start; its messages stand above.")


def _load(port: int, mark: str, requests: int) -> dict[str, float]:
    command = [sys.executable, "-m", "plugin_server.bench.webhook_load"]
    command += [str(port), SECRET, mark, str(requests), str(CONNECTIONS)]
    done = subprocess.run(  # noqa: S603 - our own words
        command, check=True, capture_output=True, text=True, cwd=_root()
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def _importing(environment: Environment) -> Iterator[list[int]]:
    """A bulk import under way for all of the block; the list holds the orders imported once the block is over."""
    imported: list[int] = []
    command = [sys.executable, "-m", "plugin_server.bench.webhook_import"]
    process = subprocess.Popen(  # noqa: S603 - our own words
        command, env=environment, cwd=_root(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None or process.stdout.readline() != BEGUN:
            raise RuntimeError("The import beside the deliveries did not begin.")
        yield imported
    finally:
        told, _ = process.communicate("end\n", timeout=120)
        imported.append(int(told or 0))


def _root() -> Path:
    return Path(__file__).parents[2]
