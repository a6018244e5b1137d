"""Two who walk through a series, hold codes and wait for mails turn out to be one person."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs import merging
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.series import walk
from tests.series.conftest import House
from tests.series.definitions import OFFER, campaign, letter

NIGHT = {"quiet_hours": {"from": "08:00", "to": "20:00"}, "frequency_cap": None}
CODED = ({"kind": "offer", "key": "gift", "offer": OFFER}, {"kind": "wait", "key": "rest", "days": 1},
         letter("Yours: {{ offer.code }}", key="mail"))  # fmt: skip


def merge(house: House, winner: int, loser: int) -> None:
    merging.pair_merged(house.app, house.merchant, winner=winner, loser=loser, reason="one person", by="owner")


def to(house: House, *people: int) -> list[str]:
    """The subjects of what these were sent."""
    return [subject for who, subject in house.mails() if who in {f"c{n}@example.com" for n in people}]


def test_of_two_in_one_series_one_goes_on_with_a_code_that_works(house: House) -> None:
    house.begin(campaign(*CODED))
    merge(house, 2, 1)
    house.walk(days=1, minutes=1)
    places = house.places()
    assert (places[1], places[2]) == (("left", "merged"), ("left", "end"))
    [code] = house.ask("SELECT code FROM offer_code WHERE customer_id = 2")
    assert to(house, 1, 2) == [f"Yours: {code.code} id"]


def test_who_joins_another_brings_the_place_and_the_code_along(house: House) -> None:
    house.begin(campaign(*CODED))
    [code] = house.ask("SELECT code FROM offer_code WHERE customer_id = 1")
    merge(house, 10, 1)
    house.walk(days=1, minutes=1)
    assert house.places()[10] == ("left", "end")
    assert to(house, 1, 10) == [f"Yours: {code.code} id"]


@pytest.mark.parametrize(("winner", "loser"), [(2, 1), (10, 1)])
def test_a_mail_that_waits_for_the_morning_reaches_the_one_they_became(house: House, winner: int, loser: int) -> None:
    house.begin(campaign(letter("Morning", key="mail"), guards=NIGHT))
    merge(house, winner, loser)
    house.walk(hours=12)
    assert to(house, winner, loser) == ["Morning id"]
    left: list[Any] = house.ask("SELECT DISTINCT r.state FROM campaign_run r WHERE step IS NOT NULL")
    assert [row.state for row in left] == ["done"]
    assert set(house.places().values()) <= {("left", "end"), ("left", "merged")}


@pytest.mark.parametrize(("winner", "loser"), [(2, 1), (10, 1)])
def test_who_is_merged_between_the_draw_and_the_entry_walks_once(house: House, winner: int, loser: int) -> None:
    house.save(campaign(letter("Hello", key="mail")))
    with tenant(house.app.engine, house.merchant) as conn:
        run_id = runs.open_now(conn, house.merchant, "series", "test", house.app.now())
        audience.freeze(conn, campaigns.run(conn, run_id), house.app.now())
        if winner == 10:
            conn.execute(text("DELETE FROM audience_member WHERE customer_id = 10"))
    merge(house, winner, loser)
    runs.advance(house.app, house.world, house.merchant, run_id)
    house.walk()
    assert to(house, winner, loser) == ["Hello id"]
    assert house.places()[winner] == ("left", "end")
    assert loser not in house.places()


def test_who_is_merged_while_a_step_s_mail_is_made_gets_it(house: House) -> None:
    house.save(campaign(letter("Hello", key="mail")))
    with tenant(house.app.engine, house.merchant) as conn:
        run_id = runs.open_now(conn, house.merchant, "series", "test", house.app.now())
    runs.advance(house.app, house.world, house.merchant, run_id)
    walk.advance(house.app, house.merchant)  # at the step now; its mails are not planned yet
    assert house.ask("SELECT count(*) FROM message") == [(0,)]
    merge(house, 10, 1)
    merge(house, 3, 2)
    house.walk()
    assert (to(house, 1, 10), to(house, 2, 3)) == (["Hello id"], ["Hello nl"])
    assert {house.places()[n] for n in (3, 10)} == {("left", "end")}
