"""Between the composer's form and the blocks of a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from campaigns.mail import blocks
from campaigns.mail.letters import letter, letter_parts
from campaigns.schema import BadCampaign, Campaign, Wording, dump, parse
from plugin_server.web.words import Words

KINDS = tuple(blocks.KINDS)
ROWS = 9
"""Products of a grid that the form offers."""


@dataclass(frozen=True)
class Draft:
    """What stands in the form: subject, preheader, the parts as plain values, or the source of an expert."""

    subject: str = ""
    preheader: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""
    kind: str = "blocks"
    subjects: tuple[str, ...] = ()


SUBJECTS = ("b", "c", "d")
"""Keys of the variants that have a subject of their own; ``a`` has that of the mail."""


@dataclass(frozen=True)
class Field:
    """One field of a part: ``shape`` is line, lines, tick or products."""

    name: str
    shape: str


def fields(kind: str) -> list[Field]:
    """The fields of a part, in their order."""
    model = blocks.KINDS[kind]
    return [Field(name, _shape(model, name)) for name in model.model_fields if name != "kind"]


def _shape(model: Any, name: str) -> str:
    if name == "products":
        return "products"
    if model.model_fields[name].annotation is bool:
        return "tick"
    return "lines" if name in model.long else "line"


def of_wording(message: Mapping[str, Wording], language: str, *, offered: bool = True) -> Draft:
    """What is saved in a language; where there is nothing yet, a copy of another language to translate.

    A ready letter is there in every language, as parts whose words can be changed; its code where there is an offer.
    """
    found = message.get(language) or next(iter(message.values()))
    if found.recipe:
        ready = found if language in message else letter(found.recipe, language)
        return Draft(ready.subject, ready.preheader, [*letter_parts(found.recipe, language, code=offered)])
    if found.blocks:
        parts = [block.model_dump(mode="json") for block in found.blocks]
        return Draft(found.subject, found.preheader, parts)
    kind = "mjml" if found.mjml else "html"
    return Draft(found.subject, found.preheader, [], found.mjml or found.html or "", kind)


def tries_subjects(campaign: Campaign) -> bool:
    """Whether the composer may hold its subjects against each other: not where a file tries something else."""
    own = {key: key != "a" for key in ("a", *SUBJECTS)}
    return not campaign.steps and all(
        own.get(one.key) == bool(one.subject) and not one.message and not one.offer for one in campaign.measure.variants
    )


def of_campaign(campaign: Campaign, language: str) -> Draft:
    """``of_wording`` with the subjects that are tried against the first one."""
    known = {one.key: one.subject.get(language, "") for one in campaign.measure.variants}
    draft = of_wording(campaign.message, language, offered=campaign.offer is not None)
    own = language in campaign.message
    return replace(draft, subjects=tuple(known.get(key, "") if own else "" for key in SUBJECTS))


def of_form(form: MultiDict[str, str]) -> Draft:
    """The form as it was sent, however wrong."""
    count = min(form.get("count", 0, type=int) or 0, blocks.MOST)
    parts = [_part(form, place) for place in range(count)]
    return Draft(
        form.get("subject", ""),
        form.get("preheader", ""),
        [part for part in parts if part],
        form.get("source", "").replace("\r\n", "\n"),
        form.get("kind", "blocks"),
        tuple(form.get(f"subject_{key}", "").strip() for key in SUBJECTS),
    )


def _part(form: MultiDict[str, str], place: int) -> dict[str, Any]:
    kind = form.get(f"b{place}.kind", "")
    if kind not in blocks.KINDS:
        return {}
    made: dict[str, Any] = {"kind": kind}
    for one in fields(kind):
        name = f"b{place}.{one.name}"
        if one.shape == "tick":
            made[one.name] = name in form
        elif one.shape == "products":
            made[one.name] = _products(form, name)
        elif form.get(name):
            made[one.name] = form[name].replace("\r\n", "\n")
    return made


def _products(form: MultiDict[str, str], name: str) -> list[dict[str, str]]:
    rows = []
    for row in range(ROWS):
        told = {key: form.get(f"{name}.{row}.{key}", "").strip() for key in blocks.Product.model_fields}
        if any(told.values()):
            rows.append(told)
    return rows


def moved(draft: Draft, act: str) -> Draft:
    """After ``add:KIND``, ``up:N``, ``down:N``, ``remove:N`` or ``as:blocks|mjml|html``; anything else leaves it."""
    verb, _, given = act.partition(":")
    parts = list(draft.parts)
    if verb == "add" and given in blocks.KINDS and len(parts) < blocks.MOST:
        parts.append({"kind": given})
    elif verb == "as" and given in ("blocks", "mjml", "html"):
        return replace(draft, kind=given)
    elif given.isdigit() and int(given) < len(parts):
        place = int(given)
        if verb == "remove":
            del parts[place]
        elif verb == "up" and place:
            parts[place - 1], parts[place] = parts[place], parts[place - 1]
        elif verb == "down" and place + 1 < len(parts):
            parts[place + 1], parts[place] = parts[place], parts[place + 1]
    return replace(draft, parts=parts)


def campaign(old: Campaign, language: str, draft: Draft) -> Campaign:
    """The campaign with this wording in one language. Raises ``BadCampaign``."""
    document = dump(old)
    wording: dict[str, Any] = {"subject": draft.subject, "preheader": draft.preheader}
    wording |= {"blocks": draft.parts} if draft.kind == "blocks" else {draft.kind: draft.source}
    document["message"][language] = wording
    if tries_subjects(old):
        document["measure"]["variants"] = _variants(old, language, draft)
    return parse(document)


def _variants(old: Campaign, language: str, draft: Draft) -> list[dict[str, Any]]:
    """Subjects against each other, in equal parts unless a file says otherwise; none where there is but one."""
    known = {one.key: one for one in old.measure.variants}
    subjects = {key: {**(known[key].subject if key in known else {})} for key in SUBJECTS}
    for key, subject in zip(SUBJECTS, draft.subjects, strict=False):
        subjects[key].pop(language, None)
        subjects[key] |= {language: subject} if subject else {}
    used = [key for key in SUBJECTS if subjects[key]]
    if not used:
        return []
    keys = ["a", *used]
    shares = {key: one.share for key, one in known.items()} if keys == list(known) else {}
    return [{"key": key, "subject": subjects.get(key, {}), "share": shares.get(key)} for key in keys]


def by_field(error: BadCampaign, language: str, words: Words) -> dict[str, str]:
    """Faults of the mail in ``language`` by their field in the form; what belongs to none stands under ``other``."""
    found: dict[str, str] = {}
    for problem in error.problems:
        path = problem.path.removeprefix(f"message.{language}").removeprefix(".").split(".")
        name = "other"
        if path[0] == "blocks" and len(path) > 2 and path[1].isdigit():
            name = ".".join([f"b{path[1]}", *path[3:]])
        elif path[0] in ("subject", "preheader"):
            name = path[0]
        elif problem.path.startswith("measure"):
            name = "subjects"
        sentence = words.why(problem.sentence)
        found[name] = f"{found[name]} {sentence}" if name in found else sentence
    return found
