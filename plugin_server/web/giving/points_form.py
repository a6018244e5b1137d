"""The programme as a form: what earns, what it buys; what has no field is kept as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from campaigns.points.program import ACTIONS, ForAction, ForAmount, Program, Reward, parse_program
from connectors.types import Money, minor_units
from plugin_server.web.giving import points_rules
from plugin_server.web.giving.points_rules import one_line
from plugin_server.web.typed import plain
from plugin_server.web.typed import shown as number

MOST_REWARDS = 100
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
LONGEST_NAME = 100


BACK: Final = Decimal("0.05")
"""The share of what somebody spends that a first programme gives back in rewards."""
FIRST_REWARD: Final = 100
"""Points that the reward of a first programme costs: those of about two orders."""


def begun(today: date, order: Money, off: Callable[[Money], str], language: str) -> dict[str, str]:
    """The fields of a first programme, to be changed as one likes.

    ``order`` is the average one, ``off`` names a reward by its amount. The reward gives ``BACK`` of what earned its
    points. A shop without orders gets no sums. ``language`` is that of whoever looks: numbers are written in its form.
    """
    made = {"since": today.isoformat(), "pending_days": "14", "expires_days": "365", "points": "1", "kept": "{}"}
    if order.minor <= 0:
        return made
    per = _round(order.amount * 2 / FIRST_REWARD)
    worth = per * FIRST_REWARD * BACK
    return made | {
        "per": number(per, language),
        "point_value": number(per * BACK, language),
        "reward_name_0": off(Money(minor_units(worth, order.currency), order.currency)),
        "reward_points_0": str(FIRST_REWARD),
        "reward_kind_0": "fixed",
        "reward_value_0": number(worth, language),
    }


def _round(amount: Decimal) -> Decimal:
    """The nearest of 1, 2, 5, 10, 20, 50 … that people reckon with: 6,099 gives 5,000."""
    unit = Decimal(1).scaleb(amount.adjusted())
    return (
        next(step for step, below in ((1, 1.5), (2, 3.5), (5, 7.5), (10, 11)) if amount < unit * Decimal(below)) * unit
    )


def shown(program: Program, main: str, language: str) -> dict[str, str]:
    """The form's fields for a programme; ``main`` is the shop's own language, ``language`` that of whoever looks."""
    spent = next((rule for rule in program.earn if isinstance(rule, ForAmount) and rule.category is None), None)
    fields = {
        "since": program.since.isoformat(),
        "pending_days": str(program.pending_days),
        "expires_days": "" if program.expires_days is None else str(program.expires_days),
        "point_value": number(program.point_value, language),
        "points": str(spent.points) if spent else "",
        "per": number(spent.per, language) if spent else "",
    }
    fields |= {f"action_{rule.action}": str(rule.points) for rule in program.earn if isinstance(rule, ForAction)}
    for place, reward in enumerate(program.rewards):
        fields |= _reward_fields(place, reward, language) | points_rules.name_fields(place, reward, main)
    return fields | points_rules.shown(program, language) | {"kept": json.dumps(_kept(program))}


def _kept(program: Program) -> dict[str, Any]:
    """What has no field: how the liability is reckoned, and when people are warned."""
    whole = program.model_dump(mode="json")
    return {name: whole[name] for name in ("name", "warn_days", "expected_redemption", "include_shipping")}


def _reward_fields(place: int, reward: Reward, language: str) -> dict[str, str]:
    return {
        f"reward_key_{place}": reward.key,
        f"reward_points_{place}": str(reward.points),
        f"reward_kind_{place}": reward.kind,
        f"reward_value_{place}": number(reward.value, language),
        f"reward_minimum_{place}": number(reward.minimum, language),
        f"reward_days_{place}": str(reward.valid_days),
        f"reward_stock_{place}": "" if reward.stock is None else str(reward.stock),
    }


def read(form: Mapping[str, str], main: str, language: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A programme's document from the form, and faults by field where the form alone shows them."""
    earn = [
        {"kind": "amount", "points": plain(form.get("points", ""), language), "per": _number(form, "per", language)}
    ]
    earn = (earn if by_amount(form) else []) + points_rules.categories(form, language)
    earn += [
        {"kind": "action", "action": action, "points": plain(form[f"action_{action}"], language)}
        for action in actions(form)
    ]
    faults = {} if earn else {"per": "points.nothing_earns"}
    if not _is_day(since := form.get("since", "").strip()):
        faults["since"] = "points.bad_since"
    document = _json(form.get("kept", "")) | {
        "since": since,
        "pending_days": form.get("pending_days", "").strip(),
        "expires_days": form.get("expires_days", "").strip() or None,
        "point_value": _number(form, "point_value", language),
        "earn": earn,
        "rewards": [_reward(form, place, main, language) for place in reward_places(form)],
        "multipliers": points_rules.multipliers(form, language),
    }
    faults |= {
        f"category_name_{place}": "points.bad_category"
        for place in points_rules.places(form)
        if not form.get(f"category_name_{place}", "").strip()
    }
    return document, faults | _unnamed(form)


def by_amount(form: Mapping[str, str]) -> bool:
    """Whether what people spend earns points."""
    return bool(form.get("points", "").strip() or form.get("per", "").strip())


def actions(form: Mapping[str, str]) -> list[str]:
    """What is done for points."""
    return [action for action in ACTIONS if form.get(f"action_{action}", "").strip()]


def _number(form: Mapping[str, str], name: str, language: str) -> str:
    return plain(form.get(name, ""), language)


def _is_day(given: str) -> bool:
    try:
        return EARLIEST <= date.fromisoformat(given) <= LATEST
    except ValueError:
        return False


def reward_places(form: Mapping[str, str]) -> list[int]:
    """Where rewards stand in the form."""
    found = []
    for place in range(MOST_REWARDS):
        name, points = form.get(f"reward_name_{place}", "").strip(), form.get(f"reward_points_{place}", "").strip()
        # What was kept before goes by emptying its name and points; of a new one, half a reward is not dropped unsaid.
        worth = "" if form.get(f"reward_key_{place}") else form.get(f"reward_value_{place}", "").strip()
        if name or points or worth:
            found.append(place)
    return found


def _unnamed(form: Mapping[str, str]) -> dict[str, str]:
    """Rewards that nobody could call anything, and names that fit no card."""
    faults = {}
    for place in reward_places(form):
        if not one_line(form, f"reward_name_{place}"):
            faults[f"reward_name_{place}"] = "points.bad_reward_name"
        for name in (one for one in form if re.fullmatch(rf"reward_name_{place}(_[a-z]{{2}})?", one)):
            if len(one_line(form, name)) > LONGEST_NAME:
                faults[name] = "points.bad_reward_name"
    return faults


def _reward(form: Mapping[str, str], place: int, main: str, language: str) -> dict[str, Any]:
    def given(field: str) -> str | None:
        return form.get(f"reward_{field}_{place}", "").strip() or None

    def amount(field: str) -> str | None:
        return _number(form, f"reward_{field}_{place}", language) or None

    name = one_line(form, f"reward_name_{place}")
    kind = given("kind") or "fixed"
    return {
        "key": given("key") or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or f"reward-{place + 1}",
        "name": points_rules.names(form, place, main, _json(given("names") or "")),
        "points": amount("points"),
        "kind": kind,
        "value": None if kind == "free_shipping" else amount("value"),
        "minimum": amount("minimum"),
        "valid_days": given("days") or "60",
        "stock": amount("stock"),
    }


def checked(document: dict[str, Any]) -> Program:
    """The programme. Raises ``BadCampaign``."""
    return parse_program(document)


def is_amount(given: str) -> bool:
    """A whole number of points to give or take that a ledger can hold."""
    return bool(re.fullmatch(r"[+-]?[1-9][0-9]{0,8}", given.strip()))


def _json(given: str) -> dict[str, Any]:
    try:
        found = json.loads(given)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
