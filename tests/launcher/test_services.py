"""Services for the duration of a command: started, borrowed, or none of our business."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from plugin_server.launcher.errors import HomeTaken, ServiceFailed
from plugin_server.launcher.home import HomeLock, ServiceUrls, running
from plugin_server.launcher.services import discard_data
from plugin_server.launcher.supervisor import embedded
from plugin_server.launcher.valkey import EmbeddedValkey
from plugin_server.wiring import Services as AppServices
from tests.launcher.conftest import processes_of, until

REAL = ServiceUrls("postgresql+psycopg://db.example/shop", "redis://queue.example/0")


def answer(urls: ServiceUrls) -> int:
    with psycopg.connect(urls.database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT 1").fetchone()
    return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ServiceUrls]]:
    """A home whose services run, and their addresses."""
    home = tmp_path_factory.mktemp("used") / "home"
    with embedded(home) as urls:
        yield home, urls
    discard_data(home)


def test_both_answer_inside_and_neither_runs_afterwards(home: Path) -> None:
    with embedded(home) as urls:
        assert answer(urls) == 1
        with redis.Redis.from_url(urls.redis_url) as client:
            assert client.ping()
    assert processes_of(home) == {}
    assert running(home) is None


def test_with_real_servers_given_nothing_is_started_or_written(home: Path) -> None:
    with embedded(home, database_url=REAL.database_url, redis_url=REAL.redis_url) as urls:
        assert urls == REAL
        assert list(home.iterdir()) == []


def test_with_a_real_database_given_only_the_queue_is_started(home: Path) -> None:
    with embedded(home, database_url=REAL.database_url) as urls:
        assert urls.database_url == REAL.database_url
        assert processes_of(home, "valkey-server")
        assert not processes_of(home, "postgres")


def test_a_second_command_uses_what_the_first_one_started(used: tuple[Path, ServiceUrls]) -> None:
    home, first = used
    before = processes_of(home)
    with embedded(home) as second:
        assert second == first
        assert processes_of(home).keys() == before.keys()
    assert answer(first) == 1


def test_the_first_command_waits_for_the_second_before_it_stops_the_services(home: Path) -> None:
    second = f"""
from pathlib import Path
from plugin_server.launcher.supervisor import embedded
with embedded(Path({str(home)!r})):
    print("in", flush=True)
    input()
"""
    with embedded(home) as urls:
        borrower = subprocess.Popen(
            [sys.executable, "-c", second], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert borrower.stdout is not None
        assert borrower.stdout.readline() == "in\n"
        leave = threading.Timer(1.0, lambda: (answer(urls), borrower.communicate("go\n")))
        leave.start()
    leave.join()
    assert borrower.returncode == 0
    assert processes_of(home) == {}


def test_data_are_there_at_the_second_start_and_gone_after_discard(home: Path) -> None:
    with embedded(home) as urls, psycopg.connect(urls.database_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE fact AS SELECT 42 AS answer")
    tables = []
    for _ in range(2):
        with embedded(home) as urls, psycopg.connect(urls.database_url.replace("+psycopg", "")) as connection:
            tables.append(connection.execute("SELECT to_regclass('fact')").fetchall())
        discard_data(home)
    assert tables == [[("fact",)], [(None,)]]


def test_a_home_is_discarded_right_after_its_owner_was_killed(home: Path) -> None:
    script = f"""
import os
from pathlib import Path
from plugin_server.launcher.supervisor import embedded
with embedded(Path({str(home)!r})):
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    discard_data(home)
    assert not (home / "services").exists()
    assert processes_of(home) == {}


def test_what_was_started_is_stopped_when_the_rest_does_not_start(home: Path) -> None:
    data = EmbeddedValkey(home).data
    data.chmod(0o700)
    (data / "appendonlydir").write_text("in the way")
    with (
        pytest.raises(ServiceFailed, match=r"^valkey does not start\. Its log .*/log/valkey\.log ends: "),
        embedded(home),
    ):
        pass
    assert processes_of(home) == {}


def test_a_command_that_fails_stops_what_it_started(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded(home):
        raise ZeroDivisionError
    assert processes_of(home) == {}


def test_what_runs_is_not_discarded(used: tuple[Path, ServiceUrls]) -> None:
    home, urls = used
    with pytest.raises(HomeTaken, match="already in use by process"):
        discard_data(home)
    assert answer(urls) == 1


def test_the_note_of_a_dead_instance_counts_as_none(home: Path) -> None:
    with HomeLock(home) as lock:
        lock.publish(REAL, 8000)
        note = (home / "run.json").read_text()
        found = running(home)
    assert found is not None
    assert (found.port, found.urls) == (8000, REAL)
    (home / "run.json").write_text(note)
    assert running(home) is None


def test_the_note_may_hold_a_password_and_is_closed_to_others(home: Path) -> None:
    with HomeLock(home) as lock:
        lock.publish(REAL, 8000)
        assert (home / "run.json").stat().st_mode & 0o777 == 0o600


def test_a_refusal_names_who_has_the_home_since_when(home: Path) -> None:
    with HomeLock(home):
        os.utime(home / "lock", (1795338000, 1795338000))
        for _ in range(2):
            with pytest.raises(HomeTaken) as refused:
                HomeLock(home).__enter__()
    assert str(refused.value) == (
        f"This home is already in use by process {os.getpid()} (started 22 Nov 2026 09:00 UTC). "
        "Stop it, or choose another with --home."
    )


def test_who_looks_at_the_lock_does_not_keep_others_from_taking_it(home: Path) -> None:
    with HomeLock(home) as lock:
        lock.publish(REAL)
        note = (home / "run.json").read_text()
    enough = threading.Event()

    def look() -> None:
        while not enough.is_set():
            (home / "run.json").write_text(note)
            running(home)

    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(50):
        with HomeLock(home):
            pass
    enough.set()
    looker.join()


def test_a_worker_works_on_a_named_home_as_every_command_does(home: Path, app: AppServices) -> None:
    """What the environment does not name is brought up in the home, shared with others, and taken down again."""
    own = {"TANGGA_ENV", "PUBLIC_URL", "REDIS_URL", "TANGGA_HOME"}
    env = {name: value for name, value in os.environ.items() if name not in own}
    env["DATABASE_URL"] = str(app.settings.database_url)
    words = [sys.executable, "-m", "plugin_server.cli", "worker", "--home", str(home)]
    worker = subprocess.Popen(words, env=env, stderr=subprocess.DEVNULL)
    try:
        until(lambda: running(home))
        with embedded(home, database_url=REAL.database_url) as urls, redis.Redis.from_url(urls.redis_url) as client:
            until(lambda: client.smembers("rq:workers"))
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
    assert processes_of(home) == {}
