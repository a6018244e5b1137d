"""Writing each customer's rung and tags to his account in the shop, as meta data other plugins can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base import TagChange, Written
from connectors.errors import ConnectorError
from connectors.windows import chunks
from connectors.woocommerce.client import WooClient, plain

# A leading underscore would be dropped by the shop without a word, and "billing_…" would change the customer's data.
KEY, NAME, TAGS = "tangga_rung", "tangga_rung_name", "tangga_tags"
BATCH = 100


def write_rungs(client: WooClient, rungs: Mapping[str, tuple[str, str]]) -> Written:
    """Write {customer id: (rung key, rung name)}.

    Raises ``ConnectorError`` where the shop fails; writing all of them again is harmless. Each write comes back as a
    ``customer.updated`` event that differs from what we know in nothing but its time.
    """
    return _write(client, {owner: {KEY: key, NAME: name} for owner, (key, name) in rungs.items()})


def write_tags(client: WooClient, changes: Mapping[str, TagChange]) -> Written:
    """Write all tags of each customer as one list: the shop itself knows no tags of customers."""
    return _write(client, {owner: {TAGS: ", ".join(change.all)} for owner, change in changes.items()})


def _write(client: WooClient, wanted: Mapping[str, Mapping[str, str]]) -> Written:
    refused = {owner: "This is not a customer's number." for owner in wanted if not owner.isdigit()}
    for batch in chunks((owner for owner in wanted if owner.isdigit()), BATCH):
        update = [{"id": int(owner), "meta_data": _meta(wanted[owner])} for owner in batch]
        answer = client.write("POST", "customers/batch", {"update": update})
        items = answer.get("update") if isinstance(answer, dict) else None
        if not isinstance(items, list) or len(items) != len(batch):
            raise ConnectorError("The shop's answer to the rungs cannot be read.", code="shape", retry_after=300.0)
        refused |= {owner: fault for owner, item in zip(batch, items, strict=True) if (fault := _fault(item))}
    return Written(refused)


def _meta(entries: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in entries.items()]


def _fault(item: Any) -> str:
    error = item.get("error") if isinstance(item, dict) else None
    return (plain(error.get("message")) or "The shop gave no reason.") if isinstance(error, dict) else ""
