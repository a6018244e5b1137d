"""The shop's ladder as a form: rungs with names and rules, moved about by buttons, and back to a ladder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from campaigns.ladder import draft
from campaigns.ladder.draft import Draft
from campaigns.ladder.ladders import Ladder, Review, Rung, dated
from campaigns.ladder.presets import PRESETS
from campaigns.ladder.public import read_as
from campaigns.ladder.rules import BadRule, Rule, canonical
from plugin_server.web import zeros

LANGUAGES = ("en", "id", "nl")
MOST = 20


@dataclass(frozen=True, slots=True)
class RungForm:
    """One rung as typed; ``name`` is the root of its rule's fields, such as ``g3``. The lowest has no rule."""

    name: str
    key: str
    names: dict[str, str]
    rule: Draft | None
    shown: dict[str, str] = field(default_factory=dict)

    def read(self, language: str) -> str:
        """What customers read in a language while nothing is typed for them, "" for a rung without a name."""
        name = self.names.get(language) or self.names.get("en", "")
        return self.shown.get("en") or read_as(name, language)


@dataclass(frozen=True, slots=True)
class LadderForm:
    """The whole form, from the lowest rung up."""

    title: str
    rungs: tuple[RungForm, ...]
    every: str = ""
    grace_days: str = "30"
    fault: str = ""
    faulty: str = field(default="")


def of(ladder: Ladder) -> LadderForm:
    """The form of a ladder."""
    rungs = tuple(
        RungForm(f"g{index}", rung.key, dict(rung.names), draft.of(rung.rule) if rung.rule else None, dict(rung.shown))
        for index, rung in enumerate(ladder.rungs)
    )
    review = ladder.review
    return LadderForm(ladder.name, rungs, review.every if review else "", str(review.grace_days) if review else "30")


def sent(form: Any) -> LadderForm:
    """The form as it was sent, after the button ``do`` was pressed.

    ``fault`` says in English where a rule is, or would become, too large: then the button has done nothing.
    """
    form, broken = zeros.taken_out(form)
    what, _, where = form.get("do", "").partition(":")
    if what == "preset" and form.get("preset") in PRESETS:
        return of(PRESETS[form["preset"]])
    fields = form.to_dict(flat=False)
    numbers = [name for name in form.getlist("rung") if re.fullmatch(r"g\d{1,4}", name)][:MOST]
    made = LadderForm(form.get("title", "")[:80], (), form.get("every", ""), form.get("grace_days", "30")[:5])
    for place, name in enumerate(numbers):
        rung, bad = _rung(fields, form, name, lowest=place == 0)
        zero = BadRule(name, zeros.SENTENCE) if any(re.match(rf"{name}[-.]", one) for one in broken) else None
        made = _faulty(replace(made, rungs=(*made.rungs, rung)), name, bad or zero)
    if made.fault:
        return made
    try:
        return replace(made, rungs=_pressed(made.rungs, what, where))
    except BadRule as bad:
        return _faulty(made, where.partition(".")[0] or made.rungs[-1].name, bad)


def _faulty(made: LadderForm, name: str, bad: BadRule | None) -> LadderForm:
    return replace(made, fault=bad.problem, faulty=name) if bad else made


def _rung(fields: draft.Fields, form: Any, name: str, *, lowest: bool) -> tuple[RungForm, BadRule | None]:
    names, shown = (
        {lang: form.get(f"{name}-{kind}-{lang}", "")[:60] for lang in LANGUAGES} for kind in ("name", "shown")
    )
    rule, bad = None, None
    try:
        rule = None if lowest else draft.read(fields, name)
        if rule is not None:
            draft.measured(rule)
    except BadRule as found:
        rule, bad = draft.EMPTY, found
    if rule is not None and not rule.is_group:
        rule = draft.EMPTY
    return RungForm(name, form.get(f"{name}-key", "")[:40], names, rule, shown), bad


def _pressed(rungs: tuple[RungForm, ...], what: str, where: str) -> tuple[RungForm, ...]:
    """A rung moved, taken out or put on top; or a rule's group changed."""
    root = where.partition(".")[0]
    place = next((place for place, rung in enumerate(rungs) if rung.name == root), None)
    if what == "new":
        if len(rungs) >= MOST:
            raise BadRule("", "A ladder has two to twenty rungs.")
        number = max((int(rung.name[1:]) for rung in rungs), default=0) + 1
        return (*rungs, RungForm(f"g{number}", "", dict.fromkeys(LANGUAGES, ""), draft.EMPTY))
    if place is None:
        return rungs
    rung, rest = rungs[place], [*rungs[:place], *rungs[place + 1 :]]
    if what == "drop" and place > 0:
        return tuple(rest)
    if what in ("up", "down") and place > 0:
        goal = min(max(1, place + (1 if what == "up" else -1)), len(rest))
        return (*rest[:goal], rung, *rest[goal:])
    if what in ("add", "group", "remove") and rung.rule is not None:
        return (*rungs[:place], replace(rung, rule=draft.edited(rung.rule, what, where)), *rungs[place + 1 :])
    return rungs


def finished(form: LadderForm, current: Ladder) -> Ladder:
    """The ladder of a form. Raises ``BadRule``: its path is a rung's name in the form, or ``grace_days``.

    A rung whose rule is as before keeps the evidence that dated it.
    """
    keys: list[str] = []
    rungs = []
    for number, one in enumerate(form.rungs):
        names, shown = _typed(one.names), _typed(one.shown)
        if "en" not in names:
            raise BadRule(one.name, "Give the rung an English name; other languages fall back to it.")
        rule = None if one.rule is None else draft.rule(draft.settled(one.rule), one.name)
        keys.append(_key(one.key, names["en"], number, keys))
        rungs.append(_evidenced(Rung(key=keys[-1], names=names, shown=shown, rule=rule, since=dated(rule)), current))
    try:
        review = Review.model_validate({"every": form.every, "grace_days": form.grace_days}) if form.every else None
        return Ladder(name=form.title.strip() or "own", rungs=tuple(rungs), review=review)
    except ValidationError as error:
        place = "grace_days" if "grace_days" in str(error) else form.rungs[-1].name if form.rungs else ""
        raise BadRule(place, str(error.errors()[0]["msg"])) from error


def _typed(names: dict[str, str]) -> dict[str, str]:
    return {lang: " ".join(name.split()) for lang, name in names.items() if name.strip()}


def _evidenced(rung: Rung, current: Ladder) -> Rung:
    for known in (current, *PRESETS.values()):
        if rung.key in known.keys and _same(known.rung(rung.key).rule, rung.rule):
            return rung.model_copy(update={"since": known.rung(rung.key).since, "rule": known.rung(rung.key).rule})
    return rung


def _same(one: Rule | None, other: Rule | None) -> bool:
    return (one and canonical(one)) == (other and canonical(other))


def _key(given: str, name: str, number: int, taken: list[str]) -> str:
    made = given or re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:30]
    made = made if re.match(r"[a-z]", made) else f"rung_{number}"
    return made if made not in taken else f"{made}_{number}"
