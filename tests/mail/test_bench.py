"""The bench tells what it promises, and proves that all was accepted; a memory that grows would show in it."""

from __future__ import annotations

import pytest

from plugin_server.bench.send import run
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_campaign_gives_the_whole_report(services: ServiceUrls) -> None:
    said: list[str] = []
    report = run(services.database_url, services.redis_url, 700, said.append)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb"} <= set(report)
    assert {"what", "seconds", "rate"} <= set(report["baseline"])
    assert report["cpu_ms_each"]["ours"] > 0
    assert min(report["memory_mb"].values()) > 0
    assert len(said) == 3
