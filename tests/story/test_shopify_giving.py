"""Friends, points, teams and series in a Shopify shop, from the code at its till to what follows from the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from campaigns.offers.team import TeamTerms
from campaigns.points.program import parse_program
from campaigns.referral import ReferralTerms
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import signups
from plugin_server.db.friends import referrals, team_seats, teams
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.demo.shopify_shop import selling
from plugin_server.demo.shopify_shop.model import Order
from plugin_server.jobs.campaigning.run import advance, open_now
from plugin_server.jobs.giving import teams as team_jobs
from plugin_server.jobs.giving.points_night import rounded
from plugin_server.jobs.giving.rewards import made
from plugin_server.jobs.outside import outside
from plugin_server.jobs.series import walk
from plugin_server.wiring import utc_now
from tests.series.definitions import campaign as series_of
from tests.series.definitions import letter
from tests.story.test_shopify_shop import ShopifySpine, spine
from tests.story.test_spine import outbox

__all__ = ["spine"]

SECRET = "s" * 32
TERMS = ReferralTerms(on=True, percent=Decimal(10), minimum=Decimal(0), cap=10, a_day=5)


def program(spine: ShopifySpine) -> None:
    """One point for every 1,000, and 100 for a friend."""
    told: dict[str, Any] = {
        "since": spine.services.now().date(),
        "earn": [
            {"kind": "amount", "points": 1, "per": "1000"}, {"kind": "action", "action": "referral", "points": 100},
        ],
        "point_value": "10", "pending_days": 14, "rewards": [],
    }  # fmt: skip
    with tenant(spine.services.engine, spine.merchant) as conn:
        points.save_program(conn, spine.merchant, parse_program(told), by="owner@example.com")
        referrals.save_terms(conn, TERMS)


def signed_up(spine: ShopifySpine, conn: Connection, email: str) -> int:
    """Somebody new to the shop whose mailbox answered."""
    told = {"language": "en", "wanted": {"promotions"}, "evidence": "", "double": True}
    person, _ = signups.take(conn, spine.merchant, email=email, name="", now=spine.services.now(), **told)  # type: ignore[arg-type]
    return person


def friend(spine: ShopifySpine, advocate: int, email: str) -> str:
    """Somebody comes by the advocate's link; gives the code that the shop made for them."""
    with tenant(spine.services.engine, spine.merchant) as conn:
        person, now = signed_up(spine, conn, email), spine.services.now()
        referrals.ask(conn, spine.merchant, advocate_id=advocate, friend_id=person, email=email, ip_hash=email, now=now)
        decided = referrals.confirm(conn, spine.merchant, person, secret=SECRET, now=now)
    assert decided
    assert decided.state == "approved"
    assert made(spine.services, spine.merchant, wiring.connector) == 1
    code: str = spine.one("SELECT code FROM offer_code WHERE email = :e", e=email)
    return code


def night(spine: ShopifySpine, days: int) -> dict[str, int]:
    """The nightly round so many days on."""
    later = spine.services.now() + timedelta(days=days)
    return rounded(replace(spine.services, now=lambda: later), spine.merchant)


def has(spine: ShopifySpine, customer: int) -> int:
    """What somebody can spend once every return window is over."""
    with tenant(spine.services.engine, spine.merchant) as conn:
        return points.balance(conn, customer, spine.services.now() + timedelta(days=30)).available


def test_a_friend_s_order_brings_points_that_its_refunds_take_back(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    program(spine)
    [(advocate,)] = spine.rows("SELECT customer_id FROM customer_facts WHERE rung = 'customer' ORDER BY 1 LIMIT 1")
    # Dear enough to earn, too cheap for free shipping.
    variant = max((one for one in shop.variants.values() if one.price < 200_000), key=lambda one: one.price)

    def buys(email: str, code: str) -> Order:
        assert spine.buy("stranger@contoh.test", code, variant.id, 1).status_code == 422
        assert spine.buy(email, code, variant.id, 1).status_code == 200
        spine.deliver()
        return shop.orders[max(shop.orders)]  # type: ignore[union-attr]

    kept, called_off = (friend(spine, advocate, email) for email in ("kawan@contoh.test", "batal@contoh.test"))
    order, gone = buys("kawan@contoh.test", kept), buys("batal@contoh.test", called_off)
    [(person,)] = spine.rows("SELECT id FROM customer WHERE email_norm = 'kawan@contoh.test'")
    selling.cancel(shop, gone)
    spine.deliver()
    assert (night(spine, 13)["actions"], has(spine, advocate)) == (0, 0)
    assert (night(spine, 15)["actions"], has(spine, advocate)) == (1, 100), "of two friends the one whose order stands"

    goods = order.goods
    earned = int(goods) // 1000
    assert order.shipping > 0
    assert has(spine, person) == earned
    selling.give_back(shop, order, shipping=order.shipping)
    spine.deliver()
    assert has(spine, person) == earned, "shipping earned nothing"
    selling.give_back(shop, order, goods // 3)
    spine.deliver()
    assert has(spine, person) == int(goods - goods // 3) // 1000
    assert (night(spine, 16)["actions"], has(spine, advocate)) == (0, 100)
    selling.give_back(shop, order, goods - goods // 3)
    spine.deliver()
    assert not spine.one("SELECT counts FROM shop_order WHERE external_id = :id", id=str(order.id))
    assert (has(spine, person), night(spine, 60)["actions"], has(spine, advocate)) == (0, 1, 0), (
        "long after it was given"
    )
    assert spine.one("SELECT sum(points) FROM point_entry") == 0


def test_what_the_bank_took_back_brings_nobody_anything(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    program(spine)
    [(advocate,)] = spine.rows("SELECT customer_id FROM customer_facts WHERE rung = 'customer' ORDER BY 1 LIMIT 1")
    code = friend(spine, advocate, "kawan@contoh.test")
    spine.buy("kawan@contoh.test", code, max(shop.variants.values(), key=lambda one: one.price).id, 1)
    spine.deliver()
    order = shop.orders[max(shop.orders)]
    for status, actions, has_points in (("NEEDS_RESPONSE", 1, 100), ("LOST", 1, 0), ("WON", 1, 100)):
        selling.charge_back(shop, order, status)
        spine.read("reconcile")
        assert (night(spine, 20)["actions"], has(spine, advocate)) == (actions, has_points), status
    assert spine.of("kawan@contoh.test", "orders") == 1


def test_a_team_fills_and_each_of_it_has_a_code_at_the_till(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    services, merchant = spine.services, spine.merchant
    [(starter, of_starter)] = spine.rows(
        "SELECT id, email FROM customer JOIN customer_facts ON customer_id = id WHERE rung = 'customer' "
        "ORDER BY 1 LIMIT 1"
    )
    gives = {"seats": 2, "days": 3, "gift": {"value": "20"}, "consolation": {"value": "5"}}
    terms = TeamTerms.model_validate(gives)
    with tenant(services.engine, merchant) as conn:
        now = services.now()
        deal = teams.save_deal(conn, merchant, name="Kopi bareng", terms=terms, by="owner@example.com", now=now)
        full, late = (
            teams.start(conn, merchant, deal, who, now=now) for who in (starter, signed_up(spine, conn, "l@c.test"))
        )
        said = [
            team_seats.join(conn, merchant, team, signed_up(spine, conn, email), secret=SECRET, now=now)
            for team, email in ((full, "baru@contoh.test"), (full, "telat@contoh.test"), (late, "telat@contoh.test"))
        ]
    assert [str(one.answer) for one in said if one] == ["taken", "over", "taken"]
    world = outside(services, merchant)
    team_jobs.advance(services, world, merchant, wiring.connector)
    codes = dict(spine.rows("SELECT email, code FROM offer_code WHERE state = 'issued'"))
    assert set(codes) == {of_starter, "baru@contoh.test", "l@c.test", "telat@contoh.test"}
    assert shop.customer_by_email("baru@contoh.test") is not None, "new to the shop, and known there for the code"
    variant = max(shop.variants.values(), key=lambda one: one.price)
    assert spine.buy("baru@contoh.test", codes[of_starter], variant.id, 1).status_code == 422
    assert spine.buy("baru@contoh.test", codes["baru@contoh.test"], variant.id, 1).status_code == 200
    order = shop.orders[max(shop.orders)]
    assert order.discounts * 5 == variant.price
    spine.deliver()
    assert spine.rows("SELECT code FROM redemption") == [(codes["baru@contoh.test"],)]


def test_who_buys_with_the_code_of_a_series_gets_no_further_step_of_it(spine: ShopifySpine) -> None:
    shop = spine.double
    assert shop is not None
    spine.read()
    services, merchant = spine.services, spine.merchant
    steps = [
        {"kind": "offer", "offer": {"kind": "percentage", "value": "10", "valid_days": 30}},
        letter("{{ offer.code }}", key="code"), {"kind": "wait", "key": "rest", "days": 3},
        letter("Still there", key="still"), {"kind": "goal", "key": "bought", "on": "order", "days": 14},
    ]  # fmt: skip
    made = series_of(*steps, audience={"rungs": ["customer"]})
    with tenant(services.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET holdout_share = 0"))
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="owner@example.com")
        run = open_now(conn, merchant, made.key, "owner@example.com", services.now())
    # A shop tells the second of an order: one of the same second would seem to be of before they began.
    before = replace(services, now=lambda: utc_now() - timedelta(minutes=1))
    assert advance(before, outside(before, merchant), merchant, run) == "done"

    def days_on(days: int) -> list[str]:
        """Who has got the second letter so many days on."""
        there = replace(services, now=lambda: utc_now() + timedelta(days=days, minutes=days))
        walk.walk(there, outside(there, merchant), merchant)
        return [mail["To"].addresses[0].addr_spec for mail in outbox(spine) if "Still" in mail["Subject"]]

    assert days_on(0) == []
    codes = dict(spine.rows("SELECT email, code FROM offer_code WHERE state = 'issued'"))
    buyer, other = sorted(codes)[:2]
    variant = max(shop.variants.values(), key=lambda one: one.price).id
    assert spine.buy(other, codes[buyer], variant).status_code == 422
    assert spine.buy(buyer, codes[buyer], variant).status_code == 200
    spine.deliver()
    written = days_on(4)
    assert set(written) == set(codes) - {buyer}
    left = "SELECT p.state, p.outcome FROM series_place p JOIN customer c ON c.id = p.customer_id WHERE c.email = :e"
    assert spine.rows(left, e=buyer) == [("left", "goal")]
    spine.rows("UPDATE campaign SET state = 'ended' RETURNING id")
    assert days_on(5) == written
    assert spine.rows("SELECT DISTINCT outcome FROM series_place WHERE outcome <> 'goal'") == [("ended",)]
