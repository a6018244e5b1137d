"""`python -m plugin_server.demo.shop`: the demo shop as a process of its own."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from plugin_server.demo.generator import generate
from plugin_server.demo.generator_export import campaigns_json, contacts_csv, effects_json, truth_jsonl
from plugin_server.demo.generator_types import ShopData
from plugin_server.demo.shop.delivery import Delivery
from plugin_server.demo.shop.faults import Faults
from plugin_server.demo.shop.journal import BadJournal, Journal, Origin
from plugin_server.demo.shop.server import bind, create_shop_app
from plugin_server.demo.shop.state import ShopState
from plugin_server.demo.shop.stocking import stock


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8081, show_default=True, help="0 lets the system choose.")
@click.option("--seed", default=1, show_default=True)
@click.option("--customers", default=5000, show_default=True, help="Contacts in all, buyers being 60 %.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="File that keeps what happens here.")
@click.option(
    "--export", type=click.Path(path_type=Path, file_okay=False), help="Folder for contacts.csv, truth.jsonl."
)
@click.option("--key", envvar="DEMO_SHOP_KEY", help="Consumer key, ck_…")
@click.option("--secret", envvar="DEMO_SHOP_SECRET", help="Consumer secret, cs_…")
@click.option("--legacy", is_flag=True, help="Behave as WooCommerce 10.0 with orders in the posts table.")
@click.option("--tls", is_flag=True, help="Serve https with a certificate of its own making.")
@click.option("--allow-http-callback", is_flag=True, help="Let apps be approved whose callback is not https.")
@click.option("--block", help="Address of a script that the front page shows, as its keeper pasted it.")
@click.option("--webhook-seconds", default=2.0, show_default=True, help="Time between two runs of the webhook queue.")
def main(
    host: str, port: int, seed: int, customers: int, state: Path | None, export: Path | None, key: str | None,
    secret: str | None, legacy: bool, tls: bool, allow_http_callback: bool, block: str | None, webhook_seconds: float,
) -> None:  # fmt: skip
    """Serve the demo shop until it is told to stop. Prints `ready: URL` once it serves."""
    origin = Origin(seed, customers, datetime.now(UTC).replace(microsecond=0))
    try:
        journal = Journal(state, origin) if state else None
    except BadJournal as error:
        raise click.ClickException(str(error)) from error
    told = journal.origin if journal else origin
    data = generate(seed=told.seed, customers=told.customers, now=told.now)
    shop = _open_shop(data, journal, legacy=legacy)
    if export:
        _export(data, export)
    if key and all(one.key != key for one in shop.keys.values()):
        shop.add_key(key, secret)
    app = create_shop_app(shop, Faults(), interval=webhook_seconds, allow_http_callback=allow_http_callback)
    app.config["BLOCK"] = block
    try:
        server = bind(app, host=host, port=port, tls=tls)
    except SystemExit as error:  # werkzeug exits where the port is taken
        raise click.ClickException(f"Port {port} of {host} is taken. Give another --port.") from error
    delivery: Delivery = app.extensions["delivery"]
    signal.signal(signal.SIGTERM, _stop)
    delivery.start()
    click.echo(f"ready: {shop.base}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        delivery.stop()
        server.server_close()
        if journal:
            journal.close()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _open_shop(data: ShopData, journal: Journal | None, *, legacy: bool) -> ShopState:
    shop = ShopState(legacy=legacy)
    stock(shop, data)
    if journal:
        journal.restore(shop)
    return shop


def _export(data: ShopData, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contacts.csv").write_text(contacts_csv(data))
    (folder / "truth.jsonl").write_text(truth_jsonl(data))
    (folder / "campaigns.json").write_text(campaigns_json(data))
    (folder / "effects.json").write_text(effects_json(data))


if __name__ == "__main__":
    main()
