"""The bench of pages tells what it promises, and it looks at every page that people of a business can open."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from plugin_server.bench.pages import DRAFT, FILES, run
from plugin_server.bench.pages_groups import SERIES
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_round_measures_every_page(services: ServiceUrls, flask_app: Flask) -> None:
    report: dict[str, Any] = run(services.database_url, services.redis_url, 100, lambda line: None, rounds=1)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb", "over_limit"} <= set(report)
    assert report["left_out"] == FILES
    shown = {address.partition("?")[0] for address in report["pages"]}
    assert {"/merges/1", "/teams/1", f"/campaigns/{SERIES}/series", f"/campaigns/build/{DRAFT}/look"} <= shown
    assert {"/home", "/customers", "/customers/11", "/campaigns/bench", "/segments/segment", "/audit"} <= shown
    assert all(one["p50_ms"] > 0 for one in report["pages"].values())
    assert report["pages"]["/home"]["gzip_bytes"] > 1000
    visit = report["first_visit_gzip_bytes"]
    assert {"/home", "app.css", "app.js"} <= set(visit)
    assert visit["all"] == sum(size for name, size in visit.items() if name != "all") < 350_000
    assert report["largest_first_visit"] < 350_000
