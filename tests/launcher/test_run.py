"""`run` inside this very process, where its callbacks can be watched."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest

from plugin_server.launcher.errors import PortTaken, ServiceFailed
from plugin_server.launcher.home import ServiceUrls, running
from plugin_server.launcher.supervisor import ProcessSpec, run
from tests.launcher.conftest import processes_of

Watch = Callable[[ServiceUrls], None]


def stop_us(_urls: ServiceUrls) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def go(
    home: Path,
    specs: Sequence[ProcessSpec] = (),
    *,
    prepare: Watch = lambda _: None,
    on_ready: Watch = stop_us,
    port: int = 0,
    given: tuple[str | None, str | None] = (None, None),
) -> int:
    return run(
        home,
        port,
        database_url=given[0],
        redis_url=given[1],
        prepare=prepare,
        processes=lambda _: specs,
        on_ready=on_ready,
    )


def test_with_real_servers_given_none_is_started(home: Path) -> None:
    given = ("postgresql+psycopg://db.example/shop", "redis://queue.example/0")
    seen: list[ServiceUrls] = []
    assert go(home, prepare=seen.append, given=given) == 0
    assert seen == [ServiceUrls(*given)]
    assert not (home / "services").exists()


def test_the_database_answers_in_prepare_and_can_be_found_by_others(home: Path) -> None:
    seen = []

    def prepare(urls: ServiceUrls) -> None:
        with psycopg.connect(urls.database_url.replace("+psycopg", "")) as connection:
            seen.append(connection.execute("SELECT current_database()").fetchone())
        found = running(home)
        seen.append(found and found.urls == urls)

    assert go(home, prepare=prepare) == 0
    assert seen == [("tangga",), True]


def test_an_error_in_prepare_stops_everything_and_comes_out(home: Path) -> None:
    def prepare(_urls: ServiceUrls) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(home, prepare=prepare)
    assert processes_of(home) == {}


def test_a_stop_during_prepare_interrupts_it(home: Path) -> None:
    reached = []

    def prepare(urls: ServiceUrls) -> None:
        stop_us(urls)
        reached.append("end")

    assert go(home, prepare=prepare) == 0
    assert reached == []
    assert processes_of(home) == {}


def test_processes_start_in_order_and_stop_in_the_opposite_one(
    home: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = (
        "import pathlib, signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('ends')));"
        "print('starts', flush=True); pathlib.Path(sys.argv[1]).touch(); time.sleep(100)"
    )

    def spec(name: str) -> ProcessSpec:
        file = tmp_path / name
        return ProcessSpec(name, [sys.executable, "-c", script, str(file)], ready=file.exists)

    given = ("postgresql+psycopg://db.example/shop", "redis://queue.example/0")
    assert go(home, [spec("web"), spec("worker"), spec("scheduler")], given=given) == 0
    ends = [line for line in capfd.readouterr().err.splitlines() if line.endswith("ends")]
    assert ends == ["scheduler | ends", "worker | ends", "web | ends"]


def test_a_process_that_ignores_the_stop_is_killed_after_its_grace(home: Path, tmp_path: Path) -> None:
    stubborn = (
        "import pathlib, signal, sys, time; signal.signal(15, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1], 'up').touch(); time.sleep(100)"
    )
    ready = tmp_path / "up"
    spec = ProcessSpec("web", [sys.executable, "-c", stubborn, str(tmp_path)], ready=ready.exists, grace=0.3)
    assert go(home, [spec], given=("postgresql://db.example", "redis://queue.example")) == 0
    assert processes_of(home) == {}


def test_a_program_that_is_not_there_is_named(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServiceFailed, match=r"^web does not start"):
        go(home, [ProcessSpec("web", ["/no/such/program"])], given=("postgresql://db.example", "redis://q.example"))
    assert "web | /no/such/program could not be started: No such file or directory." in capfd.readouterr().err


def test_handlers_of_signals_are_put_back(home: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    go(home, given=("postgresql://db.example", "redis://queue.example"))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_refused(home: Path, port: int) -> None:
    with pytest.raises(PortTaken, match=f"^Port {port} does not exist"):
        go(home, port=port)
    assert not (home / "services").exists()
