"""The embedded PostgreSQL by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from plugin_server.launcher.errors import HomeUnusable
from plugin_server.launcher.postgres import EmbeddedPostgres
from plugin_server.launcher.services import discard_data
from tests.launcher.conftest import as_root, processes_of, until


@pytest.fixture(scope="module")
def created(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Started for the first time in an empty home."""
    home = tmp_path_factory.mktemp("postgres") / "home"
    home.mkdir()
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.stop()
    discard_data(home)


@pytest.fixture
def postgres(created: EmbeddedPostgres) -> EmbeddedPostgres:
    """That one: it runs, and holds no tables."""
    if not created.alive:
        created.start()
    ask(created, "DROP TABLE IF EXISTS fact")
    return created


def home_of(server: EmbeddedPostgres) -> Path:
    return server.log.parents[1]


def ask(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def kill(server: EmbeddedPostgres) -> None:
    """kill -9 of the server, seen by nobody who would mend it."""
    assert server.process is not None
    server.process.kill()
    server.process.wait()


def test_its_address_opens_the_database_with_sqlalchemy(postgres: EmbeddedPostgres) -> None:
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT current_user, current_database(), lower('ÀÉÎ')")).one()
    engine.dispose()
    assert tuple(row) == ("postgres", "tangga", "àéî")


def test_it_listens_on_no_network(postgres: EmbeddedPostgres) -> None:
    assert ask(postgres, "SHOW listen_addresses") == [("",)]
    assert postgres.sockets.stat().st_mode & 0o777 == 0o700


@as_root
def test_it_runs_as_nobody(postgres: EmbeddedPostgres) -> None:
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(home_of(postgres), "postgres")} == {65534}


def test_a_second_start_finds_the_data(postgres: EmbeddedPostgres) -> None:
    before = len(postgres.log.read_text())
    ask(postgres, "CREATE TABLE fact AS SELECT 42 AS answer")
    postgres.stop()
    postgres.start()
    assert ask(postgres, "SELECT answer FROM fact") == [(42,)]
    assert "not properly shut down" not in postgres.log.read_text()[before:]


def test_a_folder_opened_to_others_is_closed_again(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    postgres.data.chmod(0o755)
    postgres.start()
    assert postgres.data.stat().st_mode & 0o777 == 0o700
    assert ask(postgres, "SELECT 1") == [(1,)]


def test_a_stop_cuts_off_clients_and_leaves_nothing(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url.replace("+psycopg", "")):
        postgres.stop()
    assert processes_of(home_of(postgres)) == {}


def test_a_killed_server_recovers_what_was_committed(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "CREATE TABLE fact AS SELECT 42 AS answer")
    kill(postgres)
    postgres.start()
    assert ask(postgres, "SELECT answer FROM fact") == [(42,)]


def test_a_start_waits_for_a_backend_that_outlives_its_killed_server(postgres: EmbeddedPostgres) -> None:
    home = home_of(postgres)
    client = psycopg.connect(postgres.url.replace("+psycopg", ""))
    client.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000000)")
    until(lambda: processes_of(home, "SELECT"))
    kill(postgres)
    (orphan,) = processes_of(home, "SELECT")
    postgres.start()
    client.close()
    assert orphan not in processes_of(home)
    assert ask(postgres, "SELECT 1") == [(1,)]


def test_a_pid_file_that_names_a_stranger_is_not_believed(postgres: EmbeddedPostgres) -> None:
    kill(postgres)
    user = postgres.folder.user
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if user else None)
    file = postgres.data / "postmaster.pid"
    file.write_text(file.read_text().replace(file.read_text().split("\n")[0], str(stranger.pid), 1))
    postgres.start()
    assert ask(postgres, "SELECT 1") == [(1,)]
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_creation_that_broke_off_is_begun_anew(home: Path) -> None:
    server = EmbeddedPostgres(home)
    (server.folder.path / "postgres.new" / "base").mkdir(parents=True)
    server.start()
    server.stop()
    assert not (server.folder.path / "postgres.new").exists()


def test_data_of_another_version_is_refused_and_kept(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(HomeUnusable, match=r"is of PostgreSQL 17, this Tangga brings 18\. Dump it"):
        server.start()
    assert (server.data / "PG_VERSION").read_text() == "17\n"


def test_a_home_too_deep_for_sockets_gets_a_short_folder_for_them(open_folder: Path) -> None:
    home = open_folder.joinpath(*["a-long-name-of-a-folder"] * 5)
    home.mkdir(parents=True)
    server = EmbeddedPostgres(home)
    server.start()
    short = server.sockets
    assert ask(server, "SELECT 1") == [(1,)]
    server.stop()
    server.folder.remove_sockets()
    assert len(str(short)) < 40
    assert not short.exists()


def test_the_kernel_ends_it_when_its_parent_is_killed(home: Path) -> None:
    script = f"""
from pathlib import Path
from plugin_server.launcher.postgres import EmbeddedPostgres
import os
EmbeddedPostgres(Path({str(home)!r})).start()
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    until(lambda: processes_of(home) == {})
