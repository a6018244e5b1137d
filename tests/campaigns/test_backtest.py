"""A campaign over the last twelve months: the same people as the firings of each day, and their cost."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from campaigns.schema import parse
from campaigns.triggers import EVENTS, OnEvent
from plugin_server.cli import campaign_texts
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.happened import happened, happened_on
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.backtest import BY_HAND, EVERY_CODE, NO_GUARDS, RUNGS_OF_THEN, back_test
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order
from tests.campaigns.test_events import RUNGS, change

WORDS = {"en": {"subject": "Hello", "html": "<p>Hello</p>"}}


def looked_back(app: Services, merchant: int, **told: Any) -> dict[str, Any]:
    """The back-test of a campaign with these parts."""
    campaign = parse({"key": "k", "message": WORDS, "measure": {"holdout": 0}, **told})
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        return back_test(conn, merchant_id=merchant, saved=campaigns.need(conn, "k"), now=NOW)


def bought(app: Services, merchant: int, n: int, at: str) -> None:
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        add_order(conn, merchant, n, store=store, external=f"{n}{at}", at=at)


def test_events_meet_people_on_their_days_and_cost_what_their_codes_would(app: Services, merchant: int) -> None:
    bought(app, merchant, 1, "2026-06-30 17:30+00")  # The first of July in Jakarta.
    bought(app, merchant, 1, "2026-08-01 03:00+00")
    bought(app, merchant, 2, "2026-07-05 03:00+00")
    bought(app, merchant, 9, "2026-07-05 03:00+00")  # Has said no.
    bought(app, merchant, 2, "2026-02-20 03:00+00")  # Three days later is a year ago and one day.
    offer = {"kind": "percentage", "value": "10", "valid_days": 14, "budget": "50000"}
    found = looked_back(app, merchant, trigger={"kind": "event", "event": "order_paid", "after_days": 3}, offer=offer)
    met = {one["day"]: (one["treated"], one["liability"]["amount"]) for one in found["firings"]}
    assert met == {
        "2026-07-04": (1, "20000.00"), "2026-07-08": (1, "20000.00"), "2026-08-04": (1, "20000.00"),
        "2027-01-13": (8, "160000.00"),
    }  # fmt: skip
    assert (found["from"], found["to"], found["people"], found["treated"]) == ("2026-02-25", "2027-02-24", 8, 11)
    assert found["excluded"] == {"unsubscribed": 2, "no_email": 1, "not_subscribed": 1, "suppressed": 1}
    assert found["offer"]["liability"] == {"amount": "220000.00", "currency": "IDR"}
    assert found["offer"]["budget_reached_on"] == "2026-08-04"
    assert [(one["month"], one["treated"]) for one in found["months"]] == [
        ("2026-07", 2), ("2026-08", 1), ("2027-01", 8)
    ]  # fmt: skip
    assert [(one["customer_id"], one["times"]) for one in found["sample"]][:2] == [(1, 3), (2, 2)]
    assert found["basis"] == [RUNGS_OF_THEN, NO_GUARDS, EVERY_CODE]


def test_many_days_at_once_are_the_days_one_by_one(app: Services, merchant: int) -> None:
    for n in range(1, 7):
        bought(app, merchant, n, f"2027-02-{n + 10} 16:59:30+00")
        bought(app, merchant, n, f"2027-02-{n + 12} 17:00:00+00")
    change(app, merchant, "UPDATE customer SET birthday = '2000-02-29' WHERE id IN (1, 2)")
    change(app, merchant, "UPDATE customer_facts SET rung_since = '2027-02-15', first_order_at = '2026-02-14 18:00+00'")
    days = [date(2027, 2, 10) + timedelta(days=more) for more in range(25)]
    met = 0
    with tenant(app.engine, merchant) as conn:
        for event in EVENTS:
            told = {"nth_order": {"nth": 2}, "stalled": {"after_days": 2}}.get(event, {})
            trigger = OnEvent(kind="event", event=event, **told)  # type: ignore[arg-type]
            about: dict[str, Any] = {"timezone": "Asia/Jakarta", "rungs": RUNGS, "topic": "promotions"}
            each = {(day, who) for day in days for who in conn.scalars(happened(trigger, day=day, **about))}
            assert sorted(map(tuple, conn.execute(happened_on(trigger, days=days, **about)))) == sorted(each), event
            met += bool(each)
    assert met >= 6


def test_days_of_the_calendar_meet_everybody_who_is_meant_today(app: Services, merchant: int) -> None:
    lebaran = {"kind": "holiday", "holiday": "eid_al_fitr", "offsets_days": [-14, -3]}
    found = looked_back(app, merchant, trigger=lebaran, audience={"rungs": ["shopper"]})
    # The feast of 2026 was on 20 March (the 6th and the 17th lie within the year); that of 2027 begins to count now.
    assert [one["occasion"] for one in found["firings"]] == [
        "eid_al_fitr:2026:-14", "eid_al_fitr:2026:-3", "eid_al_fitr:2027:-14"
    ]  # fmt: skip
    assert [one["treated"] for one in found["firings"]] == [4, 4, 4]
    assert (found["people"], found["treated"], found["offer"]) == (4, 12, None)
    monthly = looked_back(app, merchant, trigger={"kind": "recurring", "every": "month", "on": 31})
    assert (monthly["fired"], monthly["firings"][0]["day"], monthly["firings"][-1]["day"]) == (
        12, "2026-02-28", "2027-01-31"
    )  # fmt: skip


def test_what_waits_for_a_person_has_no_past_and_says_so(app: Services, merchant: int) -> None:
    found = looked_back(app, merchant, trigger={"kind": "once"})
    assert (found["firings"], found["basis"]) == ([], [BY_HAND])
    assert campaign_texts.backtested(found).splitlines() == [
        "k, 2026-02-25 to 2027-02-24: fired 0 times; 0 people, 0 mails, 0 held out", BY_HAND
    ]  # fmt: skip


def test_people_read_it_month_by_month(app: Services, merchant: int) -> None:
    offer = {"kind": "percentage", "value": "10", "valid_days": 14}
    found = looked_back(app, merchant, trigger={"kind": "event", "event": "order_paid"}, offer=offer)
    lines = campaign_texts.backtested(found).splitlines()
    assert lines[0] == "k, 2026-02-25 to 2027-02-24: fired 365 times; 8 people, 8 mails, 0 held out"
    assert "2027-01     1      8         0  160000.00 IDR" in lines
    assert "  2027-01-10  Siti1 Rahayu <c1@example.com>, 1 ×" in lines
