"""The ready series, as they are: checked as a save does it, and walked through week by week."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from campaigns.recipes import recipes
from campaigns.schema import parse
from campaigns.series_recipes import documents
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import preview
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.sending import lint
from tests.campaigns.shop import add_order, add_person, say
from tests.series.conftest import House

NEW = range(13, 18)


@pytest.mark.parametrize("document", [document for *_, document in documents()], ids=[key for key, *_ in documents()])
def test_a_ready_series_passes_every_look(house: House, document: dict[str, object]) -> None:
    campaign, now = parse(document), house.app.now()
    house.save(campaign)
    with tenant(house.app.engine, house.merchant) as conn:
        preview.check(conn, campaign, public_url="https://mail.toko.example", now=now)
        runs.check(conn, campaign, now, house.app.settings)
        assert not [one for one in lint.look_through(conn, house.app.settings, campaign, now) if one.blocking]


def test_the_recipes_hold_the_series() -> None:
    assert {key for key, *_ in documents()} <= {recipe.key for recipe in recipes() if recipe.campaign.steps}


def test_the_welcome_series_from_a_yes_to_the_first_order(house: House) -> None:
    """Five people say yes on a Wednesday; one orders after ten days, one says no after a week."""
    document = next(document for key, *_, document in documents() if key == "welcome_series")
    campaign = parse(document | {"measure": {"goal": "climb", "window_days": 45, "holdout": 0}})
    house.save(campaign)
    house.do("UPDATE campaign SET state = 'active', activated_at = :now", now=house.clock.now - timedelta(hours=1))
    with tenant(house.app.engine, house.merchant) as conn:
        store = conn.exec_driver_sql("SELECT id FROM store").scalar_one()
        for n in NEW:
            add_person(conn, house.merchant, n)
        say(conn, house.merchant, list(NEW), "subscribed", at="2027-02-23 18:00+00")
        conn.exec_driver_sql("UPDATE customer_facts SET rung = 'prospect', orders = 0 WHERE customer_id > 12")
    began, came = house.clock.now, defaultdict[str, list[int]](list)
    house.walk()
    for day in (0, 4, 7, 8, 9, 10, 23, 33):
        if day == 7:
            with tenant(house.app.engine, house.merchant) as conn:
                say(conn, house.merchant, [14], "unsubscribed", at="2027-03-02 12:00+00")
        if day == 10:
            with tenant(house.app.engine, house.merchant) as conn:
                add_order(conn, house.merchant, 15, store=store, external="first", at="2027-03-06 01:00+00")
        before = set(house.mails()) if day else set()
        house.walk(seconds=(began + timedelta(days=day, hours=1) - house.clock.now).total_seconds())
        for who, _ in set(house.mails()) - before:
            came[who].append(day)
    assert [len(came[f"c{n}@example.com"]) for n in NEW] == [4, 2, 3, 4, 4]
    assert sum(map(len, came.values())) == len(house.mails()) == 17
    assert house.places() == {
        13: ("left", "end"), 14: ("left", "unsubscribed"), 15: ("left", "goal"), 16: ("left", "end"),
        17: ("left", "end"),
    }  # fmt: skip
    gaps = [later - earlier for days in came.values() for earlier, later in pairwise(days)]
    assert min(gaps) >= 4
    assert len(house.shop.codes) == 4
