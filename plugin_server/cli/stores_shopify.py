"""`tangga stores add shopify`: a shop by the token of an app of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connectors.errors import ForbiddenHost
from connectors.shopify.auth import Grant
from connectors.shopify.names import shop_name
from plugin_server import shop_access, wiring
from plugin_server.cli.connecting import check_name, connected, looked_at, told
from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.vault import seal
from plugin_server.wiring import Services

PLATFORM = "shopify"


@click.command()
@click.option("--shop", required=True, help="The shop's own name, X.myshopify.com.")
@click.option("--token", required=True, help="The Admin API access token of an app of the shop, shpat_…")
@click.option("--secret", help="That app's client secret, by which the shop signs its webhooks.")
@click.option("--name", help="What to call it here; the shop's own name if left out.")
@click.option("--read-only", is_flag=True, help="Read only: no webhooks, no codes, no write-back.")
@merchant_options
def shopify(
    shop: str,
    token: str,
    secret: str | None,
    name: str | None,
    read_only: bool,
    merchant: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Connect a Shopify shop by the access token of an app of its own."""
    check_name(name)
    _check_words(token, secret)
    try:
        url = f"https://{shop_name(shop)}"
    except ForbiddenHost as error:
        raise BadInput(f"--shop: {error}") from error
    with opened(home) as services:
        merchant_id = merchant_id_of(services, merchant)
        document = connect(services, merchant_id, url=url, token=token, secret=secret, name=name, read_only=read_only)
    show(document, as_json, lambda: told(document))


def _check_words(token: str, secret: str | None) -> None:
    """A line break in a header, or a password pasted with its label, is the person's mistake and not the shop's."""
    for option, word in (("--token", token), ("--secret", secret)):
        if word is not None and not (word.isascii() and word.isprintable() and word.strip() and " " not in word):
            raise BadInput(f"{option}: paste it alone, without spaces or line breaks.")


def connect(
    services: Services, merchant_id: int, *, url: str, token: str, secret: str | None, name: str | None, read_only: bool
) -> dict[str, Any]:
    """Check a shop, store it or a new token of it, make its webhooks. Raises ``BadInput``: then nothing is stored."""
    shop = wiring.embedding_shop(services, url, lambda: token)
    checks, info = looked_at(shop, read_only=read_only), shop.info()
    vault, secrets = wiring.vault(services), [secret] if secret else []
    with tenant(services.engine, merchant_id) as connection:
        sealed = seal(services.settings.keys, {"secrets": secrets})
        known = stores.renew(connection, platform=PLATFORM, url=url, read_only=read_only)
        if known:
            store_id, rights = known, access.of(connection, known)
            if rights is not None and rights.installed and rights.uninstalled_at is None:
                raise BadInput(f"--shop: {url} has installed our app, and needs no token.")
            if secret:
                stores.signs_with(connection, store_id, sealed)
        else:
            store_id = stores.add(
                connection, merchant_id=merchant_id, platform=PLATFORM, name=name or info.name, url=url,
                webhook_secrets=sealed, read_only=read_only,
            )  # fmt: skip
        shop_access.write(connection, vault, merchant_id, store_id, Grant(token), installed=False)
        stores.told(connection, store_id, info, services.now())
        stores.checked(connection, store_id, checks, services.now())
        action = "store_reconnected" if known else "store_connected"
        audit_log.record(connection, merchant_id, actor="command line", action=action, subject=url)
    if not read_only and not secrets and not services.settings.shopify_client_secrets:
        click.echo(
            "tangga: without --secret the shop's webhooks cannot be proved; it is read every ten minutes.", err=True
        )
    return connected(services, merchant_id, store_id, PLATFORM, checks)
