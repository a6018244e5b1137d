"""`tangga bench`: measurements, each against a bare baseline in the same run."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from plugin_server.cli.context import home_option, json_option, opened, show

BENCHES = {
    "codes": ("plugin_server.bench.codes", 100_000),
    "ingest": ("plugin_server.bench.ingest", 1_000_000),
    "freeze": ("plugin_server.bench.freeze", 500_000),
    "ladder": ("plugin_server.bench.ladder", 100_000),
    "pages": ("plugin_server.bench.pages", 100_000),
    "send": ("plugin_server.bench.send", 100_000),
    "webhooks": ("plugin_server.bench.webhooks", 8_000),
}
"""By name: the module whose ``run(database_url, redis_url, size, say)`` measures, and the size when none is given."""

INGESTS = {"csv": "plugin_server.bench.ingest", "shopify": "plugin_server.bench.ingest_shopify"}
"""Where `ingest` reads from: the module that measures it."""


@click.command()
@click.argument("name", type=click.Choice(list(BENCHES)))
@click.option("--size", type=click.IntRange(10, 5_000_000), help="How many orders, customers, mails or deliveries.")
@click.option("--from", "source", type=click.Choice(list(INGESTS)), help="What `ingest` reads; csv if not given.")
@home_option
@json_option
def bench(name: str, size: int | None, source: str | None, home: Path | None, as_json: bool) -> None:
    """Measure in a database of its own, which is dropped again; say the ratio to the bare work."""
    module, usual = BENCHES[name]
    if source:
        if name != "ingest":
            raise click.UsageError("--from goes with `ingest` alone.")
        module = INGESTS[source]
    with opened(home) as services:
        report: dict[str, Any] = importlib.import_module(module).run(
            services.settings.database_url,
            services.settings.redis_url,
            size or usual,
            lambda line: click.echo(line, err=True),
        )
    show(report, as_json)
