"""Fields of the points form for what some shops want: more on a rung, more for a category, rewards in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from campaigns.points.program import ForAmount, Program, Reward
from plugin_server.locales import LANGUAGES
from plugin_server.web.typed import plain
from plugin_server.web.typed import shown as number

MOST: Final = 40


def shown(program: Program, language: str) -> dict[str, str]:
    """Fields of the multipliers (``times_<rung>``) and of the rules for categories, by their place."""
    fields = {f"times_{one.rung}": number(one.times, language) for one in program.multipliers}
    for place, rule in enumerate(_of_categories(program)):
        fields |= {
            f"category_name_{place}": rule.category or "",
            f"category_points_{place}": str(rule.points),
            f"category_per_{place}": number(rule.per, language),
        }
    return fields


def _of_categories(program: Program) -> list[ForAmount]:
    return [rule for rule in program.earn if isinstance(rule, ForAmount) and rule.category]


def rungs(form: Mapping[str, str]) -> list[str]:
    """The rungs with a multiplier of their own; an empty field is the usual number of points."""
    return [name.removeprefix("times_") for name, said in form.items() if name.startswith("times_") and said.strip()]


def multipliers(form: Mapping[str, str], language: str) -> list[dict[str, Any]]:
    """The multipliers that the form says."""
    return [{"rung": rung, "times": plain(form[f"times_{rung}"], language)} for rung in rungs(form)]


def places(form: Mapping[str, str]) -> list[int]:
    """Where rules for categories stand; what is half filled in is one, so that it is asked about."""
    parts = ("name", "points", "per")
    return [place for place in range(MOST) if any(form.get(f"category_{part}_{place}", "").strip() for part in parts)]


def categories(form: Mapping[str, str], language: str) -> list[dict[str, Any]]:
    """Rules for categories, in the order of their places."""
    return [
        {
            "kind": "amount",
            "category": form.get(f"category_name_{place}", "").strip(),
            "points": plain(form.get(f"category_points_{place}", ""), language),
            "per": plain(form.get(f"category_per_{place}", ""), language),
        }
        for place in places(form)
    ]


def rows(form: Mapping[str, str]) -> int:
    """How many rules for categories the form shows; one empty row comes after them."""
    return min(max(places(form), default=-1) + 2, MOST)


def name_fields(place: int, reward: Reward, main: str) -> dict[str, str]:
    """A reward's names: that in the shop's own language without a suffix, the others with theirs."""
    others = {name: said for name, said in reward.name.items() if name not in LANGUAGES}
    fields = {f"reward_name_{place}_{lang}": reward.name.get(lang, "") for lang in LANGUAGES if lang != main}
    return {**fields, f"reward_name_{place}": reward.called(main), f"reward_names_{place}": json.dumps(others)}


def one_line(form: Mapping[str, str], name: str) -> str:
    """What stands in a field, with single spaces between its words."""
    return " ".join(form.get(name, "").split())


def names(form: Mapping[str, str], place: int, main: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The names of one reward by language; the shop's own is what everybody else reads."""
    said = {lang: one_line(form, f"reward_name_{place}_{lang}") for lang in LANGUAGES if lang != main}
    first = {main: one_line(form, f"reward_name_{place}")}
    return {**first, **kept, **{lang: name for lang, name in said.items() if name}}
