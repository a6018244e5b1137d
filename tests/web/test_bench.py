"""The bench tells what INTERFACES promises, and nothing it sent was refused."""

from __future__ import annotations

import pytest

from plugin_server.bench.webhooks import run
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_round_gives_the_whole_report(services: ServiceUrls) -> None:
    report = run(services.database_url, services.redis_url, 160, lambda line: None, rounds=2)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb"} <= set(report)
    assert {"what", "seconds", "rate"} <= set(report["baseline"])
    assert report["refused"] == 0
    assert report["ratio"] > 0
    assert report["during_import"]["orders_imported"] >= 10_000
