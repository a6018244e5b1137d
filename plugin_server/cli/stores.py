"""`tangga stores`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import IntegrityError

from connectors.errors import ForbiddenHost
from connectors.woocommerce.store import shop_address
from plugin_server import wiring
from plugin_server.cli import stores_shopify
from plugin_server.cli.connecting import check_name, connected, looked_at, told
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.merchant import audit_log, merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import access
from plugin_server.db.shops import stores as rows
from plugin_server.jobs.reading import parting
from plugin_server.jobs.reading.connect import connect_store
from plugin_server.wiring import Services


@click.group()
def stores() -> None:
    """The shops of a business."""


@stores.group()
def add() -> None:
    """Connect a shop, or make one that is fed by files."""


@add.command()
@click.option("--url", required=True, help="The shop's address, https://…")
@click.option("--key", required=True, help="The REST API consumer key, ck_…")
@click.option("--secret", required=True, help="The REST API consumer secret, cs_…")
@click.option("--name", help="What to call it here; the shop's own name if left out.")
@click.option("--read-only", is_flag=True, help="Read only: no webhooks, no coupons, no write-back.")
@merchant_options
def woocommerce(
    url: str,
    key: str,
    secret: str,
    name: str | None,
    read_only: bool,
    merchant: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Connect a WooCommerce shop by its REST API key, or give a connected one a new key."""
    check_name(name)
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        document = connect(services, merchant_id, url=url, key=key, secret=secret, name=name, read_only=read_only)
    show(document, as_json, lambda: told(document))


def connect(
    services: Services, merchant_id: int, *, url: str, key: str, secret: str, name: str | None, read_only: bool
) -> dict[str, Any]:
    """Check a shop, store it or a known one's new key, make its webhooks. Raises ``BadInput``: nothing is stored."""
    with tenant(services.engine, merchant_id) as connection:
        timezone = merchants.get(connection)["timezone"]
    try:
        url = shop_address(url, allow_private=services.settings.allow_private_hosts)
        shop = wiring.shop(services.settings, url, key, secret, timezone)
    except ForbiddenHost as error:
        raise BadInput(f"--url: {error}") from error
    checks, info = looked_at(shop, read_only=read_only), shop.info()
    with tenant(services.engine, merchant_id) as connection:
        store_id = connect_store(
            connection,
            services.settings.keys,
            merchant_id,
            url=url,
            platform="woocommerce",
            credentials={"key": key, "secret": secret},
            read_only=read_only,
            by="command line",
            now=services.now(),
            name=name or info.name,
        )
        rows.told(connection, store_id, info, services.now())
        rows.checked(connection, store_id, checks, services.now())
    return connected(services, merchant_id, store_id, "woocommerce", checks)


@add.command()
@click.option("--name", required=True, help="What to call it.")
@click.option("--currency", help="ISO 4217; the business's own if left out.")
@click.option("--timezone", help="Of times without a zone in its files; the business's own if left out.")
@merchant_options
def csv(
    name: str, currency: str | None, timezone: str | None, merchant: str | None, home: Path | None, as_json: bool
) -> None:
    """Make a store that is fed by `tangga import orders`."""
    check_name(name)
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        with tenant(services.engine, merchant_id) as connection:
            own = merchants.get(connection)
        zone: str = timezone or own["timezone"]
        money: str = (currency or own["currency"]).upper()
        try:
            merchants.check(timezone=zone, currency=money, locale="en")
            with tenant(services.engine, merchant_id) as connection:
                store_id = rows.add(
                    connection,
                    merchant_id=merchant_id,
                    platform="csv",
                    name=name,
                    url=f"csv:{name}",
                    timezone=zone,
                    currency=money,
                )
        except merchants.BadMerchant as error:
            raise BadInput(f"--{error}") from error
        except IntegrityError as error:
            raise BadInput(f"--name: there is a store {name!r} already.") from error
    document = {"id": store_id, "platform": "csv", "webhook_url": None, "webhooks": [], "checks": []}
    show(document, as_json, lambda: f"Store {store_id}: {name}. Feed it: tangga import orders FILE --store {store_id}")


@stores.command(name="list")
@merchant_options
def list_(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """All shops of the business."""
    with opened(home) as services, tenant(services.engine, merchant_id_of(services, merchant)) as connection:
        document = [_shown(row) for row in rows.listed(connection)]
    show(document, as_json, lambda: "\n".join(map(_line, document)) or "No store yet. Add one: tangga stores add")


@stores.command()
@click.argument("store")
@merchant_options
def status(store: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """How a shop stands: its connection, its last reading, what waits."""
    with opened(home) as services, tenant(services.engine, merchant_id_of(services, merchant)) as connection:
        found = rows.status(connection, _found(connection, store)["id"])
    document = {
        **_shown(found["store"]),
        "cursors": found["cursors"],
        "last_run": found["last_run"],
        "inbox": found["inbox"],
    }
    show(document, as_json, lambda: _status(document))


@stores.command()
@click.argument("store")
@click.option("--address", help="The new address you mean; whatever the shop told last if left out.")
@merchant_options
def confirm(store: str, address: str | None, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Say that a frozen shop at its new address is the real one: mails go out from it again."""
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        with tenant(services.engine, merchant_id) as connection:
            row = _found(connection, store)
            try:
                told = rows.confirm(connection, row["id"], address=address, now=services.now())
            except rows.NothingToConfirm as error:
                raise BadInput(str(error)) from error
            audit_log.record(connection, merchant_id, actor="command line", action="address_confirmed", subject=told)
    show({"id": row["id"], "state": "connected", "fingerprint": told}, as_json, lambda: f"{row['name']}: {told}")


@stores.command()
@click.argument("store")
@merchant_options
def disconnect(store: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Part with a shop: our webhooks there go, its keys are forgotten. What came from it stays."""
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        with tenant(services.engine, merchant_id) as connection:
            row = _found(connection, store)
            rights = access.of(connection, row["id"])
        if row["platform"] == "csv":
            raise BadInput(f"{row['name']} is fed by files: there is no connection to end.")
        if rights is not None and rights.installed:
            raise BadInput(f"{row['name']} installed our app: remove it in the shop's admin, under Apps.")
        parting.begin(services, merchant_id, row["id"], by="command line")
        left = parting.parted(services, merchant_id, row["id"], wiring.connector)
    document = {"id": row["id"], "state": "disconnected", "webhooks_left": left}
    behind = f" Its webhooks could not be removed: {left}" if left else ""
    show(document, as_json, lambda: f"{row['name']} is disconnected; what came from it stays here.{behind}")


def _found(connection: Any, given: str) -> dict[str, Any]:
    try:
        return rows.find(connection, given)
    except rows.UnknownStore as error:
        raise BadInput(str(error)) from error


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "platform", "name", "url", "state", "state_reason", "read_only", "currency", "timezone", "version")
    at: datetime | None = row["checked_at"]
    return {name: row[name] for name in names} | {
        "checked_at": at.isoformat() if at else None,
        "checks": row["checks"].get("checks", []),
    }


def _line(row: dict[str, Any]) -> str:
    reason = f" ({row['state_reason']})" if row["state_reason"] else ""
    return f"{row['id']:>4}  {row['platform']:<12} {row['state']}{reason}  {row['name']}  {row['url']}"


def _status(document: dict[str, Any]) -> str:
    checks = [f"  {'ok ' if one['ok'] else 'bad'} {one['name']}: {one['detail']}" for one in document["checks"]]
    run: dict[str, Any] = document["last_run"] or {}
    reading = f"{run.get('kind')}, {run.get('state')}, {run.get('seen', 0)} rows" if run else "never read"
    faults = [f"  {run['error']}"] if run.get("error") else []
    read_up_to = [f"  {name} up to {moment}" for name, moment in dict(document["cursors"]).items()]
    inbox = ", ".join(f"{count} {state}" for state, count in dict(document["inbox"]).items()) or "empty"
    at = document["checked_at"]
    looked = f"Connection, looked at {at}:" if at else "Connection: not looked at yet"
    return "\n".join(
        [_line(document), looked, *checks, f"Last reading: {reading}", *faults, *read_up_to, f"Inbox: {inbox}"]
    )


add.add_command(stores_shopify.shopify)
