"""`tangga points` and `tangga card`, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plugin_server.cli import cli
from tests.data.making import Shop, order
from tests.points.conftest import program

PROGRAM = """
since: 2020-01-01
point_value: "1"
earn: [{kind: amount, points: 1, per: "10"}]
"""


@pytest.fixture
def run(app: Any, services: Any, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command on this test's database; gives its JSON, or (exit code, what it said)."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", services.redis_url)
    monkeypatch.setenv("TANGGA_HOME", str(tmp_path))

    def go(*words: str) -> Any:
        done = CliRunner().invoke(cli, [*words, "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else (done.exit_code, str(done.exception))

    return go


def test_a_programme_is_set_and_past_orders_earn_at_once(run: Callable[..., Any], shop: Shop, tmp_path: Path) -> None:
    shop.take(order(total_minor=50_000))
    file = tmp_path / "program.yaml"
    file.write_text(PROGRAM)
    assert run("points", "program", str(file))["orders"] == 1
    found = run("points", "balance", "ANI@example.com")
    assert (found["balance"], found["pending"]) == (50, 0)
    assert run("points", "adjust", "ani@example.com", "-20", "--reason", "mistake")["balance"] == 30
    entries = run("points", "ledger", "ani@example.com")["entries"]
    assert [(one["kind"], one["points"]) for one in entries] == [("adjust", -20), ("earn", 50)]
    assert entries[0]["taken_from"] == [{"lot": entries[1]["id"], "points": 20}]


def test_the_liability_is_what_open_points_are_worth(run: Callable[..., Any], points_shop: Shop) -> None:
    points_shop.take(order(total_minor=50_000))
    run("points", "adjust", "ani@example.com", "5", "--reason", "hello")
    found = run("points", "liability")
    assert found["points"] == 5
    assert found["outstanding"] == {"amount": "5.00", "currency": "IDR"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("points", "balance", "nobody@example.com"), "No customer has the address"),
        (("points", "adjust", "ani@example.com", "0", "--reason", "x"), "between 1 and"),
        (("points", "adjust", "ani@example.com", "-1", "--reason", "x"), "There are 0 points"),
        (("points", "redeem", "ani@example.com", "five"), "No connected shop"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Callable[..., Any], points_shop: Shop, words: tuple[str, ...], says: str
) -> None:
    points_shop.take(order())
    assert says in run(*words)[1]


def test_points_stand_still_and_go_on(run: Callable[..., Any], points_shop: Shop) -> None:
    points_shop.take(order(total_minor=50_000))
    run("points", "adjust", "ani@example.com", "5", "--reason", "hello")
    assert run("points", "resume") == (1, "Points are not paused.")
    paused = run("points", "pause")
    assert (paused["paused"], paused["holders"] > 0) == (True, True)
    assert run("points", "pause") == (1, "Points are paused already.")
    assert run("points", "resume", "--undo")["paused"] is False
    assert "no pause of the last day" in run("points", "resume", "--undo")[1]
    assert run("points", "pause")["paused"]
    assert run("points", "resume")["paused"] is False
    acts = points_shop.rows("SELECT action FROM audit_log WHERE actor = 'command line' ORDER BY id")
    assert [act for (act,) in acts if "pause" in act or "resume" in act] == [
        "points_paused", "points_pause_undone", "points_paused", "points_resumed",
    ]  # fmt: skip


def test_no_programme_cannot_be_paused(run: Callable[..., Any], shop: Shop) -> None:
    assert "There is no points programme" in run("points", "pause")[1]


def test_the_card_of_a_customer(run: Callable[..., Any], points_shop: Shop) -> None:
    points_shop.take(order())
    found = run("card", "ani@example.com")
    assert (found["name"], found["points"]["balance"], found["offers"]) == ("Ani Wijaya", 0, [])
    assert "/c/" in found["url"]
    assert program().point_value == 1


def test_an_address_that_was_merged_away_answers_for_the_survivor(run: Callable[..., Any], points_shop: Shop) -> None:
    points_shop.take(order(total_minor=50_000), order("2", email="old@example.com", total_minor=30_000))
    run("customers", "merge", "ani@example.com", "old@example.com")
    has = run("points", "balance", "ani@example.com")
    assert "merged_into" not in has
    told = {"merged_into": "ani@example.com"}
    assert run("points", "balance", "Old@example.com") == has | told | {"email": "Old@example.com"}
    assert run("points", "ledger", "old@example.com").items() >= told.items()
    card = run("card", "old@example.com")
    assert (card["email"], card["merged_into"]) == ("ani@example.com", "ani@example.com")
    why = run("ladder", "explain", "old@example.com")
    assert why == run("ladder", "explain", "ani@example.com") | told | {"email": "old@example.com"}
    assert why["rung"] == "customer"
    for words in (("points", "balance"), ("points", "ledger"), ("card",), ("ladder", "explain")):
        said = CliRunner().invoke(cli, [*words, "old@example.com"]).stdout.splitlines()
        assert said[0] == "old@example.com was merged into ani@example.com."
