"""The benches of audience freeze and of codes say what they promise."""

from __future__ import annotations

import pytest

from plugin_server.bench import codes
from plugin_server.bench.freeze import run
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.mark.slow
def test_a_small_freeze_is_measured_against_a_bare_insert(services: ServiceUrls) -> None:
    report = run(services.database_url, services.redis_url, 300, lambda line: None)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb", "cases"} <= set(report)
    assert report["ratio"] == pytest.approx(report["seconds"] / report["baseline"]["seconds"], rel=0.2)
    # Two of three have an account, and everybody has bought.
    assert "300 customers, 200 of them" in report["work"]
    assert report["cases"]["birthdays_of_twelve_months"]["seconds"] > 0


@pytest.mark.slow
def test_a_small_round_of_codes_is_planned_made_and_proved(services: ServiceUrls) -> None:
    report = codes.run(services.database_url, services.redis_url, 250, lambda line: None)
    assert {"work", "seconds", "rate", "baseline", "ratio", "peak_rss_mb", "cases"} <= set(report)
    assert report["cases"]["plan"]["seconds"] > 0
    assert report["cases"]["make"]["ours"] > 0
