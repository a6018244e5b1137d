"""The default seven rungs, and ladders that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.ladder.ladders import check, lapses, parse
from campaigns.ladder.presets import SEVEN_RUNGS
from campaigns.ladder.rules import BadRule
from campaigns.ladder.sentences import LANGUAGES
from campaigns.ladder.simulate import orders_needed


def test_the_seven_rungs() -> None:
    check(SEVEN_RUNGS)
    assert SEVEN_RUNGS.keys == ("suspect", "prospect", "shopper", "customer", "member", "advocate", "raving_fan")
    assert all(set(rung.names) == set(LANGUAGES) for rung in SEVEN_RUNGS.rungs)


def test_a_ladder_survives_json() -> None:
    assert parse(SEVEN_RUNGS.model_dump(mode="json")) == SEVEN_RUNGS


def test_orders_needed_per_rung() -> None:
    assert [orders_needed(rung.rule) for rung in SEVEN_RUNGS.rungs] == [0, 0, 1, 2, 3, 2, 3]


def test_only_the_fan_lapses_by_itself() -> None:
    ending = {rung.key: lapses(rung.rule) for rung in SEVEN_RUNGS.rungs if rung.rule is not None and lapses(rung.rule)}
    assert [(key, leaf.fact, leaf.days) for key, found in ending.items() for leaf in found] == [
        ("raving_fan", "last_referral_at", 365)
    ]


def _changed(place: int, **changes: Any) -> dict[str, Any]:
    data = SEVEN_RUNGS.model_dump(mode="json")
    data["rungs"][place].update(changes)
    return data


def _deep(times: int) -> dict[str, Any]:
    since: dict[str, Any] = {"of": "latest_of", "moments": ["known_since"]}
    for _ in range(times):
        since = {"of": "latest_of", "moments": [since]}
    return since


REFUSED: list[tuple[str, Any, str]] = [
    ("twice the same key", _changed(2, key="prospect"), "rungs.2.key"),
    ("a key with a blank", _changed(2, key="Big Spender"), "rungs.2.key"),
    ("no English name", _changed(2, names={"nl": "Koper"}), "rungs.2.names.en"),
    ("a rule on the ground", _changed(0, rule={"kind": "is_set", "fact": "country"}), "rungs.0.rule"),
    ("no rule above it", _changed(3, rule=None), "rungs.3.rule"),
    (
        "an unknown fact",
        _changed(3, rule={"kind": "all", "rules": [{"kind": "is_set", "fact": "luck"}]}),
        "rungs.3.rule.rules.0.fact",
    ),
    (
        "two equal rules",
        _changed(3, rule={"kind": "cmp", "fact": "orders", "op": ">=", "value": 1}),
        "rungs.3.rule",
    ),
    (
        "evidence that is no moment",
        _changed(2, since={"of": "latest_of", "moments": ["orders"]}),
        "rungs.2.since.moments.0",
    ),
    (
        "evidence that goes in a circle",
        _changed(2, since={"of": "latest_of", "moments": ["rung_since"]}),
        "rungs.2.since.moments.0",
    ),
    ("evidence in evidence without end", _changed(2, since=_deep(500)), "rungs.2.since.moments.0"),
    ("a name as long as a book", _changed(2, names={"en": "x" * 81}), "rungs.2.names.en"),
    ("a name no database keeps", _changed(2, names={"en": "A", "id": "\x00"}), "rungs.2.names.id"),
    ("a rung that is a number", _changed(2) | {"rungs": [5, 6]}, "rungs.0"),
    ("a single rung", _changed(2) | {"rungs": _changed(2)["rungs"][:1]}, "rungs"),
    ("no ladder at all", ["rungs"], ""),
]


@pytest.mark.parametrize(("data", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_ladder_is_refused_at_its_place(data: Any, path: str) -> None:
    with pytest.raises(BadRule) as refused:
        parse(data)
    assert refused.value.path == path
