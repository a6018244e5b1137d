"""A whole instance as a process: what survives what, and what never survives."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from plugin_server.launcher.home import running
from tests.launcher.conftest import Instance, postmaster_of, processes_of, until
from tests.launcher.instance import IDLE

Start = Callable[..., Instance]


def connect(home: Path) -> psycopg.Connection:
    instance = running(home)
    assert instance is not None
    return psycopg.connect(instance.urls.database_url.replace("+psycopg", ""), autocommit=True)


def test_all_processes_can_be_told_apart_by_a_word(standing: Instance) -> None:
    for word in ("web", "worker", "postgres", "valkey"):
        assert processes_of(standing.home, word), word


def test_a_running_instance_can_be_found_and_a_stopped_one_not(home: Path, start: Start) -> None:
    instance = start(home)
    found = running(home)
    assert found is not None
    assert (found.pid, found.port) == (instance.process.pid, 0)
    assert redis.Redis.from_url(found.urls.redis_url).ping()
    instance.end(signal.SIGTERM)
    assert running(home) is None


def test_a_stop_is_clean_and_leaves_nothing(home: Path, start: Start) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        assert start(home).end(number) == 0
        assert processes_of(home) == {}
    # A fourth, to read in its log how the third ended. Processes stop before the services they use.
    leaves = "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('web leaves')))\n"
    instance = start(home, 0, leaves + IDLE)
    log = (home / "log" / "postgres.log").read_text()
    assert log.count("database system was shut down at") >= 3
    assert "not properly shut down" not in log
    stops = log.count("received fast shutdown request")
    instance.end(signal.SIGTERM)
    assert instance.said("web | web leaves\n")
    assert (home / "log" / "postgres.log").read_text().count("received fast shutdown request") == stops + 1


def test_kill_9_of_the_parent_leaves_no_process_and_all_that_was_committed(home: Path, start: Start) -> None:
    instance = start(home)
    until(lambda: len(processes_of(home, "worker")) == 2)  # the worker and its horse, which ignores SIGTERM
    with connect(home) as connection:
        connection.execute("CREATE TABLE fact AS SELECT 42 AS answer")
    busy = threading.Thread(target=_endless_query, args=[home])
    busy.start()
    until(lambda: "generate_series" in _activity(home))
    instance.end(signal.SIGKILL)
    until(lambda: processes_of(home) == {})
    busy.join()
    start(home)
    with connect(home) as connection:
        assert connection.execute("SELECT answer FROM fact").fetchall() == [(42,)]


def _endless_query(home: Path) -> None:
    with connect(home) as connection, suppress(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 1000000000000)")


def _activity(home: Path) -> str:
    with connect(home) as connection:
        return str(connection.execute("SELECT query FROM pg_stat_activity WHERE state = 'active'").fetchall()[0:])


def test_a_killed_postgres_comes_back(standing: Instance) -> None:
    first = postmaster_of(standing.home)
    os.kill(first, signal.SIGKILL)
    until(lambda: standing.said("postgres | was ended by signal 9. It starts again in 0.25 s."))
    until(lambda: _answers(standing.home))
    assert postmaster_of(standing.home) != first


def _answers(home: Path) -> bool:
    with suppress(psycopg.OperationalError), connect(home):
        return True
    return False


def test_a_killed_valkey_comes_back_with_its_data(standing: Instance) -> None:
    found = running(standing.home)
    assert found is not None
    queue = redis.Redis.from_url(found.urls.redis_url)
    queue.rpush("queue", "job")
    os.kill(next(iter(processes_of(standing.home, "valkey-server"))), signal.SIGKILL)
    until(lambda: standing.said("valkey | was ended by signal 9. It starts again in 0.25 s."))
    until(lambda: _pings(queue))
    assert queue.lrange("queue", 0, -1) == [b"job"]


def _pings(queue: redis.Redis) -> bool:
    with suppress(redis.ConnectionError):
        return bool(queue.ping())
    return False


def test_a_killed_worker_comes_back_and_its_horse_is_gone(standing: Instance) -> None:
    home = standing.home
    until(lambda: len(processes_of(home, "worker")) == 2)
    worker, horse = sorted(processes_of(home, "worker"))
    os.kill(worker, signal.SIGKILL)
    until(lambda: len(processes_of(home, "worker")) == 2 and worker not in processes_of(home))
    assert horse not in processes_of(home)


def test_a_web_process_that_never_starts_ends_the_instance_with_its_log(home: Path, start: Start) -> None:
    instance = start(home, 0, "print('no template folder'); raise SystemExit(3)", ready=False)
    assert instance.process.wait(30) == 1
    assert instance.said("web | no template folder\n")
    assert instance.said("\nweb does not start. Its log above says why.\n")
    assert processes_of(home) == {}


def test_two_homes_run_side_by_side(make_home: Callable[[str], Path], start: Start) -> None:
    one, two = make_home("one"), make_home("two")
    start(one)
    start(two)
    for home in (one, two):
        with connect(home) as connection:
            connection.execute("CREATE TABLE place AS SELECT %s::text AS name", [home.name])
    for home in (one, two):
        with connect(home) as connection:
            assert connection.execute("SELECT name FROM place").fetchall() == [(home.name,)]


def test_a_taken_port_is_refused_before_anything_starts(home: Path, start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        instance = start(home, port, ready=False)
        assert instance.process.wait(30) == 1
    assert instance.log.read_text() == f"Port {port} is in use by another program. Choose another with --port.\n"
    assert not (home / "services").exists()


def test_a_taken_home_is_refused_and_the_first_instance_goes_on(home: Path, start: Start) -> None:
    first = start(home)
    second = start(home, ready=False)
    assert second.process.wait(30) == 1
    assert second.said(f"This home is already in use by process {first.process.pid} (started ")
    assert second.said("). Stop it, or choose another with --home.\n")
    with connect(home) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
