"""`tangga merchants`."""

from __future__ import annotations

from pathlib import Path

import click

from plugin_server.cli.context import BadInput, home_option, json_option, opened, show
from plugin_server.db import merchants as store


@click.group()
def merchants() -> None:
    """The businesses on this server."""


@merchants.command()
@click.argument("name")
@click.option("--email", required=True, help="The owner's address.")
@click.option("--timezone", required=True, help="An IANA zone, such as Asia/Jakarta.")
@click.option("--currency", required=True, help="ISO 4217, such as IDR.")
@click.option("--locale", default="en", show_default=True, help="en, id or nl.")
@home_option
@json_option
def add(name: str, email: str, timezone: str, currency: str, locale: str, home: Path | None, as_json: bool) -> None:
    """Add a business and its owner."""
    with opened(home) as services:
        try:
            number = store.add(
                services.engine, name=name, email=email, timezone=timezone, currency=currency.upper(), locale=locale
            )
        except store.BadMerchant as error:
            raise BadInput(str(error)) from error
    show({"id": number, "name": name}, as_json, lambda: f"Merchant {number}: {name}")
