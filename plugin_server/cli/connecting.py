"""What connecting any shop by its keys has in common: look first, store then, say what was found."""

from __future__ import annotations

from typing import Any

import click

from connectors.base import Store
from connectors.errors import ConnectorError
from connectors.types import Check
from plugin_server import wiring
from plugin_server.cli.context import BadInput
from plugin_server.jobs.reading.reconcile import revive, webhook_url
from plugin_server.wiring import Services


def check_name(name: str | None) -> None:
    """Raises ``BadInput`` for what could not stand as a name on one line; None is fine."""
    if name is not None and (not name.strip() or len(name) > 200 or not name.isprintable()):
        raise BadInput("--name: say what to call it, in one line of up to 200 characters.")


def looked_at(shop: Store, *, read_only: bool) -> list[Check]:
    """All findings about the connection. Raises ``BadInput`` where the shop cannot be used as it is."""
    checks = shop.checks()
    if bad := fatal(checks, read_only=read_only):
        raise BadInput("Nothing was stored. " + " ".join(f"{check.name}: {check.detail}" for check in bad))
    return checks


def fatal(checks: list[Check], *, read_only: bool) -> list[Check]:
    """The findings with which a shop cannot be used. A key that may only read is fine for reading only."""
    harmless = {"timezone", "clock", "window", "webhooks", "all_orders"} | ({"write"} if read_only else set())
    return [check for check in checks if not check.ok and check.name not in harmless]


def connected(
    services: Services, merchant_id: int, store_id: int, platform: str, checks: list[Check]
) -> dict[str, Any]:
    """The document of INTERFACES ``tangga stores add``; the webhooks are made on the way."""
    return {
        "id": store_id,
        "platform": platform,
        "webhook_url": webhook_url(services, platform, store_id),
        "webhooks": _webhooks(services, merchant_id, store_id),
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
    }


def _webhooks(services: Services, merchant_id: int, store_id: int) -> list[dict[str, str]]:
    try:
        return revive(services, merchant_id, store_id, wiring.connector)
    except ConnectorError as error:
        # The store is in and readable; its webhooks are tried again every night.
        click.echo(f"tangga: the webhooks could not be made: {error} They are tried again every night.", err=True)
        return []


def told(document: dict[str, Any]) -> str:
    """The document as lines for a person."""
    checks = [f"  {'ok ' if check['ok'] else 'bad'} {check['name']}: {check['detail']}" for check in document["checks"]]
    hooks = [f"  {hook['topic']}: {hook['state']}" for hook in document["webhooks"]]
    return "\n".join([f"Store {document['id']}", *checks, "Webhooks:", *(hooks or ["  none"])])
