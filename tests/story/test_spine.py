"""A shop climbs the ladder: read, placed, written to, bought from, and told who climbed."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from woocommerce import API

from campaigns.recipes import holiday_discount
from connectors.errors import ConnectorError
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder.standing import counts
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.campaigning.run import advance, open_now
from plugin_server.jobs.outside import outside
from plugin_server.jobs.reading.reconcile import reconciled, revive
from plugin_server.jobs.reading.sync import Frozen
from plugin_server.jobs.telling.rungs import tell
from tests.story.conftest import KEY, SECRET, Spine


def standing(spine: Spine) -> dict[str, int]:
    with tenant(spine.services.engine, spine.merchant) as connection:
        told = counts(connection, merchant_id=spine.merchant, now=spine.services.now())
    return {rung["key"]: rung["count"] for rung in told["rungs"] if rung["count"]}


def launched(spine: Spine, **changes: object) -> int:
    """The holiday discount, run to its end; gives the run."""
    recipe = holiday_discount("christmas").campaign
    campaign = recipe.model_copy(update={"guards": recipe.guards.model_copy(update={"quiet_hours": None}), **changes})
    services, now = spine.services, spine.services.now()
    with tenant(services.engine, spine.merchant) as connection:
        campaigns.save(connection, merchant_id=spine.merchant, campaign=campaign, by="owner@example.com")
        run_id = open_now(connection, spine.merchant, campaign.key, "owner@example.com", now)
    assert advance(services, outside(services, spine.merchant), spine.merchant, run_id) == "done"
    return run_id


def outbox(spine: Spine) -> list[EmailMessage]:
    files = sorted(Path(spine.services.settings.outbox).rglob("*.eml"))
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]  # type: ignore[misc]


def test_everybody_stands_where_the_truth_behind_the_shop_says(spine: Spine) -> None:
    spine.read()
    truth = Counter(truth.rung for truth in spine.data.truths)
    truth.pop("suspect")
    assert standing(spine) == dict(truth)


def test_the_shop_is_told_every_rung_once(spine: Spine) -> None:
    spine.read()
    accounts = spine.one("SELECT count(*) FROM identity")
    assert tell(spine.services, spine.merchant, spine.store, wiring.connector) == accounts
    told = {
        meta.value for customer in spine.shop.customers.values() for meta in customer.meta if meta.key == "tangga_rung"
    }
    assert told == set(standing(spine)) - {"suspect"}
    assert tell(spine.services, spine.merchant, spine.store, wiring.connector) == 0


def test_our_own_writing_comes_back_and_changes_nothing(spine: Spine) -> None:
    spine.read()
    spine.deliver()
    before = spine.rows("SELECT * FROM customer ORDER BY id")
    tell(spine.services, spine.merchant, spine.store, wiring.connector)
    assert spine.deliver() > 0
    assert spine.rows("SELECT * FROM customer ORDER BY id") == before
    assert spine.one("SELECT count(*) FROM inbound_event WHERE state <> 'done'") == 0


def test_a_code_is_in_the_shop_before_its_mail_leaves_and_works_for_its_owner_alone(spine: Spine) -> None:
    spine.read()
    launched(spine)
    mails = outbox(spine)
    issued = dict(spine.rows("SELECT email, code FROM offer_code WHERE state = 'issued'"))
    assert len(mails) == len(issued) == spine.one("SELECT count(*) FROM message WHERE state = 'accepted'") > 10
    for mail in mails:
        address = mail["To"].addresses[0].addr_spec
        assert issued[address] in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        coupon = spine.shop.coupon(issued[address])
        assert coupon is not None
        assert (coupon.email_restrictions, coupon.usage_limit) == ([address.lower()], 1)


def test_an_order_with_the_code_is_recognised_and_its_buyer_climbs(spine: Spine) -> None:
    spine.read()
    launched(spine)
    owner, code = spine.rows(
        "SELECT offer_code.email, code FROM offer_code JOIN customer_facts USING (customer_id) "
        "WHERE state = 'issued' AND rung = 'shopper' ORDER BY offer_code.id LIMIT 1"
    )[0]
    product = next(one.id for one in spine.shop.products.values() if not one.parent_id and not one.variation_ids)
    assert spine.buy("stranger@contoh.test", code, product).status_code == 422
    assert spine.buy(owner, code, product, 9).status_code == 200
    spine.deliver()
    assert spine.rows("SELECT code, released_at FROM redemption") == [(code, None)]
    assert (
        spine.one(
            "SELECT rung FROM customer_facts JOIN customer ON id = customer_id WHERE email_norm = :email", email=owner
        )
        == "customer"
    )
    assert spine.rows("SELECT from_rung, to_rung FROM rung_change ORDER BY id DESC LIMIT 1") == [
        ("shopper", "customer")
    ]
    with tenant(spine.services.engine, spine.merchant) as connection:
        read = results.of_campaign(connection, campaigns.need(connection, "christmas-thanks"), spine.services.now())
    assert {key: read["offers"][key] for key in ("redeemed", "released")} == {"redeemed": 1, "released": 0}


def test_an_order_that_falls_through_gives_the_redemption_and_the_rung_back_once(spine: Spine) -> None:
    spine.read()
    launched(spine)
    owner, code = spine.rows(
        "SELECT offer_code.email, code FROM offer_code JOIN customer_facts USING (customer_id) "
        "WHERE state = 'issued' AND rung = 'shopper' ORDER BY offer_code.id LIMIT 1"
    )[0]
    product = next(one.id for one in spine.shop.products.values() if not one.parent_id and not one.variation_ids)
    spine.buy(owner, code, product, 9)
    spine.deliver()
    spine.cancel(max(spine.shop.orders))
    spine.deliver()
    assert spine.one("SELECT count(*) FROM redemption WHERE released_at IS NOT NULL") == 1
    assert (
        spine.one(
            "SELECT rung FROM customer_facts JOIN customer ON id = customer_id WHERE email_norm = :email", email=owner
        )
        == "shopper"
    )


def test_what_webhooks_lost_is_repaired_at_night_and_counted(spine: Spine) -> None:
    spine.read()
    spine.deliver()
    lost = [order for order in spine.shop.orders.values() if order.status == "completed"][:3]
    for order in lost:
        del spine.shop.orders[order.id]
    spine.shop.rendered.clear()
    spine.shop.version += 1
    assert reconciled(spine.services, spine.merchant, wiring.connector) == {}
    gone = spine.rows("SELECT external_id FROM shop_order WHERE status = 'trashed' ORDER BY external_id")
    assert {order_id for (order_id,) in gone} >= {str(order.id) for order in lost}
    counters = spine.one("SELECT counters FROM sync_run WHERE kind = 'reconcile'")
    assert counters["repaired"]["orders_gone"] == 3


def test_unsubscribing_with_one_click_ends_all_promotions(spine: Spine) -> None:
    spine.read()
    launched(spine)
    mail = outbox(spine)[0]
    link = re.sub(r"[<>\s]", "", mail["List-Unsubscribe"])
    address = mail["To"].addresses[0].addr_spec
    shown = requests.get(link, timeout=5)
    assert (shown.status_code, spine.of(address, "consent_promotions")) == (200, "subscribed")
    done = requests.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=5, allow_redirects=False)
    assert (done.status_code, spine.of(address, "consent_promotions")) == (200, "unsubscribed")


@pytest.mark.parametrize("kind", ["full", "incremental", "reconcile"])
def test_a_shop_that_moved_is_not_read_and_mails_nobody(spine: Spine, kind: str) -> None:
    spine.read()
    spine.shop.base = "http://127.0.0.1:9"
    with pytest.raises(Frozen):
        spine.read(kind)
    with pytest.raises(campaigns.Refused, match="address"):
        launched(spine)
    assert outbox(spine) == []


def test_a_shop_that_moved_goes_on_at_the_address_a_person_confirmed(spine: Spine) -> None:
    spine.read()
    spine.shop.base = "http://127.0.0.1:9"
    with pytest.raises(Frozen):
        spine.read("incremental")
    with tenant(spine.services.engine, spine.merchant) as connection:
        told = stores.confirm(connection, spine.store, address=None, now=spine.services.now())
    assert told == "http://127.0.0.1:9"
    spine.read("incremental")
    assert spine.rows("SELECT state, fingerprint, told_fingerprint FROM store") == [("connected", told, None)]
    launched(spine)
    assert len(outbox(spine)) > 0


def test_a_copy_of_the_shop_changes_no_order_of_ours(spine: Spine) -> None:
    spine.read()
    spine.deliver()
    before = spine.rows("SELECT * FROM shop_order ORDER BY id")
    home, spine.shop.base = spine.shop.base, "https://staging.example"
    spine.cancel(max(spine.shop.orders))
    spine.deliver()
    assert spine.rows("SELECT * FROM shop_order ORDER BY id") == before
    note = f"sent by https://staging.example/, not by {home}: a copy of the shop"
    assert spine.rows("SELECT DISTINCT state, note FROM inbound_event WHERE state <> 'done'") == [("ignored", note)]


def test_webhooks_switched_off_in_the_shop_are_made_anew_and_shown(spine: Spine) -> None:
    def shown() -> dict[str, object]:
        found: dict[str, object] = spine.one("SELECT webhooks FROM store")
        return found

    mended = revive(spine.services, spine.merchant, spine.store, wiring.connector)
    assert shown()["states"] == [{**one, "was": "active"} for one in mended]
    hooks = {hook.topic: hook for hook in spine.shop.webhooks.values()}
    hooks["order.created"].status, hooks["order.updated"].status = "disabled", "paused"
    del spine.shop.webhooks[hooks["product.created"].id]
    revive(spine.services, spine.merchant, spine.store, wiring.connector)
    states = shown()["states"]
    assert isinstance(states, list)
    assert {one["state"] for one in states} == {"active"}
    was = {one["topic"]: one["was"] for one in states if one["was"] != "active"}
    assert was == {"order.created": "disabled", "order.updated": "paused", "product.created": "missing"}
    closed = spine.services.settings.model_copy(update={"allow_private_hosts": False})
    revive(replace(spine.services, settings=closed), spine.merchant, spine.store,
           lambda _, *of: wiring.connector(spine.services, *of))  # fmt: skip
    assert shown()["states"] == [{**one, "was": "active"} for one in mended]
    assert str(shown()["trouble"]).startswith("Shops deliver to public addresses only. Set PUBLIC_URL")
    states = shown()["states"]
    spine.shop.keys.clear()
    with pytest.raises(ConnectorError):
        revive(spine.services, spine.merchant, spine.store, wiring.connector)
    assert shown()["states"] == states
    assert str(shown()["trouble"]).startswith("The consumer secret does not belong")


def test_an_order_that_waits_for_its_money_is_no_abandoned_checkout(spine: Spine) -> None:
    shop = API(spine.shop_url, KEY, SECRET, version="wc/v3")
    product = next(iter(spine.shop.products))
    numbers = []
    for place, (state, method) in enumerate(
        (("pending", "midtrans"), ("on-hold", "bacs"), ("pending", "bacs"), ("pending", "cod"), ("checkout-draft", ""))
    ):
        order = {
            "status": state, "payment_method": method, "billing": {"email": f"waits{place}@example.com"},
            "line_items": [{"product_id": product, "quantity": 1}],
        }  # fmt: skip
        answer = shop.post("orders", order)
        assert answer.status_code == 201, answer.text
        numbers.append(str(answer.json()["id"]))
    spine.deliver()
    assert spine.abandoned() & set(numbers) == {numbers[0], numbers[4]}
    spine.read()
    assert spine.abandoned() & set(numbers) == {numbers[0], numbers[4]}
