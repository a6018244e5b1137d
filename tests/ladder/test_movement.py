"""Between two days: who climbed, what it was worth, who is stalled; from the orders alone."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from plugin_server.db.ladder import movement
from plugin_server.web.ladder import flow
from tests.ladder.shops import NOW, Shop


def matrix(shop: Shop, since: str, until: str) -> Any:
    with shop.work() as conn:
        return movement.matrix(
            conn,
            merchant_id=shop.merchant_id,
            date_from=date.fromisoformat(since),
            date_to=date.fromisoformat(until),
            now=NOW,
        )


def cells(found: Any) -> list[tuple[Any, ...]]:
    return [
        (c["from"], c["to"], c["count"], c["orders"], c["revenue"]["amount"], c["worth"] and c["worth"]["amount"])
        for c in found["cells"]
    ]


def test_the_worth_of_climbing_is_beside_those_who_stayed(shop: Shop) -> None:
    climber, stayer, newcomer, loyal = (shop.person(known=day) for day in ("2025-01-01",) * 2 + ("2026-05-01",) * 2)
    for who in (climber, stayer):
        shop.order(who, "2026-01-01", 100_00)
    shop.order(climber, "2026-03-01", 250_00)
    shop.order(climber, "2026-03-02", 9_000_00, currency="EUR")
    for day in ("2026-05-02", "2026-05-03"):
        shop.order(loyal, day, 10_00)
    found = matrix(shop, "2026-02-01", "2026-05-31")
    assert cells(found) == [
        (None, "suspect", 1, 0, "0.00", None),
        (None, "customer", 1, 2, "20.00", None),
        ("shopper", "shopper", 1, 0, "0.00", None),
        ("shopper", "customer", 1, 2, "250.00", "250.00"),
    ]
    assert found["climbed"] == {"count": 1, "worth": {"amount": "250.00", "currency": "IDR"}}
    assert (found["fell"], found["stayed"], found["arrived"]) == (0, 1, 2)
    assert {rung["key"]: (rung["before"], rung["after"]) for rung in found["rungs"]}["customer"] == (0, 2)
    assert newcomer
    assert matrix(shop, "2026-05-31", "2026-05-31")["stayed"] == 4


def test_a_refund_is_a_fall_and_nobody_to_compare_with_gives_no_worth(shop: Shop) -> None:
    who, climber = shop.person(known="2025-01-01"), shop.person(known="2025-01-01")
    shop.order(who, "2026-01-01")
    shop.refund(shop.order(who, "2026-01-02", 50_00), 50_00, "2026-03-01")
    shop.order(climber, "2026-03-05", 70_00)
    found = matrix(shop, "2026-02-01", "2026-04-01")
    assert cells(found) == [
        ("suspect", "shopper", 1, 1, "70.00", None),
        ("customer", "shopper", 1, 0, "0.00", None),
    ]
    assert found["climbed"] == {"count": 1, "worth": None}
    assert found["fell"] == 1


def test_an_empty_shop_moves_nowhere(shop: Shop) -> None:
    assert matrix(shop, "2026-01-01", "2026-02-01")["cells"] == []


def test_stalled_are_those_who_wait_longer_than_the_usual(shop: Shop) -> None:
    for number in range(12):
        who = shop.person(known="2026-01-01")
        shop.order(who, "2026-01-01T03:00")
        shop.order(who, f"2026-01-{number + 2:02d}T03:00")
    waiting, fresh = shop.person("waits@example.test", known="2026-01-01"), shop.person(known="2026-06-01")
    shop.order(waiting, "2026-04-01", 777_00)
    shop.order(fresh, "2026-06-12")
    shop.climb()
    with shop.work() as conn:
        found = movement.stalled(conn, merchant_id=shop.merchant_id, now=NOW)
    [shopper] = [one for one in found if one["rung"] == "shopper"]
    # Of waits of 1 to 12 days, four fifths are done after 9.8.
    assert (shopper["usual_days"], shopper["climbs"], shopper["count"]) == (9.8, 12, 1)
    assert [(one["email"], one["days"]) for one in shopper["customers"]] == [("waits@example.test", 75)]


@pytest.mark.parametrize("people", [(1, 0), (5, 3), (100_000, 1)])
def test_the_flow_keeps_within_the_picture_and_adds_up(people: tuple[int, int]) -> None:
    made = [
        {"from": "a", "to": "b", "count": people[0], "direction": "climbed"},
        {"from": None, "to": "b", "count": people[1], "direction": "arrived"},
        {"from": "b", "to": "b", "count": 2, "direction": "stayed"},
    ]
    drawn = flow.drawn([cell for cell in made if cell["count"]], [("a", "A"), ("b", "B")], "new")
    for side in (drawn.left, drawn.right):
        assert sum(bar.count for bar in side) == sum(people) + 2
        assert all(bar.y >= 0 and bar.y + bar.height <= drawn.height + 0.1 for bar in side)
        tops = sorted((bar.y, bar.height) for bar in side)
        assert all(y + height <= below[0] + 0.1 for (y, height), below in pairwise(tops))
        names = [bar.name_y for bar in reversed(side)]
        assert all(0 < name < drawn.height for name in names)
        assert all(below - name >= flow.LINE for name, below in pairwise(names))
    assert [bar.name for bar in drawn.right] == ["B"]
