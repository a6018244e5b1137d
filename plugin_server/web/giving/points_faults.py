"""Which field of the points form a fault of its programme stands at, and what it says there."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.schema import BadCampaign
from plugin_server.web.giving import points_form, points_rules

PLAIN = ("since", "pending_days", "expires_days", "point_value")
OF_REWARD = {"valid_days": "days"}
"""Parts of a reward whose field is called otherwise."""


def at_fields(error: BadCampaign, form: Mapping[str, str]) -> dict[str, str]:
    """Faults by field, as keys of phrases. What is wrong with no field of its own stands at the rewards as a whole."""
    earning, rewards, rungs = _earning(form), points_form.reward_places(form), points_rules.rungs(form)
    found: dict[str, str] = {}
    for problem in error.problems:
        top, *rest = problem.path.split(".")
        place, part = int(rest[0]) if rest and rest[0].isdigit() else None, rest[1] if len(rest) > 1 else ""
        if top in PLAIN:
            found[top] = f"points.bad_{top}"
        elif top == "earn" and place is not None:
            field = earning[place].get(part or "points", next(iter(earning[place].values())))
            found[field] = f"points.bad_{_kind(field)}"
        elif top == "multipliers" and place is not None:
            found[f"times_{rungs[place]}"] = "points.bad_times"
        elif top == "rewards" and place is not None:
            part = OF_REWARD.get(part, part or "value")
            found[f"reward_{part}_{rewards[place]}"] = f"points.bad_reward_{part}"
        else:
            found |= _same_names(form, rewards) if top == "rewards" else {"per": "points.bad_per"}
    return found


def _earning(form: Mapping[str, str]) -> list[dict[str, str]]:
    """The fields of each rule that earns points, in the order of the document."""
    spent = [{"points": "points", "per": "per"}] if points_form.by_amount(form) else []
    shelves = [
        {"category": f"category_name_{n}", "points": f"category_points_{n}", "per": f"category_per_{n}"}
        for n in points_rules.places(form)
    ]
    return [*spent, *shelves, *({"points": f"action_{action}"} for action in points_form.actions(form))]


def _kind(field: str) -> str:
    return "category" if field.startswith("category_name") else "per" if "per" in field.split("_") else "points"


def _same_names(form: Mapping[str, str], rewards: list[int]) -> dict[str, str]:
    """The later ones of rewards that are called alike: their names are what tells them apart."""
    seen: set[str] = set()
    found = {}
    for place in rewards:
        name = points_rules.one_line(form, f"reward_name_{place}").casefold()
        if name in seen:
            found[f"reward_name_{place}"] = "points.same_name"
        seen.add(name)
    return found or {"rewards": "points.same_name"}
