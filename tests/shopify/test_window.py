"""Shopify shows the orders of 60 days: what it does not show is not gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from connectors.types import Order
from plugin_server.db.session import tenant
from plugin_server.jobs.reading.sync import read_store
from plugin_server.wiring import Services
from tests.data.fake_store import FakeStore
from tests.data.making import NOW, order
from tests.shopify.conftest import SHOP


class Windowed(FakeStore):
    """A shop that gives and lists nothing older than 60 days, nor lost."""

    lost: frozenset[str] = frozenset()

    def order(self, external_id: str) -> Order | None:
        return None if external_id in self.lost else super().order(external_id)


@pytest.mark.parametrize(("rights", "old"), [([], "paid"), (["all_orders"], "trashed")])
def test_the_nightly_comparison_leaves_alone_what_the_shop_does_not_show(
    app: Services, merchant: int, shopify: int, rights: list[str], old: str
) -> None:
    fake = Windowed()
    fake.url = f"https://{SHOP}"
    days = {"old": 61, "edge": 58, "young": 3}
    fake.put(*(order(name, placed_at=NOW - timedelta(days=age), updated_at=NOW) for name, age in days.items()))
    read_store(app, merchant, shopify, "full", fake.connect)
    fake.lost, fake.kept = frozenset(fake.kept), {}
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE store SET capabilities = :rights"), {"rights": rights})
    fake.capabilities = frozenset(rights)
    read_store(app, merchant, shopify, "reconcile", fake.connect)
    with tenant(app.engine, merchant) as connection:
        found = dict(connection.execute(text("SELECT external_id, status FROM shop_order")).all())
    assert found == {"old": old, "edge": "trashed", "young": "trashed"}
