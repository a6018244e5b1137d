"""The steps of a series as the builder shows them: a form for each, its title, and how they branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from campaigns.schema import STEPS, AnyStep
from campaigns.steps import EXIT
from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning import goods_picker, series_words
from plugin_server.web.campaigning import mail_fields as campaign_mail_fields
from plugin_server.web.campaigning import steps as campaign_steps
from plugin_server.web.campaigning.fields import Fields
from plugin_server.web.campaigning.form import Form, Option, rule_draft
from plugin_server.web.ladder import rule_form
from plugin_server.web.words import Words

_STEP: Final[TypeAdapter[Any]] = TypeAdapter(AnyStep)
RULED: Final = ("condition", "goal")


@dataclass(frozen=True)
class StepForm:
    """One step: its own form, what it is called, where it may lead, and whether it is shown open."""

    place: int
    kind: str
    key: str
    title: str
    words: str
    form: Form
    targets: list[Option]
    open: bool

    @property
    def name(self) -> str:
        """What people call it: its number, its kind and what it does."""
        said = f"{self.place + 1}. {self.title}"
        return f"{said}: {self.words}" if self.words else said


@dataclass(frozen=True)
class Branch:
    """A step in the picture of the form; ``ways`` are the answers of a question, each with what comes after it.

    ``back`` is a step that was shown before, or one that all answers come to: the way goes on there.
    """

    step: StepForm | None = None
    ways: list[tuple[str, list[Branch]]] = field(default_factory=list)
    back: StepForm | None = None


def of_form(connection: Connection, form: Form, words: Words, open_at: int = -1) -> list[StepForm]:
    """The steps of a builder's form; none where it is one mail."""
    if form.v("shape") != "series":
        return []
    steps = campaign_steps.each(form.given)
    rules = rule_form.builders(
        connection,
        {f"s{n}.r": rule_draft(own) for n, own in enumerate(steps) if own["kind"] in RULED},
        words,
        form.rungs,
    )
    said = campaign_steps.read_steps(form.given, (), words.language)[0]
    parts = [_part(connection, form, f"s{n}.", _beside(n, own, steps), words) for n, own in enumerate(steps)]
    bare = [_step(n, own, parts[n], said[n], rules, words) for n, own in enumerate(steps)]
    return [
        replace(one, targets=_targets(one, bare, words), open=one.place == open_at or bool(one.form.faults))
        for one in bare
    ]


def _beside(place: int, own: Fields, steps: Sequence[Fields]) -> Fields:
    """A mail with the kind of the offer before it, so that letters with a place for its code come first."""
    if own["kind"] != "message":
        return own
    made = own.copy()
    made["offer.kind"] = next(
        (one.get("offer.kind", "") for one in reversed(steps[:place]) if one["kind"] == "offer"), ""
    )
    return made


def _step(
    place: int, own: Fields, form: Form, document: Mapping[str, Any], rules: Mapping[str, rule_form.Builder],
    words: Words,
) -> StepForm:  # fmt: skip
    mine = replace(form, rule=rules.get(f"{form.at}r", form.rule))
    title = words(f"series.kind_{own['kind']}")
    return StepForm(place, own["kind"], own.get("key", ""), title, _said(document, form, words), mine, [], False)


def _said(document: Mapping[str, Any], form: Form, words: Words) -> str:
    """What a step does; nothing while it is unfinished."""
    try:
        return series_words.does(_STEP.validate_python(document), words, form.currency)
    except ValidationError:
        return ""


def _targets(step: StepForm, steps: Sequence[StepForm], words: Words) -> list[Option]:
    """Where it may lead, by name: the step after it, any other one, or out."""
    others = [(one.key, one.name if len(one.name) < 70 else f"{one.name[:69]}…") for one in steps if one is not step]
    return [("", words("steps.following")), *others, (EXIT, words("steps.out"))]


def variants(connection: Connection, form: Form, words: Words) -> list[Form]:
    """A form for each variant that is tried against the others; none in a series."""
    if form.v("shape") == "series":
        return []
    versions = enumerate(campaign_steps.marked(form.given, "v"))
    return [_part(connection, form, f"v{place}.", _begun(own, form.given), words) for place, own in versions]


def _begun(own: Fields, campaign: Fields) -> Fields:
    """A variant's own mails and offer, each beginning with the campaign's where nothing is written yet."""
    made = own.copy()
    starts = [f"message.{language}." for language in LANGUAGES] + ["offer."]
    missing = tuple(start for start in starts if not any(name.startswith(start) for name in own))
    for name, value in campaign.items(multi=True):
        if missing and name.startswith(missing):
            made.add(name, value)
    return made


def _part(connection: Connection, form: Form, at: str, own: Fields, words: Words) -> Form:
    """The form of a part whose fields begin with ``at``, with its own faults."""
    faults = {name.removeprefix(at): fault for name, fault in form.faults.items() if name.startswith(at)}
    if at[:-1] in form.faults:
        faults[""] = form.faults[at[:-1]]
    mails = {language: campaign_mail_fields.of_language(own, language) for language in LANGUAGES}
    goods = goods_picker.pickers(connection, own, words, at)
    return replace(form, given=own, at=at, faults=faults, mails=mails, goods=goods)


def kinds(words: Words) -> list[Option]:
    """All kinds of steps with their names."""
    return [(kind, words(f"series.kind_{kind}")) for kind in STEPS]


def picture(steps: Sequence[StepForm], words: Words) -> list[Branch]:
    """The steps as nested lists: below a question each answer with its own steps, up to where the ways meet."""
    return _Walk(steps, words).from_step(0, None) if steps else []


class _Walk:
    """From step to step, by place; what was shown once is only named when a way comes to it again."""

    def __init__(self, steps: Sequence[StepForm], words: Words) -> None:
        self.steps, self.words = steps, words
        self.place = {one.key: one.place for one in reversed(steps)}
        self.shown = set[int]()

    def _to(self, place: int, name: str) -> int | None:
        told = self.steps[place].form.v(name)
        if told == EXIT or self.steps[place].kind == EXIT:
            return None
        return self.place.get(told) if told in self.place else place + 1 if place + 1 < len(self.steps) else None

    def _ways(self, place: int) -> list[int | None]:
        names = ("then", "else") if self.steps[place].kind == "condition" else ("next",)
        return [self._to(place, name) for name in names]

    def _reached(self, place: int | None) -> set[int]:
        found, open_ = set[int](), [place]
        while open_:
            one = open_.pop()
            if one is not None and one not in found:
                found.add(one)
                open_ += self._ways(one)
        return found

    def _meeting(self, ways: Sequence[int | None]) -> int | None:
        """The first step that both answers may come to."""
        both = self._reached(ways[0]) & self._reached(ways[1])
        reached = cache(lambda place: self._reached(place) - {place})
        return next((one for one in sorted(both) if not any(one in reached(other) for other in both)), None)

    def from_step(self, place: int | None, until: int | None) -> list[Branch]:
        made: list[Branch] = []
        while place is not None and place != until:
            step = self.steps[place]
            if place in self.shown:
                return [*made, Branch(back=step)]
            self.shown.add(place)
            ways = self._ways(place)
            if len(ways) == 1:
                made.append(Branch(step))
                place = ways[0]
                continue
            meeting = self._meeting(ways)
            labels = (self.words("series.yes"), self.words("series.no"))
            below = [self.from_step(way, meeting) for way in ways]
            back = self.steps[meeting] if meeting is not None else None
            made.append(Branch(step, list(zip(labels, below, strict=True)), back))
            place = meeting
        return made
