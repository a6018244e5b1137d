"""Homes to start things in, and eyes for the processes that belong to one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin_server.launcher.folders import ServiceFolder
from plugin_server.launcher.services import discard_data

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another user")


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes empty homes in a folder closed to other users; their data, wherever it went, is removed afterwards."""
    homes: list[Path] = []

    def make(name: str) -> Path:
        home = tmp_path / name
        home.mkdir()
        homes.append(home)
        return home

    yield make
    for home in homes:
        if home.exists():
            discard_data(home)


@pytest.fixture
def home(make_home: Callable[[str], Path]) -> Path:
    """One such home."""
    return make_home("home")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may pass, as /srv or a mounted volume is."""
    folder = Path(tempfile.mkdtemp(prefix="tangga-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something to come true; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def processes_of(home: Path, word: str = "") -> dict[int, str]:
    """Pid and command line of the living processes of a home, of those with `word` in it."""
    folder = ServiceFolder.of(home)
    marks = (str(home), str(folder.path), folder.mark)
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # The home's own name may contain the word.
            if any(mark in line for mark in marks) and word in line.replace(str(home), ""):
                found[int(entry.name)] = line
    return found


def postmaster_of(home: Path) -> int:
    """The pid of a home's PostgreSQL."""
    return next(pid for pid, line in processes_of(home).items() if "bin/postgres -D" in line)


@dataclass
class Instance:
    """A running `tests.launcher.instance`."""

    home: Path
    process: subprocess.Popen[str]
    log: Path

    def said(self, words: str) -> bool:
        """Whether its stdout or stderr contained the words so far."""
        return words in self.log.read_text()

    def end(self, number: int) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Starts instances; those still running are killed afterwards."""
    with starting(tmp_path) as start_one:
        yield start_one


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance for all tests of a file that leave it as they found it."""
    folder = tmp_path_factory.mktemp("standing")
    home = folder / "home"
    home.mkdir()
    with starting(folder) as start_one:
        yield start_one(home)
    discard_data(home)


@contextmanager
def starting(logs: Path) -> Iterator[Callable[..., Instance]]:
    """Lends a hand that starts instances, whose words go into a folder; at the end they are killed."""
    started: list[Instance] = []

    def start_one(home: Path, port: int = 0, *web: str, ready: bool = True) -> Instance:
        log = logs / f"log-{len(started)}"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.launcher.instance", str(home), str(port), *web],
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=Path(__file__).parents[2],
            )
        instance = Instance(home, process, log)
        started.append(instance)
        if ready:
            until(lambda: instance.said("ready\n") or process.poll() is not None)
            assert instance.said("ready\n"), log.read_text()
        return instance

    try:
        yield start_one
    finally:
        for instance in started:
            instance.process.kill()
            instance.process.wait()
        until(lambda: not any(processes_of(instance.home) for instance in started))
