"""A change of the definition finds people inside: they keep their version, or are moved where their step still is."""

from __future__ import annotations

import pytest

from campaigns.schema import Campaign
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused, Saved
from plugin_server.db.series import moves as series_moves
from plugin_server.db.series import told as series_told
from plugin_server.db.session import tenant
from tests.series.conftest import House
from tests.series.definitions import campaign, letter

FIRST = (letter("One", key="one"), {"kind": "wait", "key": "rest", "days": 2}, letter("Two", key="two"))
CHANGED = (
    letter("Zero", key="zero"), {"kind": "wait", "key": "rest", "days": 9}, letter("One", key="one"),
    {"kind": "wait", "key": "more", "days": 1}, letter("New", key="new"),
)  # fmt: skip


def saved(house: House, changed: Campaign | None = None) -> Saved:
    if changed:
        house.save(changed)
    with tenant(house.app.engine, house.merchant) as conn:
        return campaigns.need(conn, "series")


def test_people_keep_the_version_they_entered_with(house: House) -> None:
    house.begin(campaign(*FIRST))
    house.save(campaign(letter("Else", key="else")))
    house.walk(days=2, minutes=1)
    assert {subject.split()[0] for _, subject in house.mails()} == {"One", "Two"}
    assert set(house.places().values()) == {("left", "end")}


def test_moved_they_go_on_by_the_key_of_their_step_and_do_nothing_twice(house: House) -> None:
    house.begin(campaign(*FIRST))
    new = saved(house, campaign(*CHANGED))
    with tenant(house.app.engine, house.merchant) as conn:
        [moving] = series_moves.outlook(conn, new)
        assert moving.as_json() == {"version": 1, "step": "rest", "kind": "wait", "people": 8, "goes": True}
        assert series_moves.move(conn, house.merchant, new, "test") == 8
        assert series_moves.outlook(conn, new) == []
    house.walk(days=2, minutes=1)
    assert set(house.places().values()) == {("waiting", "more")}
    house.walk(days=1, minutes=1)
    subjects = [subject.split()[0] for _, subject in house.mails()]
    assert sorted(set(subjects)) == ["New", "One"]
    assert len(subjects) == 16
    assert house.ask("SELECT DISTINCT note FROM series_log WHERE step = 'one'") == [("accepted",)]


def test_whose_step_is_gone_or_of_another_kind_stays(house: House) -> None:
    house.begin(campaign(*FIRST))
    new = saved(house, campaign({"kind": "tag", "key": "rest", "tag": "x"}))
    with tenant(house.app.engine, house.merchant) as conn:
        assert [one.goes for one in series_moves.outlook(conn, new)] == [False]
        with pytest.raises(Refused, match="Nobody is to be moved"):
            series_moves.move(conn, house.merchant, new, "test")


def test_figures_tell_where_people_stand_and_how_they_left(house: House) -> None:
    house.begin(campaign(*FIRST))
    house.do("UPDATE customer SET erased_at = now() WHERE id = 1")
    house.walk(days=2, minutes=1)
    with tenant(house.app.engine, house.merchant) as conn:
        told = series_told.figures(conn, campaigns.need(conn, "series"))
    assert (told["entered"], told["inside"], told["left"]) == (8, 0, {"end": 7, "erased": 1})
    assert [(one["key"], one["passed"], one["notes"]) for one in told["steps"]] == [
        ("one", 8, {"accepted": 8}), ("rest", 7, {"passed": 7}), ("two", 7, {"accepted": 7}),
    ]  # fmt: skip
