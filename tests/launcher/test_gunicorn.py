"""The web server's settings, read by a real gunicorn."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from plugin_server.gunicorn_config import on_starting
from tests.launcher.conftest import until

APP = "tests.launcher.test_gunicorn:app"
ROOT = Path(__file__).parents[2]
SERVERS = {"DATABASE_URL": "postgresql://127.0.0.1/none", "REDIS_URL": "redis://127.0.0.1"}


app = Flask(__name__)
"""Never called; gunicorn only has to import it."""


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A started one, with its workers."""
    command = [sys.executable, "-m", "gunicorn", APP, "--config", "python:plugin_server.gunicorn_config"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0"], stderr=log, text=True, cwd=ROOT, env={**os.environ, **SERVERS}
        )
    until(lambda: [catches(pid, signal.SIGABRT) for pid in children(process)] == [True, True])
    yield process
    process.kill()
    process.wait()


def children(process: subprocess.Popen[str]) -> list[int]:
    file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in file.read_text().split()]


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own: a worker has one of SIGABRT, set after our ``post_fork``."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) & 1 << number - 1)


def runs(pid: int) -> bool:
    file = Path(f"/proc/{pid}/cmdline")
    return file.exists() and file.read_text() != ""


def test_workers_end_with_a_killed_arbiter_even_when_they_hang(gunicorn: subprocess.Popen[str]) -> None:
    workers = children(gunicorn)
    assert len(workers) == 2
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    gunicorn.kill()
    gunicorn.wait()
    until(lambda: not any(runs(pid) for pid in workers))


def test_it_stops_in_order(gunicorn: subprocess.Popen[str]) -> None:
    workers = children(gunicorn)
    gunicorn.send_signal(signal.SIGTERM)
    assert gunicorn.wait(10) == 0
    assert not any(runs(pid) for pid in workers)


def test_the_code_is_loaded_before_the_workers_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    on_starting(SimpleNamespace(app=SimpleNamespace(app_uri="colorsys:made()")))
    assert "colorsys" in sys.modules


@pytest.mark.parametrize(
    "part",
    [
        ["gunicorn", "plugin_server.app:create_app()", "--config", "python:plugin_server.gunicorn_config"],
        ["plugin_server.cli", "worker"],
        ["plugin_server.cli", "scheduler"],
    ],
    ids=["web", "worker", "scheduler"],
)
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "DATABASE_URL and REDIS_URL are needed here"),
        ({**SERVERS, "TANGGA_ENV": "production"}, "PUBLIC_URL must be https when TANGGA_ENV=production"),
    ],
    ids=["nothing", "production"],
)
def test_each_part_of_the_procfile_names_what_is_missing(part: list[str], given: dict[str, str], sentence: str) -> None:
    found = {name: value for name, value in os.environ.items() if name not in {*SERVERS, "PUBLIC_URL", "TANGGA_ENV"}}
    done = subprocess.run(
        [sys.executable, "-m", *part],
        check=False,
        cwd=ROOT,
        env=found | given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.startswith("tangga: ") or "[INFO]" in done.stderr
    assert "Traceback" not in done.stderr
