"""`tangga keys`: keys of the API."""

from __future__ import annotations

from pathlib import Path

import click

from plugin_server.cli.context import BadInput, merchant_id_of, merchant_options, opened, show
from plugin_server.db.merchant import api_keys
from plugin_server.db.session import tenant

ACTOR = "command line"


@click.group()
def keys() -> None:
    """Keys by which programs of a business read and write."""


@keys.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(api_keys.SCOPES), default="read", show_default=True)
@merchant_options
def add(name: str, scope: str, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """Make a key called NAME and print it, this once."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        try:
            with tenant(services.engine, number) as conn:
                made, key = api_keys.make(conn, number, name=name, scopes=[scope], by=ACTOR)
        except api_keys.BadKey as error:
            raise BadInput("Give the key a name.") from error
    show({"id": made, "name": name, "key": key}, as_json, lambda: key)


@keys.command("list")
@merchant_options
def list_(merchant: str | None, home: Path | None, as_json: bool) -> None:
    """All keys, without the keys themselves."""
    with opened(home) as services, tenant(services.engine, merchant_id_of(services, merchant)) as conn:
        found = [dict(row._mapping) for row in api_keys.everyone(conn)]
    show(found, as_json, lambda: "\n".join(_line(one) for one in found) or "There is no key.")


def _line(one: dict[str, object]) -> str:
    state = "revoked" if one["revoked_at"] else f"last used {one['used_at'] or 'never'}"
    return f"{one['id']}  {one['begins']}…  {one['name']}  {state}"


@keys.command()
@click.argument("key_id", type=int, metavar="ID")
@merchant_options
def revoke(key_id: int, merchant: str | None, home: Path | None, as_json: bool) -> None:
    """End the key with this number at once."""
    with opened(home) as services:
        number = merchant_id_of(services, merchant)
        with tenant(services.engine, number) as conn:
            if not api_keys.revoke(conn, number, key_id, by=ACTOR, now=services.now()):
                raise BadInput(f"There is no key {key_id} that still works. `tangga keys list` shows all.")
    show({"id": key_id, "revoked": True}, as_json, lambda: f"Key {key_id} no longer works.")
