"""The steps of a series as flat fields: ``s0.``, ``s1.`` … stand before the names that each step has of its own.

A mail and an offer in a step have the fields they have in a campaign without steps, so that one form serves both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from campaigns.ladder import draft, rules
from campaigns.ladder.rules import BadRule
from campaigns.schema import STEPS, Problem
from campaigns.steps import EXIT, MOST_STEPS
from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning.mail_fields import read_wording, wording_fields
from plugin_server.web.campaigning.offer_fields import offer_fields, read_offer

Fields = MultiDict[str, str]
Pairs = list[tuple[str, str]]
Loose = Mapping[str, Any]
OWN: Final = re.compile(r"([sv])(\d{1,2})\.(.*)", re.DOTALL)
"""A field of a step (``s``) or of a variant (``v``): which of the two, its place, and the name within."""
LINES: Final[dict[str, tuple[str, ...]]] = {
    "wait": ("days", "hours"), "until": ("at", "weekday", "date", "zone"), "condition": ("then", "else"),
    "message": ("topic",), "offer": (), "tag": ("tag",), "task": ("title", "note"), "webhook": ("url",),
    "goal": ("on", "days"), "exit": (),
}  # fmt: skip
"""The plain fields of each kind beside its key, and beside where it goes on."""
ENDS: Final = ("condition", EXIT)
"""Kinds without ``next``."""
FRESH: Final[dict[str, dict[str, str]]] = {
    "wait": {"days": "3"}, "until": {"at": "09:00", "zone": "customer"}, "condition": {"else": EXIT},
    "offer": {"offer.kind": "percentage", "offer.percentage.value": "10", "offer.valid_days": "14"},
    "goal": {"on": "order", "days": "14"},
}  # fmt: skip
"""What a step that was just added begins with."""
ASKED: Final = {"r.kind": "all", "r.0.fact": "orders", "r.0.op": ">=", "r.0.value": "2"}


def step_fields(steps: Sequence[Loose]) -> Pairs:
    """The fields of steps as ``schema.dump`` gives them."""
    return [(f"s{place}.{name}", value) for place, step in enumerate(steps) for name, value in _own(step)]


def _own(step: Loose) -> Pairs:
    made: Pairs = [("kind", step["kind"]), ("key", step["key"])]
    for name in (*LINES[step["kind"]], "next"):
        value = step.get(name)
        if value is not None and (name, value) != ("hours", 0):
            made.append((name, re.sub(r"^(\d\d:\d\d):00$", r"\1", str(value))))
    if step["kind"] == "until":
        made.append(("day", next((name for name in ("weekday", "date") if step.get(name) is not None), "")))
    if step.get("remove"):
        made.append(("remove", "1"))
    if step.get("rule"):
        flat = draft.fields(draft.of(rules.parse(step["rule"])))
        made += [(name, value) for name, values in flat.items() for value in values]
    for language, wording in (step.get("message") or {}).items():
        if language in LANGUAGES:
            made += [("message.languages", language), *wording_fields(language, wording)]
    return made + (offer_fields(step["offer"]) if "offer" in step else [])


def marked(given: Fields, mark: str) -> list[Fields]:
    """The fields of every part with a mark, without what stands before them, in their order."""
    found: dict[int, Pairs] = {}
    for name, value in given.items(multi=True):
        if (own := OWN.match(name)) and own[1] == mark:
            found.setdefault(int(own[2]), []).append((own[3], value))
    return [MultiDict(found[place]) for place in sorted(found)]


def with_marked(given: Fields, mark: str, parts: Iterable[Fields]) -> Fields:
    """The same form with other parts in the place of those with a mark."""
    kept = [pair for pair in given.items(multi=True) if not ((own := OWN.match(pair[0])) and own[1] == mark)]
    made = [(f"{mark}{n}.{name}", value) for n, one in enumerate(parts) for name, value in one.items(multi=True)]
    return MultiDict([*kept, *made])


def each(given: Fields) -> list[Fields]:
    """The fields of every step."""
    return [own for own in marked(given, "s") if own.get("kind") in STEPS][: MOST_STEPS + 1]


def with_steps(given: Fields, steps: Iterable[Fields]) -> Fields:
    """The same form with other steps."""
    return with_marked(given, "s", steps)


def read_steps(given: Fields, base: Sequence[Loose], language: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Plain data for the schema, and what could not be read. What has no field is kept of the step with its key."""
    known = {(step["kind"], step["key"]): step for step in base}
    made: list[dict[str, Any]] = []
    problems = list[Problem]()
    for place, own in enumerate(each(given)):
        step = _read(own, known.get((own["kind"], own.get("key", "")), {}), language)
        if own["kind"] == "condition" or (own["kind"] == "goal" and own.get("on") == "rule"):
            try:
                step["rule"] = rules.as_json(draft.rule(draft.settled(draft.read(own.to_dict(flat=False)))))
            except BadRule as error:
                problems.append(Problem(f"steps.{place}.rule", str(error)))
                step["rule"] = {"kind": "cmp", "fact": "orders", "op": ">=", "value": 1}
        made.append(step)
    return made, problems


def _read(own: Fields, base: Loose, language: str) -> dict[str, Any]:
    kind = own["kind"]
    made: dict[str, Any] = {"kind": kind, "key": own.get("key", "")}
    for name in (*LINES[kind], *(() if kind in ENDS else ("next",))):
        if (value := own.get(name, "").strip()) and not _unasked(own, name):
            made[name] = value
    if kind == "tag":
        made["remove"] = "remove" in own
    if kind == "message":
        old = base.get("message") or {}
        made["message"] = {name: text for name, text in old.items() if name not in LANGUAGES}
        for code in own.getlist("message.languages"):
            if code in LANGUAGES:
                made["message"][code] = read_wording(own, code, old.get(code) or {})
    if kind == "offer" and (offer := read_offer(own, base.get("offer"), language)):
        made["offer"] = offer
    return made


def _unasked(own: Fields, name: str) -> bool:
    """A day of the week beside a date, or the other way round: the choice ``day`` says which of them is meant."""
    day = own.get("day")
    return day is not None and name in ("weekday", "date") and day != name


def edited(given: Fields, do: str) -> Fields:
    """The fields after ``step:add:KIND:PLACE`` or ``step:up|down|remove:PLACE``; anything else leaves them."""
    _, act, *told = [*do.split(":"), "", ""]
    steps, where = each(given), next((int(one) for one in reversed(told) if one.isdecimal()), -1)
    if act == "add" and told[0] in STEPS and 0 <= where <= len(steps) <= MOST_STEPS:
        steps.insert(where, _fresh(told[0], steps))
    elif act in ("up", "down") and 0 <= where < len(steps):
        other = where + (1 if act == "down" else -1)
        if 0 <= other < len(steps):
            steps[where], steps[other] = steps[other], steps[where]
    elif act == "remove" and 0 <= where < len(steps) and len(steps) > 1:
        gone = steps.pop(where)
        follows = steps[where].get("key", EXIT) if where < len(steps) else EXIT
        steps = [_led_past(one, gone, gone.get("next") or gone.get("then") or follows) for one in steps]
    return with_steps(given, steps)


def _fresh(kind: str, steps: Sequence[Fields]) -> Fields:
    taken = {one.get("key") for one in steps}
    stem = "end" if kind == EXIT else kind
    key = next(name for n in range(1, 200) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
    made: Fields = MultiDict({"kind": kind, "key": key, **FRESH.get(kind, {})})
    if kind in ("condition", "goal"):
        made.update(ASKED)
    if kind == "message":
        told = next((one.getlist("message.languages") for one in steps if one["kind"] == "message"), list(LANGUAGES))
        made.setlist("message.languages", told)
        made.update({f"message.{code}.body": "blocks" for code in told})
    return made


def _led_past(step: Fields, gone: Fields, to: str) -> Fields:
    """Whoever was led to a step that is no more goes on where it led."""
    made = step.copy()
    for name in ("next", "then", "else"):
        if gone.get("key") and made.get(name) == gone["key"]:
            made[name] = to
    return made


def opened(given: Fields, do: str) -> int:
    """Which step a button was about, so that it stays open; -1 for none."""
    if own := re.match(r"(?:\w+:)?s(\d{1,2})\.", do):
        return int(own[1])
    if do.startswith("step:"):
        where = int(last) if (last := do.rpartition(":")[2]).isdecimal() else -1
        return where + {"up": -1, "down": 1, "remove": -99}.get(do.split(":")[1], 0)
    return int(last) if (last := given.get("open", "")).isdecimal() else -1


def inside(do: str) -> tuple[str, int, str]:
    """A button within a step or a variant, as (mark, place, what it does there).

    Such as ``s2.part:en:add:hero`` and ``add:s2.r.0``; the mark is empty for any other button.
    """
    if own := OWN.match(do):
        return own[1], int(own[2]), own[3]
    if own := re.fullmatch(r"(add|group|remove):s(\d{1,2})\.(.*)", do):
        return "s", int(own[2]), f"{own[1]}:{own[3]}"
    return "", -1, do


def as_series(given: Fields) -> Fields:
    """A mail with its offer as the first steps of a series."""
    offer = [(name, value) for name, value in given.items(multi=True) if name.startswith("offer.")]
    mail = [(name, value) for name, value in given.items(multi=True) if name.startswith("message.")]
    made: list[Fields] = []
    if given.get("offer.kind"):
        made.append(MultiDict([("kind", "offer"), ("key", "offer"), *offer]))
    made.append(MultiDict([("kind", "message"), ("key", "message"), *mail]))
    kept = [pair for pair in given.items(multi=True) if pair not in offer and pair not in mail]
    return with_steps(MultiDict(kept), made)


def as_mail(given: Fields) -> Fields:
    """The first mail and the first offer of a series as those of a campaign without steps."""
    found = {kind: own for own in reversed(each(given)) if (kind := own["kind"]) in ("offer", "message")}
    told = [
        pair for own in found.values() for pair in own.items(multi=True) if pair[0].startswith(("offer.", "message."))
    ]
    return MultiDict([*with_steps(given, ()).items(multi=True), *told])


def mails(given: Fields) -> list[tuple[int, Fields]]:
    """The mails among the steps of a form, by their place; none where it is no series."""
    steps = each(given) if given.get("shape") == "series" else []
    return [(place, own) for place, own in enumerate(steps) if own["kind"] == "message"]


def alone(given: Fields, place: int) -> Fields:
    """The mail of the step at a place and the offer before it, as a campaign without steps: to be looked at."""
    steps = each(given)
    offers = [own for own in steps[:place] if own["kind"] == "offer"]
    told = [
        pair
        for own in (*offers[-1:], steps[place])
        for pair in own.items(multi=True)
        if pair[0].startswith(("offer.", "message."))
    ]
    rest = [
        (name, value)
        for name, value in with_steps(given, ()).items(multi=True)
        if name != "shape" and not name.startswith(("offer.", "message."))
    ]
    return MultiDict([*rest, *told])
