"""`tangga merchants`."""

from __future__ import annotations

from pathlib import Path

import click

from plugin_server.cli.context import BadInput, home_option, json_option, merchant_id_of, merchant_options, opened, show
from plugin_server.db.merchant import audit_log, people, shop_settings
from plugin_server.db.merchant import merchants as store
from plugin_server.db.session import tenant
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services


@click.group()
def merchants() -> None:
    """The businesses on this server."""


@merchants.command()
@click.argument("name")
@click.option("--email", required=True, help="The owner's address.")
@click.option("--timezone", required=True, help="An IANA zone, such as Asia/Jakarta.")
@click.option("--currency", required=True, help="ISO 4217, such as IDR.")
@click.option("--locale", default="en", show_default=True, help="en, id or nl.")
@click.option("--postal-address", default="", help="Stands at the foot of every mail; the law asks for it.")
@home_option
@json_option
def add(
    name: str,
    email: str,
    timezone: str,
    currency: str,
    locale: str,
    postal_address: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Add a business and its owner."""
    with opened(home) as services:
        try:
            number = store.add(
                services.engine,
                name=name,
                email=email,
                timezone=timezone,
                currency=currency.upper(),
                locale=locale,
                postal_address=postal_address,
            )
        except store.BadMerchant as error:
            raise BadInput(str(error)) from error
        link = "" if as_json else _first_login(services, number, email)
    show({"id": number, "name": name}, as_json, lambda: f"Merchant {number}: {name}\nlogin: {link}")
    if link:
        click.echo("The link works once, for 15 minutes. Later ask for another one on the log-in page.", err=True)


def _first_login(services: Services, merchant_id: int, email: str) -> str:
    """The owner's way in before any mail can be sent."""
    owner = dict(people.by_email(services.engine, email))[merchant_id]
    return make_login_link(services, merchant_id, owner)


@merchants.command("set")
@click.option("--postal-address", required=True, help="Stands at the foot of every mail; the law asks for it.")
@merchant_options
def set_(postal_address: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Change what stands in the mails of a business."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        try:
            address = store.checked_address(postal_address)
        except store.BadMerchant as error:
            raise BadInput(f"--{error}".replace("_", "-", 1)) from error
        with tenant(services.engine, number) as connection:
            shop_settings.save(connection, {"postal_address": address})
            detail = {"postal_address": address}
            audit_log.record(connection, number, actor="command line", action="settings_changed", detail=detail)
    show({"id": number, "postal_address": address}, as_json, lambda: address or "No postal address any more.")
