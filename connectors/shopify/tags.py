"""Writing tags to customers of the shop, where themes, segments and Flow find them beside the shop's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors.base import TagChange, Written
from connectors.errors import BadPayload, ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.failures import Rejected
from connectors.shopify.rungs import changes
from connectors.shopify.values import gid, is_number, part

COMMA = "Shopify would split a tag at its comma. Leave the comma out."


def write_tags(client: ShopifyClient, wanted: Mapping[str, TagChange]) -> Written:
    """Put tags on customers and take others off, one call each.

    Raises ``ConnectorError`` where the shop fails; all of it may be written again: a tag there already is no fault.
    """
    refused: dict[str, str] = {}
    changed: dict[str, datetime] = {}
    for owner, change in wanted.items():
        for name, tags in (("tags_add", change.add), ("tags_remove", change.remove)):
            if tags and owner not in refused:
                _write(client, name, owner, tags, refused, changed)
    return Written(refused, changed)


def _write(
    client: ShopifyClient,
    name: str,
    owner: str,
    tags: tuple[str, ...],
    refused: dict[str, str],
    changed: dict[str, datetime],
) -> None:
    if not is_number(owner):
        refused[owner] = "This is not a customer's number."
        return
    if any("," in tag for tag in tags):
        refused[owner] = COMMA
        return
    asked = {"id": gid("Customer", owner), "tags": list(tags)}
    try:
        try:
            told = client.write(name, asked)
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            told = client.write(name, asked)  # What is there already, or gone already, stays so.
        changed |= changes([part(told, "node")], client.clock())
    except (Rejected, BadPayload) as error:
        refused[owner] = error.sentence
