"""What a campaign is: one strict shape for pages, API and YAML files, with errors that name the place and the mend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from campaigns.file_words import MEND, Plain, mended
from campaigns.guard_terms import Guards
from campaigns.ladder import rules
from campaigns.ladder.rules import Rule
from campaigns.mail.blocks import MOST, Block
from campaigns.mail.kinds import LETTERS
from campaigns.offers.offer import KINDS
from campaigns.offers.offer import Offer as Offer  # noqa: PLC0414 - part of what a campaign is
from campaigns.parts import Part
from campaigns.series import Series, offer_before
from campaigns.series_check import Fault, faults, keyed
from campaigns.steps import PlainStep, Step
from campaigns.triggers import Trigger

MAX_FILE: Final = 512_000
LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a campaign: the path of the field, and a sentence that says how to mend it."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class BadCampaign(ValueError):
    """A campaign that cannot be saved or run; ``problems`` holds all that is wrong, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


SegmentKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]


class Audience(Part):
    """Whom it is for: rungs (``all`` or keys) and a rule; only those with consent to ``topic`` are written to.

    ``rule`` is a rule of its own, or the key of a saved segment.
    """

    rungs: Literal["all"] | tuple[str, ...] = "all"
    rule: Rule | SegmentKey | None = None
    topic: str = Field(default="promotions", pattern=r"^[a-z0-9_-]{1,60}$")

    @field_validator("rule", mode="before")
    @classmethod
    def _meant(cls, value: object) -> object:
        return rules.parse(value) if isinstance(value, Mapping) else value

    @field_validator("rungs")
    @classmethod
    def _some(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if value == ():
            raise ValueError("no rung is chosen; name some, or write all")
        return value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("must be one line")
    return value


Subject = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_one_line)]


class Wording(Part):
    """The mail in one language: a subject, and its body as blocks, MJML, HTML, or the template of a recipe."""

    subject: Subject
    preheader: Annotated[str, Field(max_length=300), AfterValidator(_one_line)] = ""
    mjml: str | None = Field(default=None, max_length=256_000)
    html: str | None = Field(default=None, max_length=256_000)
    blocks: tuple[Block, ...] | None = Field(default=None, min_length=1, max_length=MOST)
    recipe: str | None = None

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, value: str | None) -> str | None:
        if value and value not in LETTERS:
            raise ValueError(f"there is no recipe {value!r}; known are {', '.join(LETTERS)}")
        return value

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        given = [name for name in ("blocks", "mjml", "html", "recipe") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise ValueError(f"give the body as one of blocks, mjml, html or recipe; found {found}")
        return self


def _which(given: object) -> str:
    return "none" if isinstance(given, str) else "own"


OtherOffer = Annotated[Annotated[Offer, Tag("own")] | Annotated[Literal["none"], Tag("none")], Discriminator(_which)]


class Variant(Part):
    """One of the wordings or offers that are tried against each other. What it leaves out is the campaign's.

    ``share`` is its part of those written to; with none given, all have equal parts. ``offer`` replaces the campaign's,
    ``none`` takes it away. ``subject`` is another subject, by language, of the mail that it has.
    """

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,19}$")
    share: Decimal | None = Field(default=None, gt=0, lt=1)
    message: dict[str, Wording] = Field(default_factory=dict)
    subject: dict[str, Subject] = Field(default_factory=dict)
    offer: OtherOffer | None = None


class Measure(Part):
    """How it will be judged: goal, days from the start, and the share that gets nothing so that there is a comparison.

    ``holdout`` is the whole share held out of this campaign; the merchant's lasting holdout is always part of it.
    ``variants``, two to four, share the others among them.
    """

    goal: Literal["order", "climb"] = "order"
    window_days: int = Field(default=14, ge=1, le=365)
    holdout: Decimal = Field(default=Decimal(0), ge=0, le=Decimal("0.9"))
    variants: tuple[Variant, ...] = ()

    @field_validator("variants")
    @classmethod
    def _comparable(cls, value: tuple[Variant, ...]) -> tuple[Variant, ...]:
        keys, shares = [one.key for one in value], [one.share for one in value if one.share is not None]
        if len(value) not in (0, 2, 3, 4):
            raise ValueError(f"a comparison takes 2 to 4 variants, not {len(value)}")
        if len(set(keys)) < len(keys):
            raise ValueError("two variants have the same key; give each its own")
        if shares and len(shares) < len(value):
            raise ValueError("give each variant a share, or none of them")
        if shares and sum(shares) != 1:
            raise ValueError(f"the shares come to {sum(shares)}; they are to come to 1")
        return value


def _spoken(value: dict[str, Wording]) -> dict[str, Wording]:
    for language in value:
        if not LANGUAGE.fullmatch(language):
            raise ValueError(f"{language!r} is not a language; write it as en, id or nl")
    return value


class MessageStep(Step):
    """A mail of a series, by language. It shows the code of the offer before it, if there is one.

    ``topic`` is what readers must have said yes to; that of the audience where it is left out.
    """

    kind: Literal["message"]
    message: dict[str, Wording] = Field(min_length=1)
    topic: str | None = Field(default=None, pattern=r"^[a-z0-9_-]{1,60}$")

    _languages = field_validator("message")(_spoken)


class OfferStep(Step):
    """Makes a personal code, which the next messages show."""

    kind: Literal["offer"]
    offer: Offer


STEPS: Final = ("wait", "until", "condition", "message", "offer", "tag", "task", "webhook", "goal", "exit")
AnyStep = Annotated[PlainStep | MessageStep | OfferStep, Field(discriminator="kind")]


class Campaign(Part):
    """A whole campaign. ``message`` holds the mail by language (``en``, ``id``, ``nl`` …).

    A series has ``steps`` instead of message and offer. Somebody who was in it enters anew ``again_after_days`` after
    their last entry at the earliest; never where that is null.
    """

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")
    name: str = Field(default="", max_length=200)
    trigger: Trigger
    audience: Audience = Audience()
    offer: Offer | None = None
    message: dict[str, Wording] = Field(default_factory=dict, min_length=1)
    steps: tuple[AnyStep, ...] = ()
    again_after_days: int | None = Field(default=None, ge=1, le=3650)
    guards: Guards = Field(default_factory=Guards)
    measure: Measure = Measure()

    _languages = field_validator("message")(_spoken)
    _keyed = field_validator("steps")(keyed)

    @model_validator(mode="after")
    def _wording_fits(self) -> Self:
        for one in (None, *self.measure.variants):
            told = self.told(one.key) if one else self
            if misfit := _misfit(told.message, told.offer):
                raise ValueError(f"variant {one.key}: {misfit}" if one else misfit)
        return self

    @model_validator(mode="after")
    def _one_mail_or_a_series(self) -> Self:
        if not self.steps:
            if not self.message:
                raise _at([(("message",), "is missing; add it, or steps for a series")])
            return self
        beside = [name for name in ("message", "offer") if getattr(self, name)]
        found: list[Fault] = [((name,), f"a series has its {name} in its steps; take this one out") for name in beside]
        if found := [*found, *faults(self.steps)] or list(_misfits(self.steps)):
            raise _at(found)
        return self

    @model_validator(mode="after")
    def _variants_fit(self) -> Self:
        if self.steps and self.measure.variants:
            raise ValueError("a series cannot have variants; take them out, or try two mails without steps first")
        for one in self.measure.variants:
            if strange := sorted({*one.message, *one.subject} - set(self.message)):
                sentence = f"variant {one.key} is written in {', '.join(strange)}, the campaign is not; write both in"
                raise ValueError(f"{sentence} the same languages")
            if one.offer not in (None, "none") and getattr(one.offer, "budget", None) is not None:
                raise ValueError(f"variant {one.key}: the budget belongs to the campaign's own offer; give it there")
        told = [(one.key, self.told(one.key)) for one in self.measure.variants]
        for place, (key, mine) in enumerate(told):
            for other, theirs in told[:place]:
                if mine.message == theirs.message and mine.offer == theirs.offer:
                    sentence = f"variants {other} and {key} are the same; give one another subject, mail or offer"
                    raise ValueError(sentence)
        return self

    def told(self, variant: str) -> Campaign:
        """The campaign as readers of a variant get it; the campaign itself for ``""``.

        Raises ``KeyError`` for a variant that it does not have.
        """
        if not variant:
            return self
        one = {known.key: known for known in self.measure.variants}[variant]
        offer = self.offer if one.offer is None else None if one.offer == "none" else one.offer
        if offer is not None and self.offer is not None:
            offer = offer.model_copy(update={"budget": self.offer.budget})
        message = self.message | one.message
        message |= {
            language: message[language].model_copy(update={"subject": subject})
            for language, subject in one.subject.items()
            if language in message
        }
        return self.model_copy(update={"message": message, "offer": offer})

    @property
    def told_apart(self) -> dict[str, Campaign]:
        """What each group of readers gets, by variant; ``""`` alone where nothing is tried against anything."""
        keys = [one.key for one in self.measure.variants] or [""]
        return {key: self.told(key) for key in keys}

    @property
    def offers(self) -> bool:
        """Whether any of its readers are given something."""
        return any(told.offer is not None for told in self.told_apart.values())

    @property
    def shares(self) -> dict[str, Decimal]:
        """The part that each variant has of those written to; nothing without variants."""
        count = len(self.measure.variants)
        return {one.key: one.share or Decimal(1) / count for one in self.measure.variants}

    @property
    def title(self) -> str:
        """The name, or the key where there is none."""
        return self.name or self.key


def _misfit(message: dict[str, Wording], offer: Offer | None) -> str | None:
    for item in message.values():
        if item.recipe and LETTERS[item.recipe] != (offer.kind if offer else None):
            place = LETTERS[item.recipe] or "no offer"
            return f"the recipe {item.recipe} speaks of {place}; give that, or write the mail yourself"
    return None


def _misfits(steps: tuple[AnyStep, ...]) -> Iterator[Fault]:
    series = Series(steps)
    for place, step in enumerate(steps):
        if isinstance(step, MessageStep) and (misfit := _misfit(step.message, offer_at(series, step.key))):
            yield (("steps", place, "message"), misfit)


def offer_at(series: Series, key: str) -> Offer | None:
    """The offer whose code everybody holds who comes to a step; None without one."""
    held = next(iter(offer_before(series, key) - {None}), None)
    offer: Offer | None = series.by_key[held].offer if held else None
    return offer


def _at(found: list[Fault]) -> ValidationError:
    """Faults of a whole campaign at the places where they are mended."""
    lines = [
        InitErrorDetails(type=PydanticCustomError("series", "{said}", {"said": said}), loc=loc, input=None)
        for loc, said in found
    ]
    return ValidationError.from_exception_data("Campaign", lines)


def parse(document: object) -> Campaign:
    """A checked campaign from plain data. Raises ``BadCampaign`` with every problem."""
    if not isinstance(document, Mapping):
        raise BadCampaign((Problem("", "A campaign is a mapping with key, trigger and message."),))
    try:
        return Campaign.model_validate(document)
    except ValidationError as error:
        found = [_problem(item) for item in error.errors(include_url=False)]
        raise BadCampaign(tuple(_without_echoes(found))) from error


def read_yaml(text: str) -> Campaign:
    """A checked campaign from a YAML file. Raises ``BadCampaign``, with line and column where it is no YAML."""
    if len(text) > MAX_FILE:
        raise BadCampaign((Problem("", f"The file is larger than {MAX_FILE // 1000} kB."),))
    try:
        return parse(yaml.load(text, Plain))  # noqa: S506 - a SafeLoader without aliases
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadCampaign((Problem(place, f"This is not YAML: {error.problem}."),)) from error
    except RecursionError as error:
        raise BadCampaign((Problem("", "The file is nested too deeply; five levels are enough."),)) from error
    except yaml.YAMLError as error:
        raise BadCampaign((Problem("", f"This is not YAML: {error}."),)) from error


def dump(campaign: Campaign) -> dict[str, Any]:
    """The campaign as JSON-ready data that ``parse`` reads back."""
    made = campaign.model_dump(mode="json", by_alias=True)
    for name in ("message", "offer") if campaign.steps else ("steps", "again_after_days"):
        del made[name]
    return made


def _without_echoes(found: list[Problem]) -> list[Problem]:
    """Without "needs at least one" for a list of which each element was refused just before."""
    return [
        one
        for one in found
        if "needs at least" not in one.sentence or not any(other.path.startswith(f"{one.path}.") for other in found)
    ]


def _of_offer(item: Any, path: str) -> tuple[str, str]:
    """The path without the kind in it, which nobody wrote there, and a sentence where the kind itself is at fault."""
    if item["type"] == "union_tag_not_found":
        return f"{path}.kind", f"is missing; write one of {', '.join(KINDS)}."
    if item["type"] == "union_tag_invalid":
        return f"{path}.kind", f"there is no such kind; write one of {', '.join(KINDS)}."
    return re.sub(rf"\boffer\.({'|'.join(KINDS)})\b\.?", "offer.", path, count=1).rstrip("."), ""


def _problem(item: Any) -> Problem:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] != "series":
        path = re.sub(rf"^(steps\.\d+)\.({'|'.join(STEPS)})\b", r"\1", path)
    if path.startswith("trigger."):
        path = re.sub(r"^trigger\.(once|holiday|recurring|event)\b\.?", "trigger.", path).rstrip(".")
    path = re.sub(r"\.(tuple\[[^\]]*\]|literal\[[^\]]*\])(\.|,.*)?", r"\2", path).rstrip(".")
    path = re.sub(r"^(measure\.variants\.\d+\.offer)\.(own|none)\b", r"\1", path)
    if re.match(r"(steps\.\d+\.|measure\.variants\.\d+\.)?offer\b", path):
        path, sentence = _of_offer(item, path)
        if sentence:
            return Problem(path, sentence)
    elif path.startswith("steps.") and item["type"].startswith("union_tag"):
        return Problem(path, f"needs a kind of step: {', '.join(STEPS)}.")
    sentence = MEND.get(item["type"]) or mended(item) or item["msg"].removeprefix("Value error, ")
    return Problem(path, sentence[0].lower() + sentence[1:] + ("" if sentence.endswith(".") else "."))
