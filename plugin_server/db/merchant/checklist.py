"""What a business still needs before its campaigns can earn: looked up, never ticked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from plugin_server.db.sending import sender

ENOUGH_COSTS: Final = 0.8
"""Of this share of sales the unit cost must be known, before a margin is more than a guess."""

_LOOK: Final = """
    SELECT (SELECT count(*) FROM store WHERE state <> 'disconnected') AS stores,
        (SELECT min(id) FROM store WHERE state <> 'disconnected' AND platform <> 'csv') AS live,
        EXISTS (SELECT FROM inbound_event e JOIN store s ON s.id = e.store_id AND s.platform <> 'csv') AS heard,
        EXISTS (SELECT FROM consent WHERE state = 'subscribed') AS consented,
        EXISTS (SELECT FROM campaign_run) AS ran,
        EXISTS (SELECT FROM customer_facts WHERE rung IS NOT NULL) AS placed,
        postal_address <> '' AS addressed, settings ->> 'checklist' AS chosen
    FROM merchant"""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to have: whether it is there, and where it is mended. ``share`` is of sales, where that tells."""

    key: str
    done: bool
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """All items in the order in which they are worth doing. ``store`` is the live shop that is connected, if any."""

    items: tuple[Item, ...]
    placed: bool
    folded: bool
    store: int | None

    @property
    def open(self) -> list[Item]:
        """What is still missing."""
        return [item for item in self.items if not item.done]


def look(conn: Connection, *, covered: float | None, leaves: bool) -> Checklist:
    """The list of this merchant.

    ``covered``: the share of sales whose unit costs are known, None where nothing was sold; ``leaves``: whether mails
    go to real people, for only then receivers ask who vouches for the domain.
    """
    row = conn.execute(text(_LOOK)).one()
    found = sender.domain_found(conn) if leaves else None
    items = [
        Item("shop", bool(row.stores)),
        Item("webhooks", row.heard) if row.live else None,
        Item("address", row.addressed),
        Item("domain", bool(found and found[0].good)) if leaves else None,
        Item("costs", (covered or 0) >= ENOUGH_COSTS, covered),
        Item("consent", row.consented),
        Item("campaign", row.ran),
    ]
    return Checklist(tuple(item for item in items if item), row.placed, row.chosen == "folded", row.live)


def fold(conn: Connection, *, folded: bool) -> None:
    """Show the list small from now on, or whole again."""
    told: dict[str, Any] = {"chosen": "folded" if folded else "open"}
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('checklist', CAST(:chosen AS text))"), told
    )
