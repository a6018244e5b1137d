"""People walk through series: entry, mails, codes, waits, goal, and all that takes them out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from connectors.types import Order, OrderStatus
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.session import tenant
from plugin_server.jobs.consequences import follow
from tests.campaigns.shop import add_order, say
from tests.series.conftest import House
from tests.series.definitions import BOUGHT_MORE, OFFER, campaign, letter

EVERYBODY = [f"c{n}@example.com" for n in range(1, 9)]


def test_a_series_from_entry_to_end(house: House) -> None:
    house.begin(
        campaign(
            letter("Hello", key="hello"),
            {"kind": "wait", "key": "rest", "days": 3},
            {"kind": "offer", "key": "gift", "offer": OFFER},
            letter("Yours: {{ offer.code }}", key="code"),
            {"kind": "goal", "key": "goal", "days": 14},
        )
    )
    assert [who for who, _ in house.mails()] == EVERYBODY
    assert dict(house.mails())["c3@example.com"] == "Hello nl"
    assert set(house.places().values()) == {("waiting", "rest")}
    assert house.walk(days=2) == 0
    house.walk(days=1, minutes=1)
    assert set(house.places().values()) == {("waiting", "goal")}
    codes = {spec.email: spec.code for spec in house.shop.codes.values()}
    assert sorted(codes) == EVERYBODY
    assert all(f"Yours: {codes[who]}" in subject for who, subject in house.mails() if "Yours" in subject)
    assert len(house.mails()) == 16
    with tenant(house.app.engine, house.merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, house.merchant, 2, store=store, external="new", at="2027-03-01 00:00+00")
    house.walk(days=15)
    places = house.places()
    assert places.pop(2) == ("left", "goal")
    assert set(places.values()) == {("left", "end")}


def test_the_shop_s_refusal_and_a_missing_code_leave_out_the_mail_and_nothing_else(house: House) -> None:
    house.shop.refuses["c5@example.com"] = "coupon code already in use"
    house.begin(campaign({"kind": "offer", "offer": OFFER}, letter("{{ offer.code }}"), {"kind": "tag", "tag": "done"}))
    assert [who for who, _ in house.mails()] == [who for who in EVERYBODY if who != "c5@example.com"]
    assert set(house.places().values()) == {("left", "end")}
    [skipped] = house.ask("SELECT customer_id, reason FROM message WHERE state = 'skipped'")
    assert (skipped.customer_id, skipped.reason) == (5, "no_code: coupon code already in use")
    assert house.ask("SELECT count(*) FROM customer WHERE 'done' = ANY(tags)")[0][0] == 8


def test_a_condition_sends_each_their_way(house: House) -> None:
    house.do("UPDATE customer_facts SET orders = 2 WHERE customer_id IN (6, 7)")
    house.begin(
        campaign(
            {"kind": "condition", "key": "ask", "rule": BOUGHT_MORE, "then": "tag", "else": "mail"},
            letter(key="mail", next="exit"),
            {"kind": "tag", "key": "tag", "tag": "regular"},
        )
    )
    assert [who for who, _ in house.mails()] == [who for who in EVERYBODY if who[1] not in "67"]
    assert [row.id for row in house.ask("SELECT id FROM customer WHERE tags = '{regular}' ORDER BY id")] == [6, 7]
    notes = house.ask("SELECT note, count(*) FROM series_log WHERE step = 'ask' GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in notes] == [("else", 6), ("then", 2)]


def test_who_says_no_is_erased_or_talks_to_us_gets_nothing_more(house: House) -> None:
    house.begin(campaign(letter("One"), {"kind": "wait", "days": 3}, letter("Two")))
    with tenant(house.app.engine, house.merchant) as conn:
        say(conn, house.merchant, [1], "unsubscribed", at="2027-02-25 00:00+00")
    house.do("UPDATE customer SET erased_at = now() WHERE id = 2")
    house.do(
        "INSERT INTO suppression (merchant_id, email_norm, reason, source) "
        "VALUES (:m, 'c3@example.com', 'complained', 'test')", m=house.merchant,
    )  # fmt: skip
    house.do(
        "INSERT INTO conversation (merchant_id, customer_id, email, subject, changed_at) "
        "VALUES (:m, 4, 'c4@example.com', 'Help', now())", m=house.merchant,
    )  # fmt: skip
    house.walk(days=3, minutes=1)
    places = house.places()
    assert [places[n] for n in (1, 2, 3)] == [("left", "unsubscribed"), ("left", "erased"), ("left", "suppressed")]
    assert places[4][0] == "resting"
    assert [who for who, subject in house.mails() if "Two" in subject] == EVERYBODY[4:]
    house.do("UPDATE conversation SET state = 'answered'")
    house.walk(days=4)
    assert house.places()[4] == ("left", "end")
    assert ("c4@example.com", "Two en") in house.mails()


def test_the_comparison_group_is_drawn_at_the_entry_and_never_written_to(house: House) -> None:
    run = house.begin(campaign(letter("One"), {"kind": "wait", "days": 1}, letter("Two"), measure={"holdout": 0.5}))
    house.walk(days=2)
    held = {row.customer_id for row in house.ask("SELECT customer_id FROM audience_member WHERE arm = 'holdout'")}
    assert 0 < len(held) < 8
    assert not held & set(house.places())
    assert not {f"c{n}@example.com" for n in held} & {who for who, _ in house.mails()}
    arms = house.ask("SELECT run_id, arm FROM audience_member WHERE arm IN ('treated', 'holdout')")
    assert {row.run_id for row in arms} == {run}


def test_mails_wait_for_the_morning_and_the_next_wait_counts_from_then(house: House) -> None:
    night = {"quiet_hours": {"from": "08:00", "to": "20:00"}, "frequency_cap": None}
    house.begin(campaign(letter("One"), {"kind": "wait", "days": 1}, {"kind": "task", "title": "Call"}, guards=night))
    assert house.mails() == []
    assert set(house.places().values()) == {("mailing", "message1")}
    house.walk(hours=12)
    assert len(house.mails()) == 8
    house.walk(hours=23)
    assert set(house.places().values()) == {("waiting", "wait2")}
    house.walk(hours=2)
    assert house.ask("SELECT count(*) FROM owner_task")[0][0] == 8


def test_whoever_reaches_the_goal_while_a_mail_waits_is_not_written_to(house: House) -> None:
    night = {"quiet_hours": {"from": "08:00", "to": "20:00"}, "frequency_cap": None}
    house.begin(campaign(letter("Buy"), {"kind": "goal", "days": 9}, guards=night))
    with tenant(house.app.engine, house.merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, house.merchant, 2, store=store, external="new", at="2027-02-24 06:00+00")
    house.walk(hours=12)
    assert "c2@example.com" not in dict(house.mails())
    assert house.places()[2] == ("left", "goal")
    [message] = house.ask("SELECT state, reason FROM message WHERE customer_id = 2")
    assert tuple(message) == ("skipped", "left_series: goal")


def test_after_a_long_downtime_old_mails_are_left_out_and_nothing_comes_in_a_burst(house: House) -> None:
    house.begin(
        campaign(
            {"kind": "wait", "days": 1}, letter("One"), {"kind": "wait", "days": 1}, letter("Two"),
            {"kind": "wait", "days": 1}, letter("Three"),
        )
    )  # fmt: skip
    house.walk(days=10)
    assert house.mails() == []
    assert set(house.places().values()) == {("waiting", "wait3")}
    assert house.walk(hours=23) == 0
    house.walk(hours=2)
    assert {subject.split()[0] for _, subject in house.mails()} == {"Two"}
    house.walk(days=2, hours=-1)
    assert {subject.split()[0] for _, subject in house.mails()} == {"Two", "Three"}
    notes = house.ask("SELECT DISTINCT note FROM series_log WHERE step = 'message2'")
    assert [row.note for row in notes] == ["missed"]


def test_nobody_enters_twice_at_once_and_again_only_when_it_is_time(house: House) -> None:
    daily = {"trigger": {"kind": "recurring", "every": "day"}, "again_after_days": 5}
    house.save(campaign(letter("One"), {"kind": "wait", "days": 2}, {"kind": "tag", "tag": "x"}, **daily))
    house.do("UPDATE campaign SET state = 'active', activated_at = :now", now=house.clock.now)
    entries = []
    for _ in range(8):
        house.walk(minutes=1)
        entries.append(house.ask("SELECT count(*) FROM series_place")[0][0])
        house.walk(days=1, minutes=-1)
    assert entries == [8, 8, 8, 8, 8, 16, 16, 16]
    reasons = house.ask("SELECT count(*) FROM audience_member WHERE reason = 'in_series'")
    assert reasons[0][0] == 8 * 7


def test_a_paused_campaign_holds_everybody_where_they_are(house: House) -> None:
    house.begin(campaign(letter("One"), {"kind": "wait", "days": 1}, letter("Two")))
    house.do("UPDATE campaign SET state = 'paused'")
    assert house.walk(days=1, minutes=1) == 0
    house.do("UPDATE campaign SET state = 'active'")
    assert house.walk() > 0
    assert len(house.mails()) == 16


def test_whoever_reaches_the_goal_leaves_with_the_order_that_tells(house: House) -> None:
    house.begin(campaign(letter("One"), {"kind": "wait", "key": "rest", "days": 3}, {"kind": "goal", "days": 9}))
    moment = house.clock.now + timedelta(hours=1)
    order = Order(
        "new", "new", OrderStatus.PAID, "processing", True, moment, moment, "IDR", 100, email="c2@example.com"
    )
    with tenant(house.app.engine, house.merchant) as conn:
        store = int(conn.execute(text("SELECT id FROM store")).scalar_one())
        done = ingest_orders(conn, merchant_id=house.merchant, store_id=store, orders=[order], now=moment)
        follow(conn, merchant_id=house.merchant, done=done, now=moment)
    places = house.places()
    assert places.pop(2) == ("left", "goal")
    assert set(places.values()) == {("waiting", "rest")}
