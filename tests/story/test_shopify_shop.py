"""The same visit in a Shopify shop: read, placed, offered a code that is its owner's alone, bought with it, climbed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.app import create_app
from plugin_server.cli.stores_shopify import connect
from plugin_server.demo.generator import generate
from plugin_server.demo.generator_ladder import rungs
from plugin_server.demo.opening import DOMAIN, OtherPlatform, free_port, known_of, remembered
from plugin_server.demo.shopify_shop import Faults, ShopState, running_shop, selling, stock
from plugin_server.jobs.reading import parting
from plugin_server.jobs.reading.ingest import drained
from plugin_server.jobs.telling import tags as tell_tags
from plugin_server.jobs.telling.rungs import tell
from plugin_server.wiring import Services, utc_now
from tests.serving import served
from tests.story.conftest import Spine
from tests.story.test_spine import launched, outbox, standing


@dataclass
class ShopifySpine(Spine):
    """A Shopify double of 200 contacts, connected by the token of a custom app."""

    double: ShopState | None = None
    faults: Faults = field(default_factory=Faults)

    def asked(self, operation: str) -> int:
        """How often the shop was asked for something by this name."""
        return self.faults.count(f"POST {operation}")

    def deliver(self) -> int:
        """The shop's deliveries arrive; then our inbox is drained."""
        assert self.double is not None
        assert self.double.listener is not None
        self.double.listener.drain()  # type: ignore[attr-defined]
        return drained(self.services, self.merchant, wiring.connector)

    def buy(self, email: str, code: str, product: int, quantity: int = 2) -> requests.Response:
        """Order in the shop's own window, as a visitor does; ``product`` is a variant."""
        with requests.Session() as visitor:
            for _ in range(quantity):
                visitor.post(f"{self.shop_url}/cart/add?lang=en", data={"id": product}, timeout=10)
            form = {"name": "Wati Utami", "email": email, "code": code, "do": "place"}
            return visitor.post(f"{self.shop_url}/checkout/", data=form, timeout=10)


@pytest.fixture
def spine(app: Services, merchant: int) -> Iterator[ShopifySpine]:
    port = free_port()
    shop, data = ShopState(domain=DOMAIN), generate(seed=5, customers=200, now=utc_now().replace(microsecond=0))
    stock(shop, data)
    faults = Faults()
    with running_shop(shop, faults=faults) as origin:
        told = {"public_url": f"http://127.0.0.1:{port}", "shopify_admin_origin": origin}
        services = replace(app, settings=app.settings.model_copy(update=told), now=utc_now)
        with served(create_app(services), port):
            added = connect(
                services, merchant, url=f"https://{DOMAIN}", token="shpat_demo", secret="demo-secret", name=None,
                read_only=False,
            )  # fmt: skip
            assert [check for check in added["checks"] if not check["ok"]] == []
            assert {hook["state"] for hook in added["webhooks"]} == {"active"}
            made: Any = shop
            yield ShopifySpine(services, merchant, added["id"], made, data, origin, double=shop, faults=faults)


def test_a_shopify_shop_is_read_offered_bought_from_and_climbed(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    truth = Counter(rungs(spine.data.people, spine.data.orders, (), spine.data.now))  # Shopify keeps no reviews
    truth.pop("suspect")
    assert standing(spine) == dict(truth)
    assert tell(spine.services, spine.merchant, spine.store, wiring.connector) > 0
    told = {field.value for field in shop.metafields.values() if field.key == "rung"}
    assert told == set(truth)

    launched(spine)
    issued = dict(spine.rows("SELECT email, code FROM offer_code WHERE state = 'issued'"))
    assert len(outbox(spine)) == len(issued) > 10
    for email, code in issued.items():
        found = shop.discount_of(code)
        owner = shop.customer_by_email(email)
        assert found is not None
        assert owner is not None
        assert (found[0].context, found[0].usage_limit) == ({"customers": [owner.id]}, 1)

    owner_email, code = spine.rows(
        "SELECT offer_code.email, code FROM offer_code JOIN customer_facts USING (customer_id) "
        "WHERE state = 'issued' AND rung = 'shopper' ORDER BY offer_code.id LIMIT 1"
    )[0]
    variant = max(shop.variants.values(), key=lambda one: one.price).id
    assert spine.buy("stranger@contoh.test", code, variant).status_code == 422
    assert spine.buy(owner_email, code, variant).status_code == 200
    spine.deliver()
    assert spine.rows("SELECT code, released_at FROM redemption") == [(code, None)]
    assert spine.of(owner_email, "rung") == "customer"
    assert spine.rows("SELECT * FROM inbound_event WHERE state NOT IN ('done', 'ignored')") == []
    assert spine.buy(owner_email, code, variant).status_code == 422


def test_a_basket_left_at_the_till_is_known_until_it_is_paid(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    left = "SELECT external_id FROM shop_order WHERE external_id LIKE 'checkout-%' AND status = 'draft'"
    old = {number for (number,) in spine.rows(left)}
    assert old <= {f"checkout-{one.id}" for one in shop.checkouts.values() if not one.completed_at}
    account = next(one for one in shop.customers.values() if one.email and not shop.orders_of(one.id))
    assert spine.of(str(account.email), "rung") == "prospect"
    variant = max(shop.variants.values(), key=lambda one: one.price).id
    basket = selling.leave(shop, selling.quote(shop, {variant: 2}), email=str(account.email))
    basket.codes = ["LOY-LEFT"]
    code = (
        "INSERT INTO offer_code (merchant_id, store_id, customer_id, email, code, state, kind, value, currency, "
        "expires_at) SELECT :m, :s, customer_id, 'x', 'LOY-LEFT', 'issued', 'percentage', 10, 'IDR', now() + '1 day' "
        "FROM identity WHERE external_id = :id RETURNING id"
    )
    spine.rows(code, m=spine.merchant, s=spine.store, id=str(account.id))
    spine.read("incremental")
    assert spine.rows("SELECT code FROM redemption") == [], "a code in a basket is not used yet"
    assert {number for (number,) in spine.rows(left)} - old == {f"checkout-{basket.id}"}
    way = spine.one("SELECT way_back FROM shop_order WHERE external_id = :id", id=f"checkout-{basket.id}")
    assert urlsplit(str(way)).path.endswith(f"/checkouts/ac/{basket.token}/recover")
    assert f"checkout-{basket.id}" in spine.abandoned()
    spine.read("reconcile")  # no list of orders names it, and it is not gone
    assert (f"checkout-{basket.id}",) in spine.rows(left)
    assert spine.of(str(account.email), "orders") == 0
    basket.completed_at = basket.updated_at = shop.now()
    spine.buy(str(account.email), "", variant)
    spine.read("incremental")
    assert (f"checkout-{basket.id}",) not in spine.rows(left)
    assert spine.one("SELECT way_back FROM shop_order WHERE external_id = :id", id=f"checkout-{basket.id}") is None
    assert (spine.of(str(account.email), "orders"), spine.of(str(account.email), "rung")) == (1, "shopper")


def test_an_order_that_waits_for_its_money_is_no_abandoned_checkout(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    variant = max(shop.variants.values(), key=lambda one: one.price).id
    waiting = []
    for state in ("PENDING", "AUTHORIZED", "PARTIALLY_PAID"):
        email = f"{state.lower()}@example.com"
        order = selling.place(shop, selling.quote(shop, {variant: 1}), email=email, name="Wati Utami")
        order.financial = state
        waiting.append(str(order.id))
    account = next(one for one in shop.customers.values() if one.email and not shop.orders_of(one.id))
    left = selling.leave(shop, selling.quote(shop, {variant: 1}), email=str(account.email))
    spine.read()
    assert set(waiting) <= {number for (number,) in spine.rows("SELECT external_id FROM shop_order WHERE NOT paid")}
    assert spine.abandoned() & {*waiting, f"checkout-{left.id}"} == {f"checkout-{left.id}"}


def test_customers_that_the_shop_merged_are_one_person_here(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    buyers = (one for one in shop.customers.values() if one.email and len(shop.orders_of(one.id)) == 1)
    kept, gone = islice((one for one in buyers if spine.of(str(one.email), "orders") == 1), 2)
    selling.merge(shop, kept, gone)
    spine.deliver()
    assert spine.of(str(kept.email), "orders") == 2
    assert spine.of(str(kept.email), "rung") == "customer"
    logged = spine.rows(
        "SELECT m.merged_by, w.email_norm, l.email_norm FROM customer_merge m JOIN customer w ON w.id = m.winner_id "
        "JOIN customer l ON l.id = m.loser_id"
    )
    assert logged == [("shop", str(kept.email).lower(), str(gone.email).lower())]
    assert spine.one("SELECT count(*) FROM identity WHERE external_id = :id", id=str(gone.id)) == 0


def test_what_we_wrote_ourselves_is_read_again_by_nobody(spine: ShopifySpine) -> None:
    """Every rung written comes back as a delivery that names the account; none of them costs the shop a question."""
    shop = spine.double
    assert shop is not None
    spine.read()
    spine.deliver()
    before = spine.asked("CustomerAfresh")
    wrote = told_in_turn(spine, tell)
    assert wrote > 100
    own = spine.one("SELECT count(*) FROM inbound_event WHERE note = 'our own writing'")
    assert own >= wrote
    assert spine.asked("CustomerAfresh") == before

    merchants, ours = list(shop.customers.values())[:2]
    spine.rows("UPDATE identity SET tags_due = '{\"vip\": true}' WHERE external_id = :id RETURNING id", id=str(ours.id))
    assert told_in_turn(spine, tell_tags.tell) == 1
    assert "vip" in ours.tags
    assert spine.asked("CustomerAfresh") == before
    # What somebody else changes is read, also where it is changed in the very second of our writing.
    ours.first_name, merchants.last_name = "Renamed", "Renamed"
    merchants.updated_at = shop.now()
    for customer in (ours, merchants):
        shop.save(customer, "CUSTOMERS_UPDATE")
    spine.deliver()
    assert spine.asked("CustomerAfresh") == before + 2
    names = spine.rows("SELECT first_name, last_name FROM customer WHERE 'Renamed' IN (first_name, last_name)")
    assert len(names) == 2


def told_in_turn(spine: ShopifySpine, told: Callable[..., int]) -> int:
    """Tell the shop, whose deliveries come in between; gives how many accounts."""
    done = told(spine.services, spine.merchant, spine.store, wiring.connector)
    spine.deliver()
    return done


def test_a_demo_home_stays_with_its_platform(tmp_path: Path) -> None:
    first = remembered(tmp_path, seed=1, customers=50, platform="shopify")
    assert (first.address, first.key[:6]) == (f"https://{DOMAIN}", "shpat_")
    assert remembered(tmp_path, seed=1, customers=50) == first
    told = known_of(tmp_path)  # commands beside a running demo reach its shop too
    assert told == {
        "allow_private_hosts": True, "shopify_admin_origin": first.url, "shopify_client_id": "demo-client",
        "shopify_client_secrets": (first.secret,),
    }  # fmt: skip
    assert known_of(tmp_path / "elsewhere") == {}
    with pytest.raises(OtherPlatform, match="runs on shopify"):
        remembered(tmp_path, seed=1, customers=50, platform="woocommerce")


def test_a_shopify_shop_of_a_pasted_token_is_left_and_comes_back(spine: ShopifySpine) -> None:
    """Its webhooks go while the token still opens the door; a new token keeps number, orders and secret."""
    assert parting.begin(spine.services, spine.merchant, spine.store, by="owner@example.com")
    assert parting.parted(spine.services, spine.merchant, spine.store, wiring.connector) == ""
    assert spine.rows("SELECT state, credentials FROM store") == [("disconnected", None)]
    with pytest.raises(ConnectorError, match="disconnected here"):
        spine.read("incremental")
    added = connect(
        spine.services, spine.merchant, url=f"https://{DOMAIN}", token="shpat_demo", secret=None, name=None,
        read_only=False,
    )  # fmt: skip
    assert added["id"] == spine.store
    assert {hook["state"] for hook in added["webhooks"]} == {"active"}
    spine.read()
    assert spine.one("SELECT count(*) FROM shop_order") > 100
    assert spine.one("SELECT state FROM store") == "connected"
