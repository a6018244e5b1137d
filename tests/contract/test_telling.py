"""What every store promises about webhooks and about what we write back."""

from __future__ import annotations

from connectors.base import TagChange
from connectors.types import StoreEventKind
from plugin_server import wiring
from tests.connectors.server import Answer, serving
from tests.contract.conftest import NOW
from tests.contract.counters import OUR_SECRET, Counter


def test_webhooks_are_made_once_and_can_be_taken_away(shop: Counter) -> None:
    with serving(lambda asked: Answer(b"")) as ear:
        url = f"{ear.url}/webhooks/shop/1"
        first = shop.store.ensure_webhooks(url=url, secret=OUR_SECRET)
        again = shop.store.ensure_webhooks(url=url, secret=OUR_SECRET)
        assert {state.state for state in first} == {"active"}
        assert {(one.topic, one.external_id) for one in again} == {(one.topic, one.external_id) for one in first}
        assert {one.topic for one in shop.store.webhook_states(url=url) if one.state == "active"} >= {
            one.topic for one in first
        }
        shop.store.remove_webhooks(url=url)
        shop.store.remove_webhooks(url=url)
        assert {one.state for one in shop.store.webhook_states(url=url)} <= {"missing"}


def test_a_delivery_proves_itself_and_names_its_order(shop: Counter) -> None:
    id = sorted(shop.orders())[0]
    with serving(lambda asked: Answer(b"")) as ear:
        url = f"{ear.url}/webhooks/shop/1"
        shop.store.ensure_webhooks(url=url, secret=OUR_SECRET)
        shop.deliver()
        ear.asked.clear()
        shop.touch(id, NOW)
        shop.deliver()
        heard = list(ear.asked)
        shop.store.remove_webhooks(url=url)
    genuine = [one for one in heard if shop.genuine(one.headers, one.body)]
    assert genuine
    assert not any(shop.genuine(one.headers, one.body + b" ") for one in genuine)
    events = [shop.store.parse_webhook(headers=one.headers, body=one.body) for one in genuine]
    told = [event for event in events if event.kind is StoreEventKind.ORDER]
    assert {event.external_id or (event.order and event.order.external_id) for event in told} == {id}


def test_an_order_that_went_is_told(shop: Counter) -> None:
    id = sorted(shop.orders())[0]
    with serving(lambda asked: Answer(b"")) as ear:
        url = f"{ear.url}/webhooks/shop/1"
        shop.store.ensure_webhooks(url=url, secret=OUR_SECRET)
        shop.deliver()
        ear.asked.clear()
        shop.bin(id)
        shop.deliver()
        genuine = [one for one in ear.asked if shop.genuine(one.headers, one.body)]
        shop.store.remove_webhooks(url=url)
    events = [shop.store.parse_webhook(headers=one.headers, body=one.body) for one in genuine]
    assert (StoreEventKind.ORDER_GONE, id) in {(event.kind, event.external_id) for event in events}


def test_rungs_are_written_and_a_stranger_is_named(shop: Counter) -> None:
    (first, _), (second, _) = shop.accounts()[:2]
    asked = {first: ("member", "Anggota"), second: ("advocate", "Pembela"), "999999999": ("member", "Anggota")}
    written = shop.store.write_rungs(asked)
    assert set(written.refused) == {"999999999"}
    assert (shop.rung_of(first), shop.rung_of(second)) == ("member", "advocate")
    assert shop.store.write_rungs({first: ("customer", "Pelanggan")}).refused == {}
    assert shop.rung_of(first) == "customer"


def test_tags_are_put_on_and_taken_off_and_a_stranger_is_named(shop: Counter) -> None:
    (first, _), (second, _) = shop.accounts()[:2]
    store = wiring.beyond(shop.store)
    before = shop.tags_of(first) - {"vip", "lebaran"}
    both = TagChange(("vip", "lebaran"), (), ("lebaran", "vip"))
    written = store.write_tags({first: both, second: both, "999999999": both})
    assert set(written.refused) == {"999999999"}
    assert store.write_tags({first: TagChange((), ("vip",), ("lebaran",))}).refused == {}
    assert store.write_tags({first: TagChange((), ("vip",), ("lebaran",))}).refused == {}
    assert shop.tags_of(first) - before == {"lebaran"}
    assert {"vip", "lebaran"} <= shop.tags_of(second)
    # Where the shop says when the account changed by it, that is what it tells of the account from now on.
    for account, at in written.changed.items():
        known = shop.store.customer(account)
        assert known is not None
        assert known.updated_at is not None
        assert known.updated_at >= at
