"""Two who walk through a series, hold codes and wait for mails turn out to be one person."""

from __future__ import annotations

from typing import Any

import pytest

from plugin_server.jobs import merging
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
