"""`tangga ladder` and `tangga audit` as a person calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader
from sqlalchemy import create_engine, text

from plugin_server.cli import cli
from plugin_server.cli.audit import write
from plugin_server.cli.context import BadInput
from plugin_server.db.session import psycopg_url
from tests.ladder.shops import Shop, insert

if TYPE_CHECKING:
    from plugin_server.launcher.supervisor import ServiceUrls


@pytest.fixture
def tangga(shop: Shop, services: ServiceUrls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on this test's database for this test's merchant."""
    url = shop.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", services.redis_url)
    monkeypatch.setenv("TANGGA_HOME", str(tmp_path))

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, [*words, "--merchant", str(shop.merchant_id)], standalone_mode=False)

    return run


def told(result: Result) -> Any:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_recompute_then_counts(shop: Shop, tangga: Any) -> None:
    shop.order(shop.person(), "2026-01-01")
    assert told(tangga("ladder", "recompute", "--json")) == {"facts": 1, "rungs": 1}
    found = told(tangga("ladder", "counts", "--json"))
    assert {rung["key"]: rung["count"] for rung in found["rungs"]}["shopper"] == 1
    assert "Shopper" in tangga("ladder", "counts").stdout
    assert told(tangga("ladder", "counts", "--as-of", "2025-12-31", "--json"))["customers"] == 0


def test_explain_speaks(shop: Shop, tangga: Any) -> None:
    shop.order(shop.person("ani@example.test"), "2026-01-01")
    tangga("ladder", "recompute")
    said = tangga("ladder", "explain", "ani@example.test", "--language", "nl").stdout
    assert "betaalde bestellingen: minstens 2 (nu: 1)" in said
    assert told(tangga("ladder", "explain", "ani@example.test", "--json"))["next"]["rung"] == "customer"


def test_somebody_without_an_address_is_explained_by_number(shop: Shop, tangga: Any) -> None:
    who = shop.person()
    shop.order(who, "2026-01-01")
    with shop.work() as conn:
        insert(
            conn, "identity", merchant_id=shop.merchant_id, store_id=shop.store_id, external_id="017", customer_id=who
        )
    tangga("ladder", "recompute")
    found = told(tangga("ladder", "explain", "017", "--json"))
    assert (found["email"], found["external_id"], found["rung"]) == (None, "017", "shopper")
    assert "017" in tangga("ladder", "explain", "017").stdout
    assert "has the number '17'" in str(tangga("ladder", "explain", "17").exception)


def test_history_simulate_and_audit_speak_json_and_words(shop: Shop, tangga: Any) -> None:
    shop.order(shop.person(), "2026-01-01")
    tangga("ladder", "recompute")
    assert told(tangga("ladder", "history", "--json"))["months"][0]["month"] == "2026-01"
    assert told(tangga("ladder", "simulate", "--json"))["headline"]["extra_orders"] == 1
    assert told(tangga("audit", "--json"))["customers"] == 1
    assert "2026-01" in tangga("ladder", "history").stdout
    assert "Upper bound, not a forecast" in tangga("ladder", "simulate").stdout
    assert "Came back" in tangga("audit").stdout


def test_an_empty_shop_has_no_tracebacks(tangga: Any) -> None:
    for words in (["ladder", "counts"], ["ladder", "history"], ["ladder", "simulate"], ["audit"]):
        assert tangga(*words).exception is None
        assert told(tangga(*words, "--json")) is not None


def test_the_audit_is_written_as_a_pdf_or_says_why_not(shop: Shop, tangga: Any, tmp_path: Path) -> None:
    shop.order(shop.person(), "2026-01-01")
    tangga("ladder", "recompute")
    target = tmp_path / "paper" / "audit.pdf"
    assert "cannot be written" in str(tangga("audit", "--pdf", str(target)).exception)
    target.parent.mkdir()
    assert "Came back" in tangga("audit", "--pdf", str(target), "--language", "nl").stdout
    assert "Waar iedereen staat" in PdfReader(target).pages[0].extract_text()
    assert list(target.parent.iterdir()) == [target]
    pipe = target.with_name("pipe")
    os.mkfifo(pipe)
    kept = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, b"%PDF")
    assert (os.read(kept, 10), pipe.is_fifo()) == (b"%PDF", True)
    os.close(kept)


BAD = [
    (["ladder", "counts", "--as-of", "yesterday"], click.UsageError, "2026-03-01"),
    (["ladder", "counts", "--as-of", "2999-01-01"], BadInput, "future"),
    (["ladder", "explain", "nobody@example.test"], BadInput, "nobody@example.test"),
    (["ladder", "history", "--from", "2026-02-01", "--to", "2026-01-01"], BadInput, "swap"),
    (["audit", "--from", "2026-02-01", "--to", "2026-01-01"], BadInput, "swap"),
]


@pytest.mark.parametrize(("words", "kind", "word"), BAD)
def test_bad_input_is_named(tangga: Any, words: list[str], kind: type[Exception], word: str) -> None:
    result = tangga(*words)
    assert isinstance(result.exception, kind)
    assert word in str(getattr(result.exception, "message", result.exception))


def test_the_bench_measures_and_leaves_nothing_behind(services: ServiceUrls) -> None:
    from plugin_server.bench.ladder import run

    said: list[str] = []
    before = databases(services)
    report = run(services.database_url, services.redis_url, 200, said.append)
    assert set(report) >= {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb"}
    assert report["ratio"] > 0
    assert len(said) == 2
    assert databases(services) <= before


def databases(services: ServiceUrls) -> set[str]:
    """The benches' own databases on this server."""
    server = create_engine(psycopg_url(services.database_url))
    with server.connect() as conn:
        found = set(conn.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'tangga_bench%'")))
    server.dispose()
    return found


OWN = """
name: own
review: {every: month, grace_days: 14}
rungs:
  - {key: ground, names: {en: Ground}, since: {of: latest_of, moments: [known_since]}}
  - key: buyer
    names: {en: Buyer}
    rule: {kind: cmp, fact: orders, op: ">=", value: 1}
    since: {of: latest_of, moments: [first_order_at]}
"""


def test_an_own_ladder_from_a_file(shop: Shop, tangga: Any, tmp_path: Path) -> None:
    shop.order(shop.person("ani@example.test"), "2026-01-01")
    shop.climb()
    file = tmp_path / "ladder.yaml"
    file.write_text(OWN)
    moved = told(tangga("ladder", "preview", str(file), "--json"))
    assert moved["moves"] == [{"from": "shopper", "to": "buyer", "count": 1}]
    assert told(tangga("ladder", "show", "--json"))["name"] == "seven-rungs"
    assert told(tangga("ladder", "set", str(file), "--json"))["version"] == 1
    assert told(tangga("ladder", "show", "--json"))["review"] == {"every": "month", "grace_days": 14}
    held = told(tangga("ladder", "pin", "ani@example.test", "ground", "--reason", "Staff", "--json"))
    assert (held["rung"], held["pinned"]["reason"]) == ("ground", "Staff")
    assert told(tangga("ladder", "unpin", "ani@example.test", "--json"))["rung"] == "buyer"
    file.write_text(OWN.replace("value: 1", "value: many"))
    refused = tangga("ladder", "set", str(file)).exception
    assert isinstance(refused, BadInput)
    assert "rungs.1.rule.value: orders is a whole number" in str(refused)
    file.write_text("rungs: [")
    assert "neither YAML nor JSON" in str(tangga("ladder", "set", str(file)).exception)
    assert "or one of seven-rungs" in str(tangga("ladder", "set", "eight-rungs").exception)
    assert told(tangga("ladder", "set", "three-stages", "--json"))["version"] == 2


def test_simulate_takes_shares_and_a_margin(shop: Shop, tangga: Any) -> None:
    for _ in range(4):
        shop.order(shop.person(), "2026-01-01", 100_00)
    tangga("ladder", "recompute")
    found = told(tangga("ladder", "simulate", "--share", "shopper=0.5", "--margin", "0.4", "--json"))
    assert (found["headline"]["extra_orders"], found["headline"]["extra_margin"]["amount"]) == (2, "80.00")
    for odd in ("shopper=2", "shopper=x", "king=0.5", "0.5"):
        assert isinstance(tangga("ladder", "simulate", "--share", odd).exception, BadInput)


def test_zeros_of_a_shop_without_customers_are_explained(tangga: Any) -> None:
    for words in (("counts",), ("counts", "--as-of", "2020-01-01"), ("history",), ("simulate",)):
        assert "tangga import orders" in told(tangga("ladder", *words, "--json"))["note"]
    assert "tangga import orders" in tangga("ladder", "simulate").stdout
    assert "tangga import orders" in tangga("audit").stdout


def test_a_day_is_that_of_the_shops_zone(shop: Shop, tangga: Any) -> None:
    shop.order(shop.person("early@example.test"), "2026-03-09T20:00")
    shop.refresh()
    shop.climb()
    assert "shopper since 2026-03-10" in tangga("ladder", "explain", "early@example.test").stdout
    assert "note" not in told(tangga("ladder", "counts", "--json"))
