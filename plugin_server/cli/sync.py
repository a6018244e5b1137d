"""`tangga sync`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.cli.context import BadInput, Failure, merchant_id_of, merchant_options, opened, show
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.db.shops.sync import AlreadyRunning
from plugin_server.jobs.reading.sync import Frozen, read_store
from plugin_server.wiring import Services


@click.command()
@click.argument("store")
@click.option("--full", is_flag=True, help="Read everything again, not only what changed.")
@click.option("--reconcile", is_flag=True, help="Read everything, and find what the shop deleted.")
@merchant_options
def sync(store: str, full: bool, reconcile: bool, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Read a shop, then facts and rungs."""
    kind = "reconcile" if reconcile else "full" if full else "incremental"
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        try:
            with tenant(services.engine, merchant_id) as connection:
                found = stores.find(connection, store)
        except stores.UnknownStore as error:
            raise BadInput(str(error)) from error
        store_id = int(found["id"])
        if found["platform"] == "csv":
            raise BadInput(f"{found['name']} is fed by files: tangga import orders FILE --store {store_id}")
        try:
            with progress(services, merchant_id, store_id):
                document = read_store(services, merchant_id, store_id, kind, wiring.connector)
        except (AlreadyRunning, Frozen) as error:
            raise Failure(str(error)) from error
        except ConnectorError as error:
            raise (BadInput if error.code == "no_connection" else Failure)(str(error)) from error
    show(document, as_json, lambda: _told(document))


@contextmanager
def progress(services: Services, merchant_id: int, store_id: int) -> Iterator[None]:
    """A bar on stderr that follows the reading's own row."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    stop = Event()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def follow() -> None:
            while not stop.wait(0.5):
                with tenant(services.engine, merchant_id) as connection:
                    run: dict[str, Any] = stores.status(connection, store_id)["last_run"] or {}
                if run.get("state") == "running":
                    bar.update(task, description=run["phase"], completed=run["seen"], total=run["total"])

        watcher = Thread(target=follow, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _told(document: dict[str, Any]) -> str:
    lines = [
        f"{name:<12} {counts['seen']} read, {counts['created']} new, {counts['updated']} changed"
        for name, counts in document.items()
        if isinstance(counts, dict) and "seen" in counts
    ]
    return "\n".join([*lines, f"{document['seconds']} seconds"])
