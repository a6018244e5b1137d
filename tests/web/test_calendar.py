"""The calendar: what goes out on which day, and who would get too much of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.schema import parse
from plugin_server.db.campaigning import campaigns, overlap
from plugin_server.db.campaigning.overlap import Planned
from plugin_server.db.ladder import facts
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import planned
from plugin_server.web.campaigning.calendar import days_of
from plugin_server.web.words import Words, zone_of
from plugin_server.wiring import Services
from tests.web.conftest import Visitor

PEOPLE = """
INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, enquired_at)
SELECT :m, 'c' || g || '@example.com', 'c' || g || '@example.com', 'Siti', '', CASE WHEN g <= 3 THEN now() END
FROM generate_series(1, 5) g
"""
YES = """
INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at)
SELECT :m, id, 'subscribed', 'woocommerce', '2026-01-01' FROM customer
"""


@pytest.fixture
def five(app: Services, merchant: int, woo: int) -> int:
    """Three prospects and two suspects who said yes to mails; nobody is held out for good."""
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE merchant SET holdout_share = 0"))
        for statement in (PEOPLE, YES):
            connection.execute(text(statement), {"m": merchant})
        facts.refresh(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=None, now=app.now())
    return merchant


def campaign(app: Services, merchant: int, key: str, state: str = "active", **parts: Any) -> int:
    """Saves a campaign of some parts; gives its id."""
    document = {
        "key": key, "name": key.title(), "trigger": {"kind": "once", "day": "2026-12-10"}, "offer": None,
        "message": {"en": {"subject": "s", "html": "<p>h</p>"}}, **parts,
    }  # fmt: skip
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=parse(document), by="t")
        connection.execute(text("UPDATE campaign SET state = :s WHERE key = :k"), {"s": state, "k": key})
        return campaigns.need(connection, key).id


CODE = {"kind": "free_shipping"}
ONE_A_WEEK = {"frequency_cap": {"messages": 1, "days": 7}}


def test_pairs_waits_and_codes_are_counted_in_people(app: Services, five: int) -> None:
    all_of_them = campaign(app, five, "all", offer=CODE)
    prospects = campaign(app, five, "prospects", audience={"rungs": ["prospect"]})
    with tenant(app.engine, five) as connection:
        saved = {one.id: one.campaign for one in campaigns.all_saved(connection)}
        day = lambda number: datetime(2026, 12, number, 2, tzinfo=UTC)  # noqa: E731
        plan = [
            Planned(all_of_them, day(1), True, 1, 7),
            Planned(prospects, day(4), False, 1, 7),
            Planned(all_of_them, day(11), True, 2, 7),
            Planned(all_of_them, day(20), True, 0, 1),
        ]
        found = overlap.overlaps(connection, merchant_id=five, campaigns=list(saved.items()), plan=plan, now=app.now())
    # The 4th and the 11th lie seven days apart: that is no overlap any more.
    assert (found.pairs, found.waiting, found.codes, found.exact) == ([(0, 1, 3)], [(1, 3)], 5, True)


def test_a_month_holds_what_comes_what_ran_and_the_feasts(app: Services, five: int) -> None:
    campaign(app, five, "day")
    campaign(app, five, "draft", "draft", trigger={"kind": "holiday", "holiday": "christmas", "offsets_days": [-3, 0]})
    campaign(app, five, "over", "ended", trigger={"kind": "once", "day": "2026-12-11"})
    campaign(app, five, "weekly", trigger={"kind": "recurring", "every": "week", "on": 5})
    campaign(app, five, "birthday", trigger={"kind": "event", "event": "birthday"})
    number = campaign(app, five, "ran")
    with tenant(app.engine, five) as connection:
        saved = campaigns.need(connection, "ran")
        at = datetime(2026, 12, 10, 2, tzinfo=UTC)
        run, _ = campaigns.open_run(
            connection, merchant_id=five, saved=saved, occasion="once", due_at=at, by="t", state="stopped"
        )
        found = planned.month(connection, date(2026, 12, 7), date(2026, 12, 31), app.now())
    told = [(entry.day.day, entry.key, entry.state, entry.run_id) for entry in found.entries]
    fridays = [(day, "weekly", "active", None) for day in (11, 18, 25)]
    others = [
        (10, "day", "active", None), (10, "ran", "stopped", run), (22, "draft", "draft", None),
        (25, "draft", "draft", None),
    ]  # fmt: skip
    assert sorted(told, key=str) == sorted(fridays + others, key=str)
    assert [one.campaign.key for one in found.daily] == ["birthday"]
    assert [day.key for day in found.holidays if day.confirmed] == ["harbolnas", "christmas"]
    assert number == saved.id


def test_the_page_leads_to_campaigns_and_to_the_builder(
    app: Services, five: int, logged_in: Callable[[str], Visitor]
) -> None:
    campaign(app, five, "eid-tea", guards=ONE_A_WEEK)
    campaign(app, five, "other", guards=ONE_A_WEEK)
    visitor = logged_in("marketer")
    page = visitor.get("/campaigns/calendar?month=2026-12").text
    assert 'href="/campaigns/eid-tea"' in page
    assert 'href="/campaigns/new?day=2026-12-10"' in page
    assert 'href="/campaigns/new?holiday=christmas"' in page
    assert 'value="2026-12-10"' in visitor.get("/campaigns/new?day=2026-12-10").text
    crowded = unescape(visitor.get("/campaigns/calendar/crowding?month=2026-12").text)
    assert "5 people get both." in crowded
    assert "5 people have had as many mails as you allow by then" in crowded
    calm = visitor.get("/campaigns/calendar/crowding?month=2027-01").text
    assert "Nobody gets two" in calm
    assert "/campaigns/new" not in logged_in("viewer").get("/campaigns/calendar").text
    for month in ("2026-13", "1999-01", "x"):
        assert visitor.get(f"/campaigns/calendar?month={month}").status_code == 404


@pytest.mark.parametrize(
    ("zone", "first"),
    [("Asia/Jakarta", "Sun"), ("America/New_York", "Sun"), ("Europe/Amsterdam", "Mon"), ("UTC", "Mon")],
)
def test_weeks_begin_as_they_do_where_the_shop_is(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], zone: str, first: str
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE merchant SET timezone = :z"), {"z": zone})
    page = logged_in("viewer").get("/campaigns/calendar?month=2026-11").text
    assert re.findall(r'class="weekday" aria-hidden="true">(\w+)<', page)[0] == first


def test_weeks_are_whole() -> None:
    assert {len(days_of(date(2026, month, 1), start)) % 7 for month in range(1, 13) for start in range(7)} == {0}
    assert [days_of(date(2026, 8, 1), 6)[place] for place in (0, -1)] == [date(2026, 7, 26), date(2026, 9, 5)]
    days = days_of(date(2027, 2, 1))
    assert (days[0], days[-1], len(days)) == (date(2027, 2, 1), date(2027, 2, 28), 28)
    assert [days_of(date(2026, 8, 1))[place] for place in (0, -1)] == [date(2026, 7, 27), date(2026, 9, 6)]


def test_a_date_is_corrected_added_and_taken_away_again(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    """What was set by hand can be undone: a computed holiday falls back, a day of one's own goes."""
    campaign(app, merchant, "lebaran", trigger={"kind": "holiday", "holiday": "eid_al_fitr", "offsets_days": [-7]})
    marketer = logged_in("marketer")

    def listed() -> dict[str, str]:
        page = unescape(marketer.get("/settings/holidays").text)
        found = re.findall(
            r'name="key" value="(\w+)"><input type="hidden" name="year" value="(\d+)">\s+<div.*?value="([\d-]+)"',
            page,
            re.DOTALL,
        )
        return {f"{key} {year}": day for key, year, day in found}

    before = listed()
    year = next(one for one in before if one.startswith("eid_al_fitr "))[-4:]
    moved = {"key": "eid_al_fitr", "year": year, "day": f"{year}-03-19"}
    assert marketer.post("/settings/holidays", moved).status_code == 302
    assert listed()[f"eid_al_fitr {year}"] == f"{year}-03-19"
    page = unescape(marketer.get("/settings/holidays").text)
    assert "1 running campaign moves with it. Go on?" in page
    for name in ("Ulang tahun toko", "店庆"):
        assert marketer.post("/settings/holidays", {"name": name, "day": "2062-05-05"}).status_code == 302
    assert len(set(listed()) - set(before)) == 2
    refused = marketer.post("/settings/holidays", {"name": "Christmas", "day": f"{year}-12-20"})
    assert (refused.status_code, "in the list already" in refused.text, 'value="Christmas"' in refused.text) == (
        422,
        True,
        True,
    )
    for one in set(listed()) - set(before) | {f"eid_al_fitr {year}"}:
        key, _, at = one.partition(" ")
        assert marketer.post("/settings/holidays/remove", {"key": key, "year": at}).status_code == 302
        assert marketer.post("/settings/holidays/remove", {"key": key, "year": at}).status_code == 404
    assert listed() == before


@pytest.mark.parametrize(
    ("language", "zone", "country", "said"),
    [
        ("en", "Asia/Jakarta", None, "5 Dec 2026, 14:05 | Sat 5 Dec | 14:05"),
        ("en", "Asia/Jakarta", "US", "Dec 5, 2026, 2:05 PM | Sat, Dec 5 | 2:05 PM"),
        ("en", "America/New_York", None, "Dec 5, 2026, 2:05 AM | Sat, Dec 5 | 2:05 AM"),
        ("en", "America/New_York", "GB", "5 Dec 2026, 02:05 | Sat 5 Dec | 02:05"),
        ("id", "Asia/Jakarta", "US", "5 Des 2026, 14:05 | Sab 5 Des | 14:05"),
        ("nl", "Europe/Amsterdam", "Atlantis", "5 dec 2026, 08:05 | za 5 dec | 08:05"),
    ],
)
def test_days_and_hours_are_in_the_form_of_the_reader_s_country(
    language: str, zone: str, country: str | None, said: str
) -> None:
    at = datetime(2026, 12, 5, 7, 5, tzinfo=UTC)
    words = Words(language, zone_of(zone), at, country)
    assert " | ".join((words.time(at), words.day(at), words.hour(at))) == said
