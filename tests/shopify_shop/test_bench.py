"""The bench reads what the double serves, to the last order, and tells what INTERFACES promises."""

from __future__ import annotations

import pytest

from plugin_server.bench.ingest_shopify import run
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_reading_gives_the_whole_report(services: ServiceUrls) -> None:
    said: list[str] = []
    report = run(services.database_url, services.redis_url, 1200, said.append)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb"} <= set(report)
    assert {"what", "seconds", "rate"} <= set(report["baseline"])
    assert report["work"].startswith("ingest 1200 orders")
    assert min(report["cpu_us_each"].values()) > 0
    assert report["memory_mb"]["at the end"] > 0
    assert len(said) == 2
