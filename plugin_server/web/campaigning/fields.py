"""A campaign as the flat fields of a form and back: most fields are named by their path in the schema.

``fields_of`` and ``document_of`` know nothing of pages. What the form has no field for is kept from the campaign that
the form began with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from campaigns.ladder import draft, rules
from campaigns.ladder.rules import BadRule
from campaigns.schema import Problem
from campaigns.triggers import OF_RUNG
from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning.mail_fields import read_wording, wording_fields
from plugin_server.web.campaigning.offer_fields import offer_fields, read_offer
from plugin_server.web.campaigning.steps import read_steps, step_fields
from plugin_server.web.campaigning.variants import part_of_one, percent, read_variants, variant_fields
from plugin_server.web.typed import plain

Fields = MultiDict[str, str]
Pairs = list[tuple[str, str]]
GUARDS: Final = {
    "quiet_hours": ("from", "to"), "frequency_cap": ("messages", "days"), "discount_share": ("most", "orders"),
    "discount_fatigue": ("codes", "days"),
}  # fmt: skip
"""Guards with parts, which a tick switches on."""


def fields_of(document: Mapping[str, Any]) -> Fields:
    """The fields of a campaign as ``schema.dump`` gives it, with all defaults."""
    made: Pairs = [("name", document.get("name", ""))]
    made += _trigger_fields(document["trigger"])
    made += _audience_fields(document["audience"])
    made += offer_fields(document.get("offer"))
    for language, wording in (document.get("message") or {}).items():
        if language in LANGUAGES:
            made += [("message.languages", language), *wording_fields(language, wording)]
    if document.get("steps"):
        again = document.get("again_after_days")
        made += [("shape", "series"), ("again_after_days", str(again or "")), *step_fields(document["steps"])]
    made += guard_fields(document["guards"])
    measure = document["measure"]
    made += [("measure.goal", measure["goal"]), ("measure.window_days", str(measure["window_days"]))]
    made.append(("measure.holdout", percent(measure["holdout"])))
    return MultiDict([*made, *variant_fields(measure.get("variants") or ())])


def _trigger_fields(trigger: Mapping[str, Any]) -> Pairs:
    kind = trigger["kind"]
    made: Pairs = [("trigger.kind", kind), ("trigger.at", clock(trigger.get("at")))]
    if kind == "holiday":
        made.append(("trigger.holiday", trigger["holiday"]))
        for days in trigger["offsets_days"]:
            made += [("trigger.offsets_days", str(abs(days))), ("trigger.side", "after" if days > 0 else "before")]
    elif kind == "recurring":
        made += [("trigger.every", trigger["every"]), (f"trigger.on_{trigger['every']}", str(trigger["on"]))]
    elif kind == "event":
        days = trigger["after_days"]
        made += [("trigger.event", trigger["event"]), ("trigger.after_days", str(abs(days)))]
        made.append(("trigger.after_side", "before" if days < 0 else "after"))
        made += [(f"trigger.{name}", str(trigger[name])) for name in ("nth", "rung") if trigger.get(name) is not None]
    elif trigger.get("day"):
        made.append(("trigger.day", trigger["day"]))
    return made


def _audience_fields(audience: Mapping[str, Any]) -> Pairs:
    rungs, rule = audience["rungs"], audience.get("rule")
    made: Pairs = [("audience.whom", "all" if rungs == "all" else "some"), ("audience.topic", audience["topic"])]
    made += [] if rungs == "all" else [("audience.rungs", key) for key in rungs]
    if isinstance(rule, str):
        return [*made, ("audience.narrow", "segment"), ("audience.segment", rule)]
    if rule is None:
        return [*made, ("audience.narrow", "")]
    flat = draft.fields(draft.of(rules.parse(rule)))
    return [*made, ("audience.narrow", "rule"), *((name, value) for name, values in flat.items() for value in values)]


def guard_fields(guards: Mapping[str, Any]) -> Pairs:
    """The fields of the guards as ``schema.dump`` gives them."""
    made: Pairs = [("guards.priority", str(guards["priority"])), ("guards.in_doubt", guards["in_doubt"])]
    made.append(("guards.stacking", guards["stacking"]))
    made += [("guards.margin_floor", "1")] if guards["margin_floor"] else []
    made += [("guards.margin_reason", guards["margin_reason"])] if guards["margin_reason"] else []
    for guard, parts in GUARDS.items():
        if guards[guard] is not None:
            made.append((f"guards.{guard}", "1"))
            told = {"most": percent}
            made += [(f"guards.{guard}.{part}", told.get(part, clock)(guards[guard][part])) for part in parts]
    return made


def clock(value: Any) -> str:
    """``09:00`` of ``09:00:00``; other values as text, nothing for None."""
    return "" if value is None else re.sub(r"^(\d\d:\d\d):00$", r"\1", str(value))


def document_of(given: Fields, base: Mapping[str, Any], language: str) -> tuple[dict[str, Any], list[Problem]]:
    """Plain data for ``schema.parse``, and what could not even be read.

    ``base`` is the campaign's data the form began with (``{}`` for none); numbers are read as people of ``language``
    write them.
    """
    made: dict[str, Any] = deepcopy(dict(base))
    made["name"] = " ".join(given.get("name", "").split())
    made["trigger"] = _trigger(given, base.get("trigger") or {})
    made["audience"], problems = _audience(given, base.get("audience") or {})
    problems += _shape(made, given, base, language)
    made["guards"] = read_guards(given, base.get("guards") or {}, language)
    made["measure"] = {
        **(base.get("measure") or {}),
        "goal": given.get("measure.goal", ""),
        "window_days": given.get("measure.window_days", ""),
        "holdout": part_of_one(plain(given.get("measure.holdout", ""), language)),
        "variants": read_variants(given, (base.get("measure") or {}).get("variants") or (), language),
    }
    return made, problems


def _shape(made: dict[str, Any], given: Fields, base: Mapping[str, Any], language: str) -> list[Problem]:
    """Puts the steps of a series into ``made``, or the one mail with its offer; gives what could not be read."""
    for name in ("message", "offer", "steps", "again_after_days"):
        made.pop(name, None)
    if given.get("shape") == "series":
        made["steps"], problems = read_steps(given, base.get("steps") or (), language)
        made["again_after_days"] = given.get("again_after_days", "").strip() or None
        return problems
    made["offer"] = read_offer(given, base.get("offer"), language)
    made["message"] = {key: text for key, text in (base.get("message") or {}).items() if key not in LANGUAGES}
    for code in LANGUAGES:
        if code in given.getlist("message.languages"):
            made["message"][code] = read_wording(given, code, (base.get("message") or {}).get(code) or {})
    return []


def _trigger(given: Fields, base: Mapping[str, Any]) -> dict[str, Any]:
    kind = given.get("trigger.kind", "")
    made: dict[str, Any] = {"kind": kind, "at": given.get("trigger.at") or "09:00"}
    if kind == "holiday":
        sides = given.getlist("trigger.side")
        days = zip(given.getlist("trigger.offsets_days"), [*sides, *["before"] * 20], strict=False)
        offsets = [signed(day, side == "before") for day, side in days if day.strip()]
        return made | {"holiday": given.get("trigger.holiday", ""), "offsets_days": offsets or ["0"]}
    if kind == "recurring":
        every = given.get("trigger.every", "")
        on = given.get(f"trigger.on_{every}") or str(base.get("on", 1))
        return made | {"every": every, "on": on if every != "day" else str(base.get("on", 1))}
    if kind == "event":
        before = given.get("trigger.after_side") == "before"
        event = given.get("trigger.event", "")
        made |= {"event": event, "after_days": signed(given.get("trigger.after_days") or "0", before)}
        wanted = [name for name, events in EVENT_PARTS.items() if event in events]
        return made | {name: given[f"trigger.{name}"] for name in wanted if given.get(f"trigger.{name}")}
    return made | ({"day": given["trigger.day"]} if kind == "once" and given.get("trigger.day") else {})


EVENT_PARTS: Final = {"nth": ("nth_order",), "rung": OF_RUNG}
"""What some events take besides, and which."""


def signed(days: str, before: bool) -> str:
    """So many days before are a negative number of days after."""
    bare = days.strip().lstrip("-")
    return f"-{bare}" if before and bare.strip("0") else bare


def _audience(given: Fields, base: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    made: dict[str, Any] = {**base, "rule": None, "topic": given.get("audience.topic") or "promotions"}
    made["rungs"] = "all" if given.get("audience.whom") == "all" else given.getlist("audience.rungs")
    narrow = given.get("audience.narrow", "")
    if narrow == "segment":
        made["rule"] = given.get("audience.segment") or None
    if narrow == "rule":
        try:
            made["rule"] = rules.as_json(draft.rule(draft.settled(draft.read(given.to_dict(flat=False)))))
        except BadRule as error:
            return made, [Problem("audience.rule", str(error))]
    if narrow == "segment" and made["rule"] is None:
        return made, [Problem("audience.segment", "Choose a segment, or nobody is left out by one.")]
    return made, []


def read_guards(given: Fields, base: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Plain data for ``schema.parse``; ``base`` are the guards that the form began with."""
    made: dict[str, Any] = {**base, "priority": given.get("guards.priority") or "5"}
    made["in_doubt"] = given.get("guards.in_doubt") or "give_up"
    made["stacking"] = given.get("guards.stacking") or base.get("stacking") or "alone"
    off = False if base.get("margin_floor") is False else None
    made["margin_reason"] = given.get("guards.margin_reason", "").strip() or None
    made["margin_floor"] = True if "guards.margin_floor" in given else off
    for guard, parts in GUARDS.items():
        on = f"guards.{guard}" in given
        made[guard] = {part: given.get(f"guards.{guard}.{part}", "") for part in parts} if on else None
    if made["discount_share"]:
        made["discount_share"]["most"] = part_of_one(plain(made["discount_share"]["most"], language))
    return made
