"""The bench of pages tells what it promises, and it looks at every page that people of a business can open."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from plugin_server.bench.pages import run
from plugin_server.launcher.supervisor import ServiceUrls

FILES = {"/runs/<int:run_id>/mails.csv"}
ROWS_OF_LAW = {"/settings/privacy/<int:number>"}
"""Its rows are written by requests of the law, of which the made-up shop has none."""


@pytest.mark.slow
def test_a_small_round_measures_every_page(services: ServiceUrls, flask_app: Flask) -> None:
    report: dict[str, Any] = run(services.database_url, services.redis_url, 100, lambda line: None, rounds=1)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb", "over_limit"} <= set(report)
    broken = {address: why for address, why in report["left_out"].items() if why.startswith("5")}
    assert broken == {}
    assert set(report["left_out"]) >= FILES | ROWS_OF_LAW
    shown = {address.partition("?")[0] for address in report["pages"]}
    assert {"/home", "/customers", "/customers/11", "/campaigns/bench", "/segments/segment", "/audit"} <= shown
    assert all(one["p50_ms"] > 0 for one in report["pages"].values())
    assert report["pages"]["/home"]["gzip_bytes"] > 1000
    visit = report["first_visit_gzip_bytes"]
    assert {"/home", "app.css", "app.js"} <= set(visit)
    assert visit["all"] == sum(size for name, size in visit.items() if name != "all") < 350_000
    assert report["largest_first_visit"] < 350_000
