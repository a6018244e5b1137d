"""`tangga bench ingest` tells what INTERFACES promises, of two baselines."""

from __future__ import annotations

import pytest

from plugin_server.bench.ingest import run
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_round_gives_the_whole_report(services: ServiceUrls) -> None:
    report = run(services.database_url, services.redis_url, 500, lambda line: None)
    assert {"work", "seconds", "rate", "baseline", "ratio", "kept", "peak_rss_mb"} <= set(report)
    assert report["ratio"] == pytest.approx(report["seconds"] / report["baseline"]["seconds"], rel=0.2)
    assert report["kept"]["ratio"] == pytest.approx(report["seconds"] / report["kept"]["seconds"], rel=0.2)
