"""Facts beside the wide row and those reckoned at the moment of asking: exact values, now and at a past date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from campaigns.ladder import nature
from campaigns.ladder.facts import CATALOGUE, FactType
from campaigns.ladder.rules import BadRule, parse
from campaigns.triggers import OnEvent
from plugin_server.db.campaigning.happened import happened
from plugin_server.db.ladder import known, rungs
from plugin_server.db.points import ledger as points_ledger
from tests.ladder.shops import NOW, Shop, at, insert


def asked(shop: Shop, who: int, *names: str, then: datetime | None = None, now: datetime = NOW) -> list[Any]:
    """These facts of a customer, through the same door that rules use."""
    with shop.work() as conn:
        on = rungs.shop(conn, shop.merchant_id)
        every = set(names) | {base for name in set(names) & set(known.RECKONED) for base in known.RECKONED[name].bases}
        rows = known.over_then(shop.merchant_id, then, every) if then else known.over(every)
        told = known.columns(rows, on.exponent, on.local(then or now))
        found = conn.execute(select(*(told[name] for name in names)).where(rows.c.customer_id == who)).one()
        return list(found)


def settle(shop: Shop, *who: int) -> int:
    shop.refresh(*who)
    with shop.work() as conn:
        return known.refresh(conn, merchant_id=shop.merchant_id, customer_ids=list(who) or None)


def product(shop: Shop, sku: str, category: str | None = None, **values: Any) -> None:
    with shop.work() as conn:
        if category:
            conn.execute(
                text(
                    "INSERT INTO category (merchant_id, store_id, external_id, name) VALUES (:m, :s, :c, :c) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"m": shop.merchant_id, "s": shop.store_id, "c": category},
            )
        insert(
            conn,
            "product",
            merchant_id=shop.merchant_id,
            store_id=shop.store_id,
            external_id=sku,
            sku=sku,
            title=sku.title(),
            currency="IDR",
            category_ids=[category] if category else [],
            **values,
        )


def line(shop: Shop, order: int, sku: str, total: int = 100_00, quantity: int = 1) -> None:
    with shop.work() as conn:
        conn.execute(
            text(
                "INSERT INTO order_line (merchant_id, order_id, position, product_external_id, sku, title, quantity, "
                "total_minor) SELECT :m, :o, count(*), :x, :x, :x, :q, :t FROM order_line WHERE order_id = :o"
            ),
            {"m": shop.merchant_id, "o": order, "x": sku, "q": quantity, "t": total},
        )


HABITS = ("products", "product_count", "categories", "category_count", "margin_percent", "supply_ends_on")


def test_what_people_buy(shop: Shop) -> None:
    product(shop, "beans", "coffee", unit_cost_minor=40_00, days_of_supply=14)
    product(shop, "cup", "ware", unit_cost_minor=90_00)
    product(shop, "gift", None)
    who = shop.person(known="2026-01-01")
    first, second = shop.order(who, "2026-02-01"), shop.order(who, "2026-03-01")
    line(shop, first, "cup", 100_00)
    line(shop, second, "beans", 200_00, quantity=2)
    line(shop, second, "gift", 50_00)
    line(shop, shop.order(who, "2026-04-01", status="cancelled"), "cup")
    assert settle(shop) == 1
    # Of 300 sold with a known cost, 90 + 2 × 40 were costs; two bags of fourteen days from the first of March.
    assert asked(shop, who, *HABITS) == [
        ["beans", "cup", "gift"],
        3,
        ["coffee", "ware"],
        2,
        Decimal("43.333"),
        date(2026, 3, 29),
    ]
    assert asked(shop, who, *HABITS, then=at("2026-02-15")) == [["cup"], 1, ["ware"], 1, Decimal("10.000"), None]
    assert asked(shop, who, "supply_days_left", now=at("2026-03-20")) == [9]
    assert asked(shop, who, "supply_days_left", now=at("2026-04-02")) == [-4]


def supply_ends(shop: Shop, day: date, after_days: int) -> list[int]:
    trigger = OnEvent(kind="event", event="supply_ends", after_days=after_days)
    with shop.work() as conn:
        query = happened(trigger, timezone="Asia/Jakarta", day=day, rungs=(), topic="promotions")
        return list(conn.scalars(query))


def test_how_long_a_unit_lasts_is_learned_from_reorders(shop: Shop) -> None:
    product(shop, "beans", "coffee", days_of_supply=15)
    product(shop, "tea", "coffee", days_of_supply=15)
    slow, away, other = shop.person(), shop.person(), shop.person()
    for who, bought in (
        (slow, (("2026-01-01", "beans", 1), ("2026-01-31", "beans", 2), ("2026-04-01", "beans", 1))),
        (away, (("2025-01-01", "beans", 1), ("2026-01-01", "beans", 2))),
        (other, (("2026-01-01", "tea", 1), ("2026-01-31", "beans", 1))),
    ):
        for day, sku, units in bought:
            line(shop, shop.order(who, day), sku, quantity=units)
    settle(shop)
    # The shop says 15 days; both reorders show 30 (30 days with one unit, 60 with two): 75 / 3 = 25 for each.
    assert asked(shop, slow, "supply_ends_on") == [date(2026, 4, 26)]
    assert asked(shop, slow, "supply_ends_on", then=at("2026-02-15")) == [date(2026, 3, 17)]  # 2 × (15 + 30) / 2
    # A year away counts as three times 15 days, and not as 365: two units of 30 days.
    assert asked(shop, away, "supply_ends_on") == [date(2026, 3, 2)]
    assert supply_ends(shop, date(2026, 4, 21), -5) == [slow]
    line(shop, shop.order(slow, "2026-04-19"), "beans")
    settle(shop)
    assert supply_ends(shop, date(2026, 4, 21), -5) == []  # who has reordered hears nothing
    # Other goods teach nothing.
    assert asked(shop, other, "supply_ends_on") == [date(2026, 2, 15)]


def test_somebody_without_habits_knows_zero_and_nothing(shop: Shop) -> None:
    who = shop.person()
    settle(shop)
    assert asked(shop, who, *HABITS, "gap_spread", "mails", "topics_yes") == [[], 0, [], 0, None, None, None, 0, []]


def test_regularity_and_source(shop: Shop) -> None:
    steady, erratic = shop.person(), shop.person()
    for day in ("2026-01-01", "2026-01-11", "2026-01-21"):
        shop.order(steady, day, source="instagram")
    for day in ("2026-01-01", "2026-01-02", "2026-01-22"):
        shop.order(erratic, day, source="")
    settle(shop)
    assert asked(shop, steady, "gap_spread", "first_source") == [Decimal("0.000"), "instagram"]
    # Gaps of 1 and 20 days: mean 10.5, deviation 9.5.
    assert asked(shop, erratic, "gap_spread", "first_source") == [Decimal("90.476"), None]


def test_what_is_reckoned(shop: Shop) -> None:
    who = shop.person(known="2026-01-01", birthday=date(1990, 6, 20))
    leap, today = shop.person(birthday=date(2000, 2, 29)), shop.person(birthday=date(1980, 6, 15))
    shop.order(who, "2026-05-06", coupon_codes=["X"])
    shop.order(who, "2026-05-16T17:30", refunded_minor=50_00)  # the 17th in Jakarta
    settle(shop)
    names = ("days_since_order", "recency_percent", "discount_percent", "refund_percent", "birthday_in_days")
    assert asked(shop, who, *names) == [29, Decimal("263.636"), Decimal("50.000"), Decimal("25.000"), 5]
    assert asked(shop, leap, *names) == [None, None, None, None, 258]
    assert asked(shop, today, "birthday_in_days") == [0]
    assert asked(shop, who, *names[:1], then=at("2026-05-10")) == [4]


def mail(shop: Shop, who: int, day: str, *reports: tuple[str, str, bool]) -> None:
    with shop.work() as conn:
        sent = insert(
            conn,
            "message",
            merchant_id=shop.merchant_id,
            run_id=int(day.replace("-", "")),
            customer_id=who,
            email="x",
            language="en",
            state="delivered",
            accepted_at=at(day),
        )
        for kind, when, machine in reports:
            insert(
                conn,
                "delivery_event",
                merchant_id=shop.merchant_id,
                dedupe=uuid4().hex,
                kind=kind,
                message_id=sent,
                machine=machine,
                occurred_at=at(when),
            )


CONTACT = ("mails", "mail_clicks", "last_click_at", "mails_since_click", "mail_opens", "machine_opens")


def test_machines_do_not_count_as_people(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    mail(shop, who, "2026-01-01", ("clicked", "2026-01-02", False))
    mail(shop, who, "2026-02-01", ("opened", "2026-02-01", True), ("clicked", "2026-02-01", True))
    mail(shop, who, "2026-03-01", ("opened", "2026-03-02", False), ("opened", "2026-03-01", True))
    settle(shop)
    assert asked(shop, who, *CONTACT) == [3, 1, at("2026-01-02"), 2, 2, 1]
    assert asked(shop, who, *CONTACT, then=at("2026-01-01")) == [1, 0, None, 1, 0, 0]


def test_topics_words_and_friends(shop: Shop) -> None:
    who = shop.person(known="2025-01-01")
    shop.consent(who, "subscribed", "2026-02-01", "news")
    shop.consent(who, "subscribed", "2026-02-01", "promotions")
    shop.consent(who, "unsubscribed", "2026-03-01", "promotions")
    shop.review(who, "2026-02-02")
    shop.review(who, "2026-04-02", rating=1)
    shop.friend(who, None)
    settle(shop)
    names = ("topics_yes", "topics_no", "last_review_at", "referrals_made")
    assert asked(shop, who, *names) == [["news"], ["promotions"], at("2026-02-02"), 1]
    assert asked(shop, who, *names[:2], then=datetime(2026, 2, 15, tzinfo=UTC)) == [["news", "promotions"], []]


def test_points_and_replies_are_read_as_soon_as_they_come(shop: Shop) -> None:
    who, other = shop.person(known="2025-01-01"), shop.person(known="2025-01-01")
    settle(shop)
    with shop.work() as conn:
        given = {"conn": conn, "merchant_id": shop.merchant_id}
        thread = insert(**given, table="conversation", customer_id=who, email="x", subject="?", changed_at=NOW)
        for direction, day in (("in", "2026-02-01"), ("out", "2026-02-02"), ("in", "2026-03-01")):
            insert(
                **given, table="conversation_message", conversation_id=thread, direction=direction, author="x",
                text="?", written_at=at(day),
            )  # fmt: skip
        points_ledger.give(
            conn, who, 500, kind="action", key="a", reason="", now=at("2026-02-01"), expires_at=at("2026-05-01")
        )
        points_ledger.take(conn, who, 120, kind="redeem", key="r", reason="", now=at("2026-03-01"))
        assert set(conn.scalars(text("SELECT customer_id FROM facts_due"))) == {who}
        assert known.catch_up(conn, merchant_id=shop.merchant_id, now=NOW) == 1
    names = ("points", "replies", "last_reply_at")
    assert asked(shop, who, *names) == [380, 2, at("2026-03-01")]
    assert asked(shop, other, *names) == [0, 0, None]
    assert asked(shop, who, *names, then=at("2026-02-15")) == [500, 1, at("2026-02-01")]
    with shop.work() as conn:
        points_ledger.expire(conn, None, NOW)
        known.catch_up(conn, merchant_id=shop.merchant_id, now=NOW)
    assert asked(shop, who, *names[:1]) == [0]
    assert asked(shop, who, *names[:1], then=at("2026-04-15")) == [380]


def test_only_what_differs_is_written_and_what_is_gone_goes(shop: Shop) -> None:
    product(shop, "beans", "coffee")
    who, other = shop.person(), shop.person()
    order = shop.order(who, "2026-02-01")
    line(shop, order, "beans")
    line(shop, shop.order(other, "2026-02-01"), "beans")
    assert [settle(shop), settle(shop), settle(shop, who)] == [2, 0, 0]
    with shop.work() as conn:
        conn.execute(text("UPDATE shop_order SET status = 'cancelled' WHERE id = :id"), {"id": order})
    assert settle(shop, who) == 1
    assert asked(shop, who, "products") == [[]]
    assert asked(shop, other, "products") == [["beans"]]


def test_what_is_due_is_read_once(shop: Shop) -> None:
    product(shop, "beans")
    who, other = shop.person(), shop.person()
    for person in (who, other):
        line(shop, shop.order(person, "2026-02-01"), "beans")
    shop.refresh()
    with shop.work() as conn:
        assert not known.note_due(conn, merchant_id=shop.merchant_id, customer_ids=[who, who])
        assert known.any_due(conn)
        assert known.catch_up(conn, merchant_id=shop.merchant_id, now=NOW) == 1
        assert not known.any_due(conn)
        known.note_due(conn, merchant_id=shop.merchant_id, customer_ids=None)
        assert known.catch_up(conn, merchant_id=shop.merchant_id, now=NOW) == 1


def test_every_fact_of_the_catalogue_can_be_asked(shop: Shop) -> None:
    who = shop.person(known="2026-01-01")
    settle(shop)
    assert len(asked(shop, who, *CATALOGUE)) == len(CATALOGUE)
    then = [name for name, fact in CATALOGUE.items() if not fact.of_today]
    assert len(asked(shop, who, *then, then=at("2026-06-10"))) == len(then)


def test_what_is_said_to_follow_between_facts_does(shop: Shop) -> None:
    product(shop, "beans", unit_cost_minor=40_00)
    people = [shop.person() for _ in range(7)]
    for many, who in enumerate(people):
        for n in range(many % 5):
            made = shop.order(who, f"2026-0{1 + n // 2}-1{n}", currency="EUR" if many == 6 else "IDR", source="ad")
            line(shop, made, "beans")
        if many == 3:
            shop.refund(made, 10_00, "2026-05-01")
        for _ in range(many % 3):
            shop.review(who, "2026-04-01")
            shop.friend(who, "2026-04-02")
    settle(shop)

    def has(told: dict[str, Any], fact: str, least: float = 1) -> bool:
        found, known = told[fact], CATALOGUE[fact]
        if nature.counted(fact):
            return bool(found >= least if known.type is FactType.WHOLE else found > 0)
        return found not in (None, [])

    seen = set()
    for who in people:
        told = dict(zip(CATALOGUE, asked(shop, who, *CATALOGUE), strict=True))
        seen |= {fact for fact in nature.NEEDS if has(told, fact)}
        for fact, (other, number) in nature.NEEDS.items():
            assert not has(told, fact) or has(told, other, number), (fact, other)
        for fact, other in nature.AS_MANY.items():
            assert told[other] >= told[fact], (fact, other)
        for fact, brought in nature.BRINGS.items():
            for number, other in brought:
                assert told[fact] < number or has(told, other), (fact, other)
        for fact, (low, high) in nature.BOUNDS.items():
            if told[fact] is not None:
                assert low is None or told[fact] >= low
                assert high is None or told[fact] <= high
    assert set(nature.NEEDS) - seen <= {"last_click_at", "last_reply_at", "categories", "category_count",
                                        "supply_ends_on", "supply_days_left"}  # fmt: skip


def test_a_ladder_cannot_ask_for_the_ladder() -> None:
    from campaigns.ladder.ladders import parse as ladder
    from campaigns.ladder.presets import SEVEN_RUNGS

    data = SEVEN_RUNGS.model_dump(mode="json")
    data["rungs"][3]["rule"] = {"kind": "cmp", "fact": "rung", "op": "=", "value": "shopper"}
    assert parse(data["rungs"][3]["rule"])
    with pytest.raises(BadRule, match="circle"):
        ladder(data)
    data["rungs"][3]["rule"] = {"kind": "cmp", "fact": "alive_percent", "op": ">", "value": 50}
    with pytest.raises(BadRule, match="as of today alone"):
        ladder(data)


def test_each_of_the_goods_runs_out_by_itself(shop: Shop) -> None:
    for sku, days in (("beans", 14), ("tea", 30), ("oil", 60)):
        product(shop, sku, "coffee", days_of_supply=days)
    who = shop.person()
    both = shop.order(who, "2026-01-01")
    line(shop, both, "beans", quantity=2)
    line(shop, both, "tea")
    line(shop, shop.order(who, "2026-01-10"), "oil")
    settle(shop)
    ends = {"beans": date(2026, 1, 29), "tea": date(2026, 1, 31), "oil": date(2026, 3, 11)}
    known = "supply_ends_on", "supply_products", "supply_dates"
    with shop.work() as conn:
        found = conn.execute(text(f"SELECT {', '.join(known)} FROM customer_habits")).one()
    assert tuple(found) == (ends["beans"], list(ends), list(ends.values()))
    for day in ends.values():
        assert supply_ends(shop, day, 0) == [who]
        assert supply_ends(shop, day - timedelta(days=5), -5) == [who]
    # Tea is bought again: its own reminder moves, the others stay.
    line(shop, shop.order(who, "2026-01-20"), "tea")
    settle(shop)
    assert supply_ends(shop, ends["tea"], 0) == []
    assert [supply_ends(shop, ends[sku], 0) for sku in ("beans", "oil")] == [[who], [who]]
    assert supply_ends(shop, date(2026, 2, 14), 0) == [who]  # (30 + 19) / 2 days from the twentieth of January
