"""The list of what is still missing, with the page on which each is mended."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import url_for
from sqlalchemy import Connection

from plugin_server.db.merchant import checklist, home
from plugin_server.db.merchant.checklist import Checklist
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import mail_account
from plugin_server.db.session import tenant
from plugin_server.jobs import figures
from plugin_server.web.context import services


@dataclass(frozen=True, slots=True)
class Shown:
    """A checklist and, by the key of an item, where to go."""

    list: Checklist
    where: dict[str, str]

    @property
    def done(self) -> int:
        """How many items are there already."""
        return len(self.list.items) - len(self.list.open)


def shown(connection: Connection, who: Person, *, settled: bool = True) -> Shown:
    """The list of this business now. While a shop is being read (``settled`` False) its sales are not added up yet."""
    known, counted = covered(connection, who) if settled else (None, True)
    found = checklist.look(connection, covered=known, leaves=mail_account.leave(connection, services().settings))
    if not counted:
        # What was not added up yet is neither there nor missing.
        found = replace(found, items=tuple(item for item in found.items if item.key != "costs"))
    return Shown(found, _where(found))


def covered(connection: Connection, who: Person) -> tuple[float | None, bool]:
    """The share of sales whose unit costs are known, None where nothing was sold; and whether it is added up yet."""
    made = figures.soon(services(), connection, who.merchant_id, "what_if")
    share: float | None = made.document["assumptions"].get("costs_known") if made else None
    return share, made is not None


def _where(found: Checklist) -> dict[str, str]:
    shop = url_for("stores.show", store_id=found.store) if found.store else url_for("welcome.show")
    return {
        "shop": url_for("welcome.show"),
        "webhooks": shop,
        "address": url_for("settings.show") + "#f-postal_address",
        "domain": url_for("sender.show"),
        "costs": url_for("welcome.costs_known"),
        "consent": url_for("topics.show"),
        "campaign": url_for("welcome.show") + "#moves",
    }


def landing(who: Person, store_id: int) -> str:
    """Where to go on from a shop that was just connected: a business's first shop leads back to its first steps."""
    with tenant(services().engine, who.merchant_id) as connection:
        first = all(store.id == store_id and store.synced_at is None for store in home.stores(connection))
    return url_for("welcome.show") if first else url_for("stores.show", store_id=store_id)
