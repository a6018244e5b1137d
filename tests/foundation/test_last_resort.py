"""Whatever happens, a person at a terminal reads one sentence, and no secret or address stands in it."""

from __future__ import annotations

import errno
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from plugin_server.cli import Commands, main
from plugin_server.cli.last_resort import sentence
from plugin_server.wiring import Services


@pytest.fixture
def tangga(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> object:
    """Runs a command as the console does; gives (exit code, what stood on stderr)."""
    monkeypatch.setenv("TANGGA_HOME", str(tmp_path / "home"))

    def run(*words: str, **environment: str) -> tuple[object, str]:
        monkeypatch.setattr("sys.argv", ["tangga", *words])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"DATABASE_URL": "secret-nonsense"}, 2, "DATABASE_URL: this is no address of a server; write it as postgres"),
        ({"REDIS_URL": "http://secret"}, 2, "REDIS_URL: this is no address of a server; write it as redis://host"),
        ({"TANGGA_HOME": "/etc/passwd"}, 1, "The home /etc/passwd is not a folder you may write to. Choose another"),
        (
            {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"},
            1,
            "The database cannot be reached or gave up: connection failed",
        ),
    ],
)
def test_what_is_outside_is_named(tangga: object, environment: dict[str, str], code: int, said: str) -> None:
    assert callable(tangga)
    exit_code, told = tangga("stores", "list", **environment)
    assert (exit_code, told.count("\n")) == (code, 1)
    assert told.startswith(f"tangga: {said}")
    assert "secret" not in told
    assert "Traceback" not in told


def test_the_unforeseen_is_told_by_its_place_and_without_its_values() -> None:
    nobody: dict[str, str] = {}
    with pytest.raises(KeyError) as caught:
        nobody["somebody@example.com"]
    told = sentence(caught.value)
    assert told.startswith("This should not have happened: KeyError in test_last_resort.py:")
    assert "somebody" not in told


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.DiskFull("could not extend file for somebody@example.com"),
        OperationalError("INSERT", {}, psycopg.errors.DiskFull("no space")),
        OSError(errno.ENOSPC, "No space left on device", "/home/somebody"),
    ],
)
def test_a_full_disk_is_told_with_its_mend(error: Exception) -> None:
    assert sentence(error).startswith("The disk is full. What was not finished is not kept: make room on it")
    assert "somebody" not in sentence(error)


def test_a_failed_statement_is_told_without_its_values(app: Services) -> None:
    with pytest.raises(DBAPIError) as caught, app.engine.begin() as connection:
        connection.execute(text("SELECT CAST(:words AS text) / 0"), {"words": "somebody@example.com"})
    assert "somebody" not in str(caught.value)


def test_ctrl_c_is_answered(tangga: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    assert callable(tangga)
    monkeypatch.setattr(Commands, "invoke", interrupted)
    code, told = tangga("audit")
    assert (code, told.strip()) == (
        130,
        "tangga: Stopped. What was finished is kept; the same command again does the rest.",
    )


def test_a_place_for_refused_rows_is_looked_at_first(tangga: object, tmp_path: Path) -> None:
    assert callable(tangga)
    (tmp_path / "a.csv").write_text("order_id,ordered_at,total\n")
    code, told = tangga("import", "orders", str(tmp_path / "a.csv"), "--store", "1", "--rejects", "/nowhere/x.csv")
    assert code == 2
    assert "/nowhere/x.csv cannot be written; choose another place." in told


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_the_calendar_are_refused(tangga: object, day: str) -> None:
    assert callable(tangga)
    code, told = tangga("ladder", "counts", "--as-of", day)
    assert (code, f"{day} lies outside 1970 to 2999." in told) == (2, True)
