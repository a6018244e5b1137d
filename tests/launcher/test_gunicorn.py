"""The web server's settings, read by a real gunicorn."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launcher.conftest import until

APP = "tests.launcher.test_gunicorn:app"


def app(environ: object, start_response: object) -> list[bytes]:
    """Never called; gunicorn only has to import it."""
    return []


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A started one, with its workers."""
    command = [sys.executable, "-m", "gunicorn", APP, "--config", "python:plugin_server.gunicorn_config"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--bind", "127.0.0.1:0"], stderr=log, text=True, cwd=Path(__file__).parents[2]
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
