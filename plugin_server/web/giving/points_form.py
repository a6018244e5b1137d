"""The programme as a form: what earns, what it buys; what has no field is kept as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from campaigns.points.program import ACTIONS, ForAction, ForAmount, Program, Reward, parse_program
from campaigns.schema import BadCampaign
from plugin_server.web.giving import points_rules
from plugin_server.web.giving.points_rules import number as _number

PLAIN = ("since", "pending_days", "expires_days", "point_value")
MOST_REWARDS = 100


def shown(program: Program | None, today: date, main: str) -> dict[str, str]:
    """The form's fields for a programme, or a sensible beginning without one; ``main`` is the shop's own language."""
    if program is None:
        return {"since": today.isoformat(), "pending_days": "14", "expires_days": "365", "points": "1", "kept": "{}"}
    plain = next((rule for rule in program.earn if isinstance(rule, ForAmount) and rule.category is None), None)
    fields = {
        "since": program.since.isoformat(),
        "pending_days": str(program.pending_days),
        "expires_days": "" if program.expires_days is None else str(program.expires_days),
        "point_value": _number(program.point_value),
        "points": str(plain.points) if plain else "",
        "per": _number(plain.per) if plain else "",
    }
    fields |= {f"action_{rule.action}": str(rule.points) for rule in program.earn if isinstance(rule, ForAction)}
    for place, reward in enumerate(program.rewards):
        fields |= _reward_fields(place, reward) | points_rules.name_fields(place, reward, main)
    fields |= points_rules.shown(program)
    return fields | {"kept": json.dumps(_kept(program))}


def _kept(program: Program) -> dict[str, Any]:
    """What has no field: how the liability is reckoned, and when people are warned."""
    whole = program.model_dump(mode="json")
    return {name: whole[name] for name in ("name", "warn_days", "expected_redemption", "include_shipping")}


def _reward_fields(place: int, reward: Reward) -> dict[str, str]:
    return {
        f"reward_key_{place}": reward.key,
        f"reward_points_{place}": str(reward.points),
        f"reward_kind_{place}": reward.kind,
        f"reward_value_{place}": "" if reward.value is None else _number(reward.value),
        f"reward_minimum_{place}": "" if reward.minimum is None else _number(reward.minimum),
        f"reward_days_{place}": str(reward.valid_days),
        f"reward_stock_{place}": "" if reward.stock is None else str(reward.stock),
    }


def read(form: Mapping[str, str], main: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A programme's document from the form, and faults by field where the form alone shows them."""
    kept = _json(form.get("kept", ""))
    earn = points_rules.categories(form)
    if form.get("points") or form.get("per"):
        earn.insert(0, {"kind": "amount", "points": form.get("points", ""), "per": form.get("per", "")})
    earn += [
        {"kind": "action", "action": action, "points": form[f"action_{action}"].strip()}
        for action in ACTIONS
        if form.get(f"action_{action}", "").strip()
    ]
    faults = {} if earn else {"per": "points.nothing_earns"}
    document = kept | {name: form.get(name, "").strip() for name in PLAIN}
    document |= {"earn": earn, "rewards": _rewards(form, main), "multipliers": points_rules.multipliers(form)}
    document["expires_days"] = document["expires_days"] or None
    return document, faults


def _rewards(form: Mapping[str, str], main: str) -> list[dict[str, Any]]:
    found = []
    for place in range(MOST_REWARDS):
        name, points = form.get(f"reward_name_{place}", "").strip(), form.get(f"reward_points_{place}", "").strip()
        # What was kept before goes by emptying its name and points; of a new one, half a reward is not dropped unsaid.
        worth = "" if form.get(f"reward_key_{place}") else form.get(f"reward_value_{place}", "").strip()
        if name or points or worth:
            found.append(_reward(form, place, name, points, main))
    return found


def _reward(form: Mapping[str, str], place: int, name: str, points: str, main: str) -> dict[str, Any]:
    def given(field: str) -> str | None:
        return form.get(f"reward_{field}_{place}", "").strip() or None

    names = points_rules.names(form, place, main, _json(given("names") or ""))
    key = given("key") or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or f"reward-{place + 1}"
    kind = given("kind") or "fixed"
    return {
        "key": key,
        "name": names,
        "points": points,
        "kind": kind,
        "value": None if kind == "free_shipping" else given("value"),
        "minimum": given("minimum"),
        "valid_days": given("days") or "60",
        "stock": given("stock"),
    }


def checked(document: dict[str, Any]) -> Program:
    """The programme. Raises ``BadCampaign``."""
    return parse_program(document)


def faults_of(error: BadCampaign, document: Mapping[str, Any]) -> dict[str, str]:
    """Problems by the form's field, as keys of phrases: which field it was is said, what is wrong in one phrase."""
    found = {}
    for problem in error.problems:
        parts = problem.path.split(".")
        field = {"earn": "per", "multipliers": "times"}.get(parts[0], parts[0])
        if field == "per" and parts[1:] and "category" in document["earn"][int(parts[1])]:
            field = "category"
        known = (*PLAIN, "per", "category", "rewards", "times")
        found[field] = f"points.bad_{field}" if field in known else "points.bad_per"
    return found


def is_amount(given: str) -> bool:
    """A whole number of points to give or take that a ledger can hold."""
    return bool(re.fullmatch(r"[+-]?[1-9][0-9]{0,8}", given.strip()))


def _json(given: str) -> dict[str, Any]:
    try:
        found = json.loads(given)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
