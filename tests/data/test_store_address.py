"""The address a shop tells: a copy freezes the store, and a person confirms exactly the address that was told."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from connectors.types import StoreInfo
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from tests.data.making import NOW, Shop

HOME, COPY, MOVED = "https://toko.example", "https://staging.toko.example", "https://toko.new.example"


def tell(connection: Connection, shop: Shop, *addresses: str) -> None:
    """The shop tells these addresses, one after the other."""
    for address in addresses:
        stores.told(connection, shop.store, StoreInfo("Toko", address, "IDR", "Asia/Jakarta", "10.9"), NOW)


def state(shop: Shop) -> list[tuple[object, ...]]:
    """How the store stands."""
    return shop.rows("SELECT state, fingerprint, told_fingerprint FROM store")


def test_the_address_told_last_waits_for_a_person(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME, COPY, MOVED)
    assert state(shop) == [("frozen", HOME, MOVED)]


def test_another_address_than_the_one_told_is_refused(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME, COPY, MOVED)
        with pytest.raises(stores.NothingToConfirm, match=f"now tells {MOVED}, not {COPY}"):
            stores.confirm(connection, shop.store, address=COPY, now=NOW)
    assert state(shop) == [("frozen", HOME, MOVED)]


def test_a_confirmed_address_does_not_freeze_the_store_again(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME, MOVED)
        assert stores.confirm(connection, shop.store, address=MOVED, now=NOW) == MOVED
        tell(connection, shop, MOVED)
    assert state(shop) == [("connected", MOVED, None)]


def test_a_shop_that_moved_back_still_waits_for_a_person(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME, COPY, HOME)
        assert stores.confirm(connection, shop.store, address=None, now=NOW) == HOME


def test_nothing_can_be_confirmed_where_nothing_waits(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME)
        with pytest.raises(stores.NothingToConfirm, match="is connected and tells no new address"):
            stores.confirm(connection, shop.store, address=None, now=NOW)
    assert state(shop) == [("connected", HOME, None)]


def test_a_shop_that_keeps_silent_about_its_address_is_not_taken_for_a_copy(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        tell(connection, shop, HOME, "")
    assert state(shop) == [("connected", HOME, None)]


def test_a_frozen_shop_that_told_nothing_yet_is_to_be_read_first(shop: Shop) -> None:
    with tenant(shop.app.engine, shop.merchant) as connection:
        connection.execute(text("UPDATE store SET state = 'frozen'"))
        with pytest.raises(stores.NothingToConfirm, match=f"Read it again first: `tangga sync {shop.store}`"):
            stores.confirm(connection, shop.store, address=None, now=NOW)
