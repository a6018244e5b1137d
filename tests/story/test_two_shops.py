"""One business with a Shopify and a WooCommerce shop, both served: one ladder, and a code where each customer buys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from campaigns.schema import parse
from plugin_server import wiring
from plugin_server.cli.stores import connect
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.demo.shop import ShopState as WooShop
from plugin_server.demo.shop import running_shop as running_woo
from plugin_server.demo.shop import stock as stock_woo
from plugin_server.demo.shopify_shop import ShopState
from plugin_server.jobs.campaigning.run import advance, open_now
from plugin_server.jobs.outside import outside
from plugin_server.jobs.series import walk as series
from plugin_server.jobs.telling import rungs as tell_rungs
from plugin_server.jobs.telling import tags as tell_tags
from tests.story.conftest import KEY, SECRET, Spine
from tests.story.test_shopify_shop import ShopifySpine
from tests.story.test_shopify_shop import spine as shopify_spine
from tests.story.test_spine import launched

__all__ = ["shopify_spine"]


@dataclass
class Two:
    """Both shops with the same 200 people, connected and read."""

    shopify: ShopifySpine
    woo: Spine

    def deliver(self) -> None:
        """Both tell what happened."""
        self.shopify.deliver()
        self.woo.deliver()

    def told(self, tell: object) -> list[int]:
        """Write back to both; gives how many accounts each."""
        return [
            tell(spine.services, spine.merchant, spine.store, wiring.connector)  # type: ignore[operator]
            for spine in (self.shopify, self.woo)
        ]


@pytest.fixture
def two(shopify_spine: ShopifySpine) -> Iterator[Two]:
    one, shop = shopify_spine, WooShop()
    stock_woo(shop, one.data)
    shop.add_key(KEY, SECRET)
    with running_woo(shop, interval=60) as url:
        added = connect(one.services, one.merchant, url=url, key=KEY, secret=SECRET, name=None, read_only=False)
        both = Two(one, Spine(one.services, one.merchant, added["id"], shop, one.data, url))
        both.shopify.read()
        both.woo.read()
        yield both


def test_each_gets_a_code_in_the_shop_they_buy_from_and_climbs_by_either(two: Two) -> None:
    shop: ShopState | None = two.shopify.double
    assert shop is not None
    woo, one = two.woo.shop, two.shopify
    people = one.one("SELECT count(DISTINCT customer_id) FROM identity WHERE store_id = :id", id=one.store)
    assert one.one("SELECT count(*) FROM identity") == 2 * people, "one person, two accounts"

    # The last purchase decides: one person buys here, another there.
    (here,), (there,) = one.rows(
        "SELECT email FROM customer_facts JOIN customer ON id = customer_id WHERE rung = 'customer' "
        "AND consent_promotions = 'subscribed' ORDER BY id LIMIT 2"
    )
    variant = max(shop.variants.values(), key=lambda kind: kind.price).id
    ware = max((kind for kind in woo.products.values() if kind.price and kind.kind == "simple"), key=lambda k: k.price)
    assert one.buy(here, "", variant).status_code == 200
    assert two.woo.buy(there, "", ware.id).status_code == 200
    two.deliver()
    launched(one)
    codes = {
        who: (code, store)
        for who, code, store in one.rows("SELECT lower(email), code, store_id FROM offer_code WHERE state = 'issued'")
    }
    (code_here, store_here), (code_there, store_there) = codes[here.lower()], codes[there.lower()]
    assert (store_here, store_there) == (one.store, two.woo.store)
    assert (shop.discount_of(code_here) is None, shop.discount_of(code_there) is None) == (False, True)
    held = {coupon.code.upper() for coupon in woo.coupons.values()}
    assert (code_here.upper() in held, code_there.upper() in held) == (False, True)

    before = one.of(here, "orders"), one.of(there, "orders")
    assert one.buy(here, code_here, variant).status_code == 200
    assert one.buy(there, code_there, variant).status_code == 422, "a code of the other shop"
    assert two.woo.buy(there, code_there, ware.id).status_code == 200
    two.deliver()
    assert sorted(one.rows("SELECT code FROM redemption")) == sorted([(code_here,), (code_there,)])
    assert (one.of(here, "orders"), one.of(there, "orders")) == (before[0] + 1, before[1] + 1)

    # Both shops are told the one rung.
    assert min(two.told(tell_rungs.tell)) > 100
    for who in (here, there):
        account = shop.customer_by_email(who)
        assert account is not None
        rung = {f.value for f in shop.metafields.values() if f.owner.endswith(f"/{account.id}") and f.key == "rung"}
        twin = next(kind for kind in woo.customers.values() if kind.email.lower() == who.lower())
        assert rung == {one.of(who, "rung")} == {meta.value for meta in twin.meta if meta.key == "tangga_rung"}


def test_a_tag_that_a_series_puts_on_reaches_both_shops_and_leaves_them_again(two: Two) -> None:
    shop: ShopState | None = two.shopify.double
    assert shop is not None
    one, world = two.shopify, outside(two.shopify.services, two.shopify.merchant)
    document = {
        "key": "k",
        "trigger": {"kind": "once"},
        "audience": {"rungs": ["customer"]},
        "steps": [{"kind": "tag", "tag": "lebaran"}, {"kind": "tag", "tag": "old", "remove": True}],
        "measure": {"holdout": "0"},
    }
    for account in shop.customers.values():
        account.tags = ["old", "theirs"]
    with tenant(one.services.engine, one.merchant) as connection:
        connection.execute(text("UPDATE merchant SET holdout_share = 0"))
        campaigns.save(connection, merchant_id=one.merchant, campaign=parse(document), by="owner@example.com")
        run = open_now(connection, one.merchant, "k", "owner@example.com", one.services.now())
    assert advance(one.services, world, one.merchant, run) == "done"
    series.walk(one.services, world, one.merchant)
    shopify, woo = two.told(tell_tags.tell)
    tagged = one.one("SELECT count(*) FROM customer WHERE 'lebaran' = ANY(tags)")
    assert shopify == woo == tagged > 5
    assert sum(account.tags == ["lebaran", "theirs"] for account in shop.customers.values()) == tagged
    lists = [
        meta.value for account in two.woo.shop.customers.values() for meta in account.meta if meta.key == "tangga_tags"
    ]
    assert lists == ["lebaran"] * tagged
    assert two.told(tell_tags.tell) == [0, 0]
