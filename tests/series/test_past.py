"""A series over days that have been: the machine that runs it today, people who do what they did, facts of then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from campaigns.ladder.rules import Rule
from campaigns.series_parts import series_of
from campaigns.series_past import Entry, History, walk
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.backtest import EVERY_CODE, NO_GUARDS, RUNGS_OF_THEN, back_test
from plugin_server.jobs.campaigning.backtest_series import AS_THEY_DID, FACTS_OF_THEN, FACTS_TOUCHED
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW, app, merchant
from tests.campaigns.shop import add_order
from tests.series.definitions import BOUGHT_MORE, OFFER, campaign, letter

__all__ = ["app", "merchant"]

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
STEPS = (
    letter(key="hello"),
    {"kind": "wait", "key": "rest", "days": 7},
    {"kind": "condition", "key": "ask", "rule": BOUGHT_MORE, "then": "call", "else": "gift"},
    {"kind": "offer", "key": "gift", "offer": OFFER},
    letter("{{ offer.code }}", key="code", next="goal"),
    {"kind": "task", "key": "call", "title": "Call"},
    {"kind": "goal", "key": "goal", "days": 10},
)


def test_everybody_walks_as_the_machine_says_and_leaves_with_their_order() -> None:
    asked: list[tuple[datetime, list[int]]] = []

    def holds(rule: Rule, at: datetime, people: Any) -> set[int]:
        asked.append((at, sorted(people)))
        return {3}

    days = [START + timedelta(days=n) for n in range(40)]
    entries = [
        Entry(1, days[0]),
        Entry(2, days[0]),
        Entry(3, days[0]),
        Entry(1, days[5]),
        Entry(1, days[30]),
        Entry(4, days[39]),
    ]
    orders = {2: [days[3]], 1: [days[0] - timedelta(hours=1), days[12]]}
    past = walk(
        series_of(campaign(*STEPS)), entries, History(orders, {}, {}), holds,
        shop_zone="Asia/Jakarta", again_after_days=20, until=days[39],
    )  # fmt: skip
    assert (past.entered, past.turned_away, past.inside) == (5, 1, 2)
    assert past.left == {"goal": 2, "end": 1}
    assert past.steps == {"hello": 5, "gift": 2, "code": 2, "call": 1}
    assert past.ways == {("ask", "then"): 1, ("ask", "else"): 2}
    assert past.mails == {1: 4, 2: 1, 3: 1, 4: 1}
    assert [(at.day, people) for at, people in asked] == [(9, [1, 3]), (8, [1])]
    assert [at for at, _ in past.made] == [days[7], days[37]]


def test_a_series_is_walked_through_with_the_rungs_and_facts_of_then(app: Services, merchant: int) -> None:
    steps = [*STEPS[:2], {**STEPS[2], "rule": {"kind": "all", "rules": [
        BOUGHT_MORE, {"kind": "not", "rule": {"kind": "cmp", "fact": "rung", "op": "=", "value": "shopper"}}]}},
        {**STEPS[3], "offer": {**OFFER, "budget": "30000"}}, *STEPS[4:]]  # fmt: skip
    made = campaign(
        *steps, trigger={"kind": "event", "event": "order_paid", "after_days": 2}, audience={"rungs": ["shopper"]},
        guards={"frequency_cap": {"messages": 2, "days": 3}},
    )  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer_facts SET rung = 'customer'"))
        conn.execute(text("DELETE FROM shop_order"))
        store = conn.scalar(text("SELECT id FROM store"))
        for n, at, more in ((1, "2026-07-01", "2026-07-06"), (2, "2026-07-01", "2026-10-01"), (3, "2026-08-01", "")):
            add_order(conn, merchant, n, store=store, external=f"a{n}", at=f"{at} 03:00+00")
            if more:
                add_order(conn, merchant, n, store=store, external=f"b{n}", at=f"{more} 03:00+00")
            for moved, old, new in ((at, "prospect", "shopper"), (more, "shopper", "customer")):
                if moved:
                    conn.execute(
                        text("INSERT INTO rung_change (merchant_id, customer_id, from_rung, to_rung, changed_at, "
                             "reason, ladder_version) VALUES (:m, :c, :old, :new, :at, '', 1)"),
                        {"m": merchant, "c": n, "old": old, "new": new, "at": f"{moved} 03:00:05+00"},
                    )  # fmt: skip
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="test")
        saved = campaigns.need(conn, "series")
        found = back_test(conn, merchant_id=merchant, saved=saved, now=NOW)
        whole = found["series"]
    assert [(one["day"], one["treated"]) for one in found["firings"]] == [("2026-07-03", 2), ("2026-08-03", 1)]
    assert {key: whole[key] for key in ("entered", "turned_away", "inside", "left", "exact")} == {
        "entered": 3, "turned_away": 0, "inside": 0, "left": {"end": 2, "goal": 1}, "exact": True,
    }  # fmt: skip
    assert {one["key"]: (one["did"], one["then"], one["else"]) for one in whole["steps"]} == {
        "hello": (3, 0, 0), "rest": (0, 0, 0), "ask": (0, 0, 2), "gift": (2, 0, 0), "code": (2, 0, 0),
        "call": (0, 0, 0), "goal": (0, 0, 0),
    }  # fmt: skip
    assert whole["mails"] == {"total": 5, "people": 3, "by_person": {"1": 1, "2": 2}}
    assert whole["offers"][0]["codes"] == 2
    assert whole["budget_reached_on"] == "2026-08-10"
    assert found["basis"] == [RUNGS_OF_THEN, NO_GUARDS, EVERY_CODE, AS_THEY_DID, FACTS_OF_THEN]


def test_what_cannot_be_known_is_said(app: Services, merchant: int) -> None:
    clicked = {"kind": "cmp", "fact": "mail_clicks", "op": ">=", "value": 1}
    steps = [letter(key="hello"), {"kind": "wait", "days": 2}, {"kind": "condition", "rule": clicked, "else": "exit"},
             letter("More", key="more")]  # fmt: skip
    made = campaign(*steps, trigger={"kind": "recurring", "every": "month", "on": 1}, again_after_days=60)
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=made, by="test")
        found = back_test(conn, merchant_id=merchant, saved=campaigns.need(conn, "series"), now=NOW)
    assert FACTS_TOUCHED in found["basis"]
    whole, people = found["series"], found["people"]
    assert people > 0
    assert (whole["entered"], whole["turned_away"]) == (people * 6, people * 6)
    assert whole["mails"]["by_person"] == {"6": people}
