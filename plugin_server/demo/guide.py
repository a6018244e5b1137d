"""Connects the demo shop the way an owner would, once both ends answer; the worker does the rest."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import stores
from plugin_server.demo import past, team_deals
from plugin_server.demo.opening import OWNER, PLACE, Opening, remembered
from plugin_server.jobs.reading.connect import connect_store, settle
from plugin_server.jobs.reading.import_contacts import ContactsFile, import_contacts
from plugin_server.launcher.probe import serves
from plugin_server.wiring import Services

PATIENCE = 90.0
READING = 900.0
"""Seconds for the worker to read the whole shop."""


@click.command()
@click.argument("port", type=int)
def main(port: int) -> None:
    """Connect the shop of this home to its only merchant; does nothing where that has been done."""
    services = wiring.services()
    opening = remembered(services.settings.tangga_home, seed=1, customers=5000)
    for ready in (serves(opening.port, "/"), serves(port)):
        _wait(ready)
    merchant_id = merchant_ids(services.engine)[0]
    with tenant(services.engine, merchant_id) as connection:
        known = stores.listed(connection)
    if not known:
        connect(services, merchant_id, opening)
    _wait(lambda: past.may_enter(services, merchant_id), READING)
    if not known:
        team_deals.seed(services, merchant_id)
    file = Path(services.settings.tangga_home) / PLACE / "campaigns.json"
    past.enter(services, merchant_id, json.loads(file.read_text()) if file.exists() else [])


def connect(services: Services, merchant_id: int, opening: Opening) -> None:
    """Store the shop, ask the worker to read it, bring in the contacts file of the last bazaar."""
    with tenant(services.engine, merchant_id) as connection:
        store_id = connect_store(
            connection,
            services.settings.keys,
            merchant_id,
            url=opening.address,
            platform=opening.platform,
            credentials={"key": opening.key, "secret": opening.secret},
            read_only=False,
            by=OWNER,
            now=services.now(),
        )
        if opening.platform == wiring.EMBEDDING:
            vault = wiring.vault(services)
            shop_access.write(connection, vault, merchant_id, store_id, Grant(opening.key), installed=False)
    settle(services, merchant_id, store_id)
    contacts = ContactsFile(Path(services.settings.tangga_home) / PLACE / "contacts.csv", {}, None, None)
    import_contacts(services, merchant_id, contacts, lambda _phase, _done, _total: None)


def _wait(ready: Callable[[], bool], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            sys.exit("The demo shop or our own pages do not answer; the log above says why.")
        time.sleep(patience / 450)


if __name__ == "__main__":
    main()
