"""`tangga teams`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plugin_server.cli import cli
from plugin_server.cli.context import BadInput
from plugin_server.db.friends.teams import TeamRefused
from tests.teams.conftest import Deals


@pytest.fixture
def run(services: Any, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.setenv("TANGGA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", services.redis_url)
    monkeypatch.setenv("SECRET_KEYS", "k" * 40)

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(cli, ["teams", *words, "--json"], standalone_mode=False)
        if done.exception:
            raise done.exception
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_teams_are_listed_extended_and_ended(deals: Deals, run: Callable[..., dict[str, Any]]) -> None:
    """The clock of a command is the real one, so that the team's deadline is set by it."""
    deals.at(datetime.now(UTC))
    deal = deals.open(unlock="joined")
    team = deals.start(deal)
    deals.join(team, 4)
    listed = run("list")
    assert [(one["key"], one["running"], one["taken"]) for one in listed["deals"]] == [("kopi-bareng", 1, 2)]
    assert listed["deals"][0]["promised"] == {"amount": "120000.00", "currency": "IDR"}
    shown = run("show", str(team))
    assert [one["email"] for one in shown["members"]] == ["c1@example.com", "c4@example.com"]
    assert "/d/" in shown["url"]
    later = run("extend", str(team), "--days", "2")
    assert (later["state"], later["deadline"] > shown["deadline"]) == ("extended", True)
    for words, sentence in (
        (("extend", str(team)), "Say how much time"), (("extend", str(team), "--until", "soon"), "is not a time"),
        (("extend", str(team), "--until", "2020-01-01T10:00"), "in the past"), (("show", "999"), "no team 999"),
        (("close", str(team)), "Say why"), (("close",), "Say what to close"),
        (("close", "--deal", "x"), "no team deal"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=sentence):
            run(*words)
    assert run("close", "--deal", "kopi-bareng")["state"] == "closed"
    with pytest.raises(TeamRefused):
        deals.start(deal, 5)
    ended = run("close", str(team), "--reason", "sold out")
    assert (ended["state"], ended["reason"], ended["ended_by"]) == ("lapsed", "sold out", "command line")
