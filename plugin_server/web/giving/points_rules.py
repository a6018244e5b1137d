"""Fields of the points form for what some shops want: more on a rung, more for a category, rewards in each language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from campaigns.points.program import ForAmount, Program, Reward
from plugin_server.locales import LANGUAGES

MOST: Final = 40


def shown(program: Program | None) -> dict[str, str]:
    """Fields of the multipliers (``times_<rung>``) and of the rules for categories, by their place."""
    fields = {f"times_{one.rung}": number(one.times) for one in program.multipliers} if program else {}
    for place, rule in enumerate(_of_categories(program)):
        fields |= {
            f"category_name_{place}": rule.category or "",
            f"category_points_{place}": str(rule.points),
            f"category_per_{place}": number(rule.per),
        }
    return fields


def _of_categories(program: Program | None) -> list[ForAmount]:
    return [rule for rule in program.earn if isinstance(rule, ForAmount) and rule.category] if program else []


def multipliers(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The multipliers that the form says; an empty field is the usual number of points."""
    given = {name.removeprefix("times_"): said.strip() for name, said in form.items() if name.startswith("times_")}
    return [{"rung": rung, "times": said} for rung, said in given.items() if said]


def categories(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rules for categories; what is half filled in is kept, so that it is asked about."""
    found = []
    for place in range(MOST):
        name, points, per = (form.get(f"category_{part}_{place}", "").strip() for part in ("name", "points", "per"))
        if name or points or per:
            found.append({"kind": "amount", "category": name, "points": points, "per": per})
    return found


def rows(form: Mapping[str, str]) -> int:
    """How many rules for categories the form shows; one empty row comes after them."""
    parts = ("name", "points", "per")
    filled = [place for place in range(MOST) if any(form.get(f"category_{part}_{place}") for part in parts)]
    return min(max(filled, default=-1) + 2, MOST)


def name_fields(place: int, reward: Reward, main: str) -> dict[str, str]:
    """A reward's names: that in the shop's own language without a suffix, the others with theirs."""
    others = {name: said for name, said in reward.name.items() if name not in LANGUAGES}
    fields = {f"reward_name_{place}_{lang}": reward.name.get(lang, "") for lang in LANGUAGES if lang != main}
    return {**fields, f"reward_name_{place}": reward.called(main), f"reward_names_{place}": json.dumps(others)}


def names(form: Mapping[str, str], place: int, main: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The names of one reward by language; the shop's own is what everybody else reads."""
    said = {lang: form.get(f"reward_name_{place}_{lang}", "").strip() for lang in LANGUAGES if lang != main}
    first = {main: form.get(f"reward_name_{place}", "").strip()}
    return {**first, **kept, **{lang: name for lang, name in said.items() if name}}


def number(value: Any) -> str:
    """As a field shows it: without zeros at the end."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
