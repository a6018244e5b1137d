"""The way back to an unpaid basket is for whoever left it, while it is there, and for nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.jobs import merging
from tests.campaigns.shop import add_order
from tests.series.conftest import House, app, clock, house, merchant
from tests.series.definitions import campaign, letter

__all__ = ["app", "clock", "house", "merchant"]
SHOP = "https://senja.example"


def begun(house: House, who: int, **told: Any) -> str:
    """An order of this customer that was not paid; gives the way back to it."""
    now = house.clock.now
    row: dict[str, Any] = {
        "status": "draft", "paid": False, "email": f"C{who}@example.com ", "way_back": f"{SHOP}/back/{who}",
        "way_back_until": now + timedelta(hours=20), "at": str(now - timedelta(hours=4)),
    } | told  # fmt: skip
    with tenant(house.app.engine, house.merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, house.merchant, who, store=store, external=f"begun {who} {row['at']}", **row)
    return str(row["way_back"])


def test_each_is_led_to_their_own_basket_or_to_the_shop(house: House) -> None:
    hour = timedelta(hours=1)
    own = begun(house, 1)
    begun(house, 1, way_back=f"{SHOP}/earlier", at=str(house.clock.now - 9 * hour))
    begun(house, 2, way_back_until=house.clock.now - hour)
    begun(house, 3, email="somebody.else@example.com")
    begun(house, 4, status="trashed")
    begun(house, 5)
    with tenant(house.app.engine, house.merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, house.merchant, 5, store=store, external="bought", at=str(house.clock.now - hour))
    pending = begun(house, 6, status="pending")
    # Two who became one: the basket was left with the other's address.
    begun(house, 7)
    merging.pair_merged(house.app, house.merchant, winner=8, loser=7, reason="one person", by="owner")
    house.begin(campaign(letter("{{ cart.url }}")))
    assert {who.partition("@")[0]: subject.split()[0] for who, subject in house.mails()} == {
        "c1": own, "c2": SHOP, "c3": SHOP, "c4": SHOP, "c5": SHOP, "c6": pending, "c8": SHOP
    }  # fmt: skip
