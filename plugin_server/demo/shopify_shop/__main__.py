"""`python -m plugin_server.demo.shopify_shop`: the Shopify double as a process of its own."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from plugin_server.demo.generator import generate
from plugin_server.demo.generator_export import campaigns_json, contacts_csv, effects_json, truth_jsonl
from plugin_server.demo.generator_types import ShopData
from plugin_server.demo.shop.journal import BadJournal, Journal, Origin
from plugin_server.demo.shopify_shop.compliance import declare
from plugin_server.demo.shopify_shop.delivery import PAUSES
from plugin_server.demo.shopify_shop.floor import Shopfloor
from plugin_server.demo.shopify_shop.grants import Grants
from plugin_server.demo.shopify_shop.own_admin import HOME
from plugin_server.demo.shopify_shop.server import bind, create_shop_app
from plugin_server.demo.shopify_shop.state import KINDS, ShopState, utc_now
from plugin_server.demo.shopify_shop.stocking import stock


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8082, show_default=True, help="0 lets the system choose.")
@click.option("--seed", default=1, show_default=True)
@click.option("--customers", default=5000, show_default=True, help="Contacts in all, buyers being 60 %.")
@click.option("--shop", "domain", default="toko-senja.myshopify.com", show_default=True)
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="File that keeps what happens here.")
@click.option(
    "--export", type=click.Path(path_type=Path, file_okay=False), help="Folder for contacts.csv, truth.jsonl."
)
@click.option("--app", help="Address for the webhooks that an app declares: privacy, uninstalling.")
@click.option("--proxy", help="Where /apps/tangga/… of the shop is passed on to.")
@click.option("--home", help="Where the app is reached: the shop's admin shows it in a frame at /admin/apps/CLIENT_ID.")
@click.option("--owner", help="E-mail address of the shop's owner, who is signed in to its admin.")
@click.option("--client-id", default="demo-client", show_default=True)
@click.option("--client-secret", envvar="DEMO_SHOP_SECRET", default="demo-secret", show_default=True)
@click.option(
    "--token",
    envvar="DEMO_SHOP_KEY",
    default="shpat_demo",
    show_default=True,
    help="Token of the custom app; empty for none.",
)
@click.option("--schema", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A whole Admin SDL.")
@click.option("--bulk-seconds", default=1.0, show_default=True, help="How long a bulk operation runs.")
@click.option("--bulk-orders", type=int, help="Make so many orders of every bulk query of orders: for speed runs.")
def main(
    host: str, port: int, seed: int, customers: int, domain: str, state: Path | None, export: Path | None,
    app: str | None, proxy: str | None, home: str | None, owner: str | None, client_id: str,
    client_secret: str, token: str, schema: Path | None, bulk_seconds: float, bulk_orders: int | None,
) -> None:  # fmt: skip
    """Serve the shop until it is told to stop. Prints `ready: URL` once it serves."""
    origin = Origin(seed, customers, datetime.now(UTC).replace(microsecond=0))
    try:
        journal = Journal(state, origin, KINDS) if state else None
    except BadJournal as error:
        raise click.ClickException(str(error)) from error
    told = journal.origin if journal else origin
    data = generate(seed=told.seed, customers=told.customers, now=told.now)
    if export:
        _export(data, export)
    shop = ShopState(domain=domain, grants=Grants(utc_now, client_id, client_secret, token or None))
    stock(shop, data)
    if journal:
        journal.restore(shop)
    if app and not any(one.declared and one.uri == app for one in shop.subscriptions.values()):
        declare(shop, app)
    served = create_shop_app(shop, schema=schema, bulk_seconds=bulk_seconds, pauses=PAUSES)
    if home:
        served.config[HOME] = home.rstrip("/")
    shop.owner = owner or shop.owner
    if proxy:
        served.config["PROXY"] = proxy.rstrip("/")
    floor: Shopfloor = served.extensions["shopify_shop"]
    floor.bulks.multiplied = bulk_orders
    try:
        server = bind(served, host=host, port=port)
    except SystemExit as error:  # werkzeug exits where the port is taken
        raise click.ClickException(f"Port {port} of {host} is taken. Give another --port.") from error
    signal.signal(signal.SIGTERM, _stop)
    floor.deliveries.start()
    click.echo(f"ready: {shop.base}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        floor.deliveries.stop()
        server.server_close()
        floor.bulks.close()
        if journal:
            journal.close()


def _export(data: ShopData, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contacts.csv").write_text(contacts_csv(data))
    (folder / "truth.jsonl").write_text(truth_jsonl(data))
    (folder / "campaigns.json").write_text(campaigns_json(data))
    (folder / "effects.json").write_text(effects_json(data))


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
