"""`tangga import`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from connectors.csvfile.fault import BadFile
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.reading.import_contacts import ContactsFile, import_contacts
from plugin_server.jobs.reading.imports import OrdersFile, import_orders
from plugin_server.jobs.reading.imports import Progress as Report
from plugin_server.wiring import Services

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _writable(_ctx: click.Context, _param: click.Parameter, given: Path | None) -> Path | None:
    """A place for refused rows, looked at before the import rather than after it."""
    if given is not None and not (
        given.parent.is_dir() and os.access(given if given.exists() else given.parent, os.W_OK)
    ):
        raise click.BadParameter(f"{given} cannot be written; choose another place.")
    return given


REJECTS = click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_writable,
    help="Where to write refused rows.",
)
LOOK = click.option("--dry-run", "look", is_flag=True, help="Say what would come in, and bring nothing in.")


@click.group(name="import")
def import_() -> None:
    """Bring in files of orders and contacts (.csv or .csv.gz)."""


@import_.command()
@click.argument("file", type=FILE)
@click.option("--store", required=True, help="The store they belong to, by number or name.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field.")
@click.option("--currency", help="ISO 4217, where the file has no column for it.")
@click.option("--timezone", help="Of times without a zone; the store's own if left out.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark of the file; a point if left out.")
@REJECTS
@LOOK
@merchant_options
def orders(
    file: Path,
    store: str,
    mapping: tuple[str, ...],
    currency: str | None,
    timezone: str | None,
    decimal: str | None,
    rejects: Path | None,
    look: bool,
    merchant: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Bring in a file of orders, one row per order or one per line. Nothing takes it back: try --dry-run first."""
    with opened(home) as services:
        merchant_id, store_id = _store(services, merchant, store)
        _check(services, merchant_id, currency, timezone)
        given = OrdersFile(
            file,
            store_id,
            _mapping(mapping),
            currency and currency.upper(),
            timezone,
            decimal_comma=decimal == ",",
            decimal_said=decimal is not None,
            rejects=rejects,
            look=look,
        )
        try:
            with bar() as progress:
                document = import_orders(services, merchant_id, given, progress)
        except BadFile as error:
            raise BadInput(str(error)) from error
    _answer(document, document["orders"], as_json)


@import_.command()
@click.argument("file", type=FILE)
@click.option("--map", "mapping", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field.")
@click.option("--timezone", help="Of times without a zone; the business's own if left out.")
@REJECTS
@LOOK
@merchant_options
def contacts(
    file: Path,
    mapping: tuple[str, ...],
    timezone: str | None,
    rejects: Path | None,
    look: bool,
    merchant: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Bring in a file of contacts, with what they consented to. Nothing takes it back: try --dry-run first."""
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        _check(services, merchant_id, None, timezone)
        try:
            with bar() as progress:
                document = import_contacts(
                    services, merchant_id, ContactsFile(file, _mapping(mapping), timezone, rejects, look), progress
                )
        except BadFile as error:
            raise BadInput(str(error)) from error
    _answer(document, document["customers"], as_json)


@contextmanager
def bar() -> Iterator[Report]:
    """A progress bar on stderr, and the function that moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("reading", total=None)
        yield lambda phase, done, total: shown.update(task, description=phase, completed=done, total=total)


def _store(services: Services, merchant: str | None, given: str) -> tuple[int, int]:
    merchant_id = merchant_id_of(services, merchant)
    try:
        with tenant(services.engine, merchant_id) as connection:
            found = stores.find(connection, given)
    except stores.UnknownStore as error:
        raise BadInput(str(error)) from error
    if found["platform"] != "csv":
        # The nightly comparison would take the file's orders for deleted ones, and equal numbers for the shop's own.
        raise BadInput(
            f"{found['name']} is a shop that Tangga reads itself. Make a store for files, "
            "`tangga stores add csv --name NAME`, and bring them in there: the customers are the same."
        )
    return merchant_id, int(found["id"])


def _check(services: Services, merchant_id: int, currency: str | None, timezone: str | None) -> None:
    with tenant(services.engine, merchant_id) as connection:
        own = merchants.get(connection)
    try:
        merchants.check(
            timezone=timezone or own["timezone"], currency=(currency or own["currency"]).upper(), locale="en"
        )
    except merchants.BadMerchant as error:
        raise BadInput(f"--{error}") from error


def _mapping(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if wrong := [pair[0] for pair in pairs if not pair[2]]:
        raise BadInput(f"--map {wrong[0]}: write it as field=column, for example order_id=InvoiceNo.")
    return {field.strip(): column.strip() for field, _, column in pairs}


def _answer(document: dict[str, Any], taken: int, as_json: bool) -> None:
    show(document, as_json, lambda: _told(document))
    if not taken:
        raise BadInput(f"Nothing could be taken from the file: {document['rejected_count']} rows were refused.")


def _told(document: dict[str, Any]) -> str:
    lines = [
        *(_would(document) if document.get("dry_run") else _did(document)),
        *document["notes"],
        *(f"row {item['row']}: {item['reason']}" for item in document["rejected"] + document["warnings"]),
    ]
    return "\n".join(lines)


def _did(document: dict[str, Any]) -> list[str]:
    return [
        f"{document['rows']} rows, {document['created']} new, {document['updated']} changed, "
        f"{document['rejected_count']} refused, in {document['seconds']} seconds"
    ]


def _would(document: dict[str, Any]) -> list[str]:
    """What tells a wrong file: how much of it is known, from when it is, and what it comes to."""
    what = "orders" if "paid" in document else "contacts"
    lines = [
        f"{document['rows']} rows: {document['created']} {what} would be new, {document['known']} are known and would "
        f"take what differs, {document['rejected_count']} rows would be refused."
    ]
    if document.get("first_at"):
        sums = ", ".join(f"{paid['amount']} {paid['currency']}" for paid in document["paid"])
        lines += [f"From {document['first_at'][:10]} to {document['last_at'][:10]}, paid in all: {sums or 'nothing'}."]
    return [*lines, "Nothing was brought in. Once it is in, nothing takes it back."]
