"""What a programme may say, and the liability's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.points.liability import recognised, share_price
from campaigns.points.program import parse_program, read_program
from campaigns.schema import BadCampaign
from plugin_server.db.points import programme as points
from tests.data.making import Shop
from tests.points.conftest import program


def test_a_programme_is_read_from_yaml() -> None:
    text = """
since: 2026-01-01
point_value: "100"
earn:
  - {kind: amount, points: 1, per: "10000"}
  - {kind: action, action: birthday, points: 50}
rewards:
  - {key: shipping, name: {en: Free shipping, id: Gratis ongkir}, points: 200, kind: free_shipping}
"""
    found = read_program(text)
    assert [rule.kind for rule in found.earn] == ["amount", "action"]
    assert found.reward("shipping").called("id") == "Gratis ongkir"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "path", "word"),
    [
        ({"earn": []}, "earn", "empty"),
        ({"earn": [{"kind": "amount", "points": 0, "per": "1"}]}, "earn.0.points", "greater than or equal to 1"),
        ({"earn": [{"kind": "wish"}]}, "earn.0", "amount or action"),
        ({"point_value": None}, "point_value", "decimal"),
        ({"expires_days": 0}, "expires_days", "greater"),
        ({"colour": "red"}, "colour", "not known"),
        ({"rewards": [{"key": "a", "name": {"en": "A"}, "points": 1, "kind": "fixed"}]}, "rewards.0", "need a value"),
        ({"multipliers": [{"rung": "member", "times": "2"}] * 2}, "multipliers", "twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], path: str, word: str) -> None:
    document = program().model_dump(mode="json") | change
    with pytest.raises(BadCampaign) as refused:
        parse_program(document)
    assert [(p.path, word in p.sentence) for p in refused.value.problems] == [(path, True)]


def test_a_multiplier_for_a_rung_that_is_not_there_is_refused(shop: Shop) -> None:
    lost = program(multipliers=[{"rung": "king", "times": "2"}])
    with pytest.raises(BadCampaign, match=r"multipliers\.0\.rung: 'king' is no rung"):
        shop.do(lambda conn: points.save_program(conn, shop.merchant, lost, by="o"))


def test_a_sale_is_shared_between_goods_and_points() -> None:
    """IFRS 15, example 52: 10,000 points of 1 at 95 % with sales of 100,000."""
    shared = share_price(100_000, 9_500)
    assert (shared.goods_minor, shared.points_minor) == (91_324, 8_676)


def test_revenue_follows_the_points_spent() -> None:
    """The example's first year: 4,500 of 9,500 points; its second: 8,500 of 9,700 in all."""
    first, both = recognised(8_676, 4_500, 9_500), recognised(8_676, 8_500, 9_700)
    assert (first, both - first) == (4_110, 3_493)
