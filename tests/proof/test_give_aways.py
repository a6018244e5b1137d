"""What an arm earned is net of every give-away: one campaign of each kind, reckoned by hand to the cent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from plugin_server.cli import campaign_texts
from plugin_server.db.campaigning import campaigns
from plugin_server.db.proof import pooled, results
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

BEGIN = datetime(2026, 2, 10, 2, tzinfo=UTC)
READ = datetime(2026, 7, 2, tzinfo=UTC)
COFFEE, BAG = ("p1", 10_000_000, 6_000_000), ("g1", 3_000_000, 1_200_000)
Told = dict[str, int]


class Shop:
    """Four people got the campaign, two were left out, the seventh is a friend. Coffee costs 60,000 of 100,000."""

    def __init__(self, conn: Connection, merchant: int, store: int) -> None:
        self.conn, self.merchant, self.store = conn, merchant, store
        self.sql("INSERT INTO customer (merchant_id, email, email_norm) SELECT :m, g || '@example.com', "
                 "g || '@example.com' FROM generate_series(1, 7) g")  # fmt: skip
        for external, price, cost in (COFFEE, BAG):
            self.sql("INSERT INTO product (merchant_id, store_id, external_id, title, price_minor, unit_cost_minor, "
                     "currency) VALUES (:m, :s, :x, :x, :p, :c, 'IDR')", x=external, p=price, c=cost)  # fmt: skip
        document = holiday_discount().document | {"trigger": {"kind": "once"}, "measure": {"window_days": 14}}
        campaigns.save(conn, merchant_id=merchant, campaign=parse(document), by="test")
        self.run = self.sql(
            "INSERT INTO campaign_run (merchant_id, campaign_id, version, occasion, state, due_at, frozen_at, "
            "finished_at, lasting_share) SELECT :m, id, 1, 'by_hand:1', 'done', :at, :at, :at, 0.1 FROM campaign "
            "RETURNING id", at=BEGIN)  # fmt: skip
        self.sql("INSERT INTO audience_member (run_id, customer_id, arm, reason, rung, email, language, merchant_id) "
                 "SELECT :r, g, CASE WHEN g > 4 THEN 'holdout' ELSE 'treated' END, CASE WHEN g > 4 THEN "
                 "'lasting_holdout' END, 'shopper', g || '@example.com', 'id', :m FROM generate_series(1, 6) g",
                 r=self.run)  # fmt: skip

    def sql(self, statement: str, **given: Any) -> int:
        found = self.conn.execute(text(statement), {"m": self.merchant, "s": self.store} | given)
        return int(found.scalar_one()) if "RETURNING" in statement else 0

    def order(self, who: int, day: int, off: int = 0, shipping: int = 0, bag: bool = False, code: int = 0) -> int:
        """One coffee, with ``off`` (rupiah) less for a code, and a bag for nothing where one is given."""
        off, shipping = off * 100, shipping * 100
        lines = [(*COFFEE[:2], off), *([(*BAG[:2], BAG[1])] if bag else [])]
        number = self.sql(
            "INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, "
            "currency, total_minor, discount_minor, shipping_minor, coupon_codes, content) VALUES (:m, :s, "
            "gen_random_uuid()::text, :who, 'completed', true, :at, 'IDR', :total, :off, :shipping, :codes, 'x') "
            "RETURNING id", who=who, at=BEGIN + timedelta(days=day), off=sum(line[2] for line in lines),
            total=sum(price - less for _, price, less in lines) + shipping, shipping=shipping,
            codes=[f"c{code}"] if code else [])  # fmt: skip
        for place, (external, price, less) in enumerate(lines):
            self.sql("INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, "
                     "total_minor, discount_minor) VALUES (:m, :o, :place, :x, 1, :total, :off)",
                     o=number, place=place, x=external, total=price - less, off=less)  # fmt: skip
        if code:
            self.sql("INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, customer_id, code, "
                     "discount_minor, redeemed_at) SELECT :m, :s, o.id, :c, :who, 'c' || :c, o.discount_minor, "
                     "o.placed_at FROM shop_order o WHERE o.id = :o", c=code, who=who, o=number)  # fmt: skip
        return number

    def code(self, who: int, kind: str, *, run: bool = True, claim: int | None = None, state: str = "issued",
             terms: str = "{}") -> int:  # fmt: skip
        return self.sql(
            "INSERT INTO offer_code (merchant_id, run_id, claim_id, customer_id, store_id, code, state, kind, value, "
            "currency, email, expires_at, terms) VALUES (:m, :run, :claim, :who, :s, gen_random_uuid()::text, :state, "
            ":kind, 0, 'IDR', '', :ends, CAST(:terms AS jsonb)) RETURNING id", run=self.run if run else None,
            claim=claim, who=who, state=state, kind=kind, terms=terms, ends=BEGIN + timedelta(days=30))  # fmt: skip

    def claim(self, who: int, reward: str, points: int = 0, kind: str = "fixed") -> tuple[int, int]:
        number = self.sql(
            "INSERT INTO reward_claim (merchant_id, customer_id, store_id, reward, name, points, created_at) "
            "VALUES (:m, :who, :s, :reward, :reward, :points, :at) RETURNING id",
            who=who, reward=reward, points=points, at=BEGIN)  # fmt: skip
        return number, self.code(who, kind, run=False, claim=number)


def percentage(shop: Shop) -> tuple[Told, Told, Told, Told]:
    shop.order(1, 1, off=10_000, code=shop.code(1, "percentage"))
    shop.order(2, 2)
    shop.order(5, 2, off=4_000)  # a sale of the shop's own
    return ({"contribution": 30_000 + 40_000, "codes": 10_000}, {"contribution": 36_000, "codes": 4_000},
            {"codes": 10_000}, {"orders": 2, "revenue": 190_000})  # fmt: skip


def gift(shop: Shop) -> tuple[Told, Told, Told, Told]:
    shop.order(1, 1, bag=True, code=shop.code(1, "gift"))
    shop.order(2, 2)
    shop.order(5, 2)
    return ({"contribution": 28_000 + 40_000, "gifts": 12_000}, {"contribution": 40_000}, {"gifts": 12_000},
            {"orders": 2, "revenue": 200_000})  # fmt: skip


def free_shipping(shop: Shop) -> tuple[Told, Told, Told, Told]:
    shop.order(1, 1, code=shop.code(1, "free_shipping"))
    shop.order(2, 2, shipping=20_000)  # shipping earns what goods do: 40 % of it
    shop.order(5, 2, shipping=20_000)
    return ({"contribution": 20_000 + 48_000, "shipping": 20_000}, {"contribution": 48_000}, {"shipping": 20_000},
            {"orders": 2, "revenue": 220_000})  # fmt: skip


def cashback(shop: Shop) -> tuple[Told, Told, Told, Told]:
    paid, refused = shop.order(1, 1), shop.order(2, 2)
    for who, order in ((1, paid), (2, refused)):
        terms = f'{{"order": "{order}", "paid_minor": 500000}}'
        shop.code(who, "cashback", state="kept", terms=terms)
    shop.sql("INSERT INTO credit_intent (merchant_id, cause, store_id, customer_id, account, amount_minor, currency, "
             "expires_at, state, created_by, created_at) VALUES (:m, 'cashback:' || :o, :s, 2, '2', 500000, 'IDR', "
             ":at, 'refused', 'system', :at)", o=refused, at=BEGIN)  # fmt: skip
    owed = '{"way": "credit", "percent": "7", "most_minor": null, "wait_days": 200, "keep_days": 60}'
    shop.code(3, "cashback", state="promised", terms=owed)
    shop.order(3, 3)
    _, later = shop.claim(1, "cashback")
    shop.order(1, 9, off=5_000, code=later)  # counted with the order that earned it, so not again
    shop.order(5, 2)
    return ({"contribution": 40_000 * 4 - 5_000 - 7_000, "cashback": 12_000}, {"contribution": 40_000},
            {"cashback": 5_000}, {"orders": 4, "revenue": 395_000})  # fmt: skip


def points(shop: Shop) -> tuple[Told, Told, Told, Told]:
    shop.order(1, 1, off=15_000, code=shop.claim(1, "mug", points=100)[1])
    shop.order(5, 2, code=shop.claim(5, "van", points=50, kind="free_shipping")[1])
    shop.order(2, 60, shipping=10_000)
    return ({"contribution": 25_000, "rewards": 15_000}, {"contribution": 30_000, "shipping": 10_000}, {},
            {"orders": 1, "revenue": 85_000})  # fmt: skip


def friends(shop: Shop) -> tuple[Told, Told, Told, Told]:
    promise = shop.code(1, "bring_a_friend", state="promised")
    price, friends_code = shop.claim(7, "friend", kind="percentage")
    own, own_code = shop.claim(1, "friend", kind="percentage")
    shop.order(1, 1)
    shop.order(2, 2)
    shop.order(7, 5, off=10_000, code=friends_code)
    shop.order(1, 40, off=8_000, code=own_code)
    shop.order(5, 2)
    shop.sql("INSERT INTO referral (merchant_id, advocate_id, friend_id, source, joined_at, converted_at) "
             "VALUES (:m, 1, 7, 'link', :at, :at)", at=BEGIN + timedelta(days=4))  # fmt: skip
    shop.sql("INSERT INTO referral_join (merchant_id, advocate_id, friend_id, mailbox, state, claim_id, own_claim_id, "
             "promise_id) VALUES (:m, 1, 7, 'x', 'approved', :price, :own, :promise)",
             price=price, own=own, promise=promise)  # fmt: skip
    return ({"contribution": 80_000 + 30_000 - 8_000, "friends": 18_000}, {"contribution": 40_000},
            {"friends": 18_000}, {"orders": 2, "revenue": 200_000})  # fmt: skip


@pytest.mark.parametrize("campaign", [percentage, gift, free_shipping, cashback, points, friends])
def test_an_arm_earns_what_is_left_after_giving(app: Services, merchant: int, store: int, campaign: Any) -> None:
    with tenant(app.engine, merchant) as conn:
        treated, holdout, cost, sales = campaign(Shop(conn, merchant, store))
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), READ)
        together = pooled.of_merchant(conn, READ)

    def told(minor: float) -> str:
        return f"{minor:.2f}"

    for name, expected in (("treated", treated), ("holdout", holdout)):
        arm, given = found["arms"][name], {kind: n for kind, n in expected.items() if kind != "contribution"}
        assert arm["contribution"]["amount"] == told(expected["contribution"])
        assert {kind: one["amount"] for kind, one in arm["given"].items() if float(one["amount"])} == {
            kind: told(minor) for kind, minor in given.items()
        }
        assert arm["before_given"]["amount"] == told(expected["contribution"] + sum(given.values()))
    assert found["arms"]["treated"]["orders"] == sales["orders"]
    assert found["arms"]["treated"]["revenue"]["amount"] == told(sales["revenue"])
    apart = found["differences"]["contribution_per_customer"]["difference"]["amount"]
    assert apart == told(treated["contribution"] / 4 - holdout["contribution"] / 2)
    assert {kind: one["amount"] for kind, one in found["offers"]["by_kind"].items()} == {
        kind: told(minor) for kind, minor in cost.items()
    }
    assert found["offers"]["discount"]["amount"] == told(sum(cost.values()))
    assert together["offers"]["by_kind"] == found["offers"]["by_kind"]
    lines = campaign_texts.results(found).splitlines()
    few = "Treated less holdout, orders per person: "
    assert [line.endswith("; too few bought for an interval") for line in lines if line.startswith(few)] == [True]
    listed = ", ".join(f"{kind} {told(minor)} IDR" for kind, minor in treated.items() if kind != "contribution")
    assert f"Given away to treated: {listed}" in lines
    if campaign is not friends and campaign is not points:  # those have orders later in the quarter as well
        assert together["quarters"][0]["arms"]["treated"]["given"]["amount"] == told(
            sum(minor for kind, minor in treated.items() if kind != "contribution")
        )
