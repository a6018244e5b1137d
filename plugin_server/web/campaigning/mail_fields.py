"""The mail of one language as flat fields: subject, preheader, and a body of one of four kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from campaigns.mail.letters import letter_parts
from plugin_server.web.campaigning import composer_form

BODIES: Final = ("blocks", "mjml", "html")
"""Bodies that a person writes; ``recipe:KEY`` is the fourth kind."""


def wording_fields(language: str, wording: Mapping[str, Any]) -> list[tuple[str, str]]:
    """``message.en.subject`` and so on; parts as ``message.en.b0.kind`` …"""
    at = f"message.{language}"
    made = [(f"{at}.subject", wording["subject"]), (f"{at}.preheader", wording.get("preheader") or "")]
    if wording.get("recipe"):
        return [*made, (f"{at}.body", f"recipe:{wording['recipe']}")]
    if wording.get("blocks"):
        return [*made, (f"{at}.body", "blocks"), *part_fields(at, wording["blocks"])]
    kind = "mjml" if wording.get("mjml") else "html"
    return [*made, (f"{at}.body", kind), (f"{at}.source", wording.get(kind) or "")]


def part_fields(at: str, parts: Any) -> list[tuple[str, str]]:
    """The parts of a mail as the composer's fields, under ``at``."""
    made = [(f"{at}.count", str(len(parts)))]
    for place, part in enumerate(parts):
        name = f"{at}.b{place}"
        made.append((f"{name}.kind", part["kind"]))
        for field in composer_form.fields(part["kind"]):
            value = part.get(field.name)
            if field.shape == "products":
                rows = enumerate(value or ())
                made += [(f"{name}.products.{row}.{key}", one[key]) for row, one in rows for key in one if one[key]]
            elif field.shape == "tick":
                made += [(f"{name}.{field.name}", "1")] if value else []
            elif value:
                made.append((f"{name}.{field.name}", str(value)))
    return made


def of_language(given: MultiDict[str, str], language: str) -> composer_form.Draft:
    """What stands in the fields of one language, as the composer has it."""
    at = f"message.{language}."
    own = [(name.removeprefix(at), value) for name, value in given.items(multi=True) if name.startswith(at)]
    return composer_form.of_form(MultiDict(own))


def read_wording(given: MultiDict[str, str], language: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """The wording as plain data; what the form has no field for is kept from ``base``."""
    made = {name: value for name, value in base.items() if name not in (*BODIES, "recipe")}
    draft, body = of_language(given, language), given.get(f"message.{language}.body", "")
    made |= {"subject": draft.subject, "preheader": draft.preheader}
    if body.startswith("recipe:"):
        return made | {"recipe": body.removeprefix("recipe:")}
    if body == "blocks":
        return made | {"blocks": draft.parts}
    return made | {body: draft.source} if body in BODIES else made


def first_parts(
    subject: str, said: Mapping[str, Any], old: Mapping[str, Any] | None, language: str, *, coupon: bool
) -> list[dict[str, str]]:
    """A mail to begin with: the words of the ready letter that stood there (``old``), or a place for one's own.

    ``said`` are the phrases of its language.
    """
    if old and old.get("recipe"):
        return letter_parts(old["recipe"], language, code=coupon)
    middle = [{"kind": "coupon"}] if coupon else []
    text, button = str(said["builder.first_text"]), str(said["builder.first_button"])
    heading = [{"kind": "hero", "heading": subject[:300]}] if subject.strip() else []
    return [
        *heading,
        {"kind": "text", "text": text},
        *middle,
        {"kind": "button", "label": button, "url": "{{ links.shop }}"},
    ]


def edited(given: MultiDict[str, str], language: str, act: str) -> MultiDict[str, str]:
    """The fields after ``add:KIND``, ``up:N``, ``down:N`` or ``remove:N`` on the parts of a language."""
    return with_parts(given, language, composer_form.moved(of_language(given, language), act).parts)


def with_parts(given: MultiDict[str, str], language: str, parts: Any) -> MultiDict[str, str]:
    """The fields with these parts in a language instead of its own."""
    at = f"message.{language}."
    kept = [
        (name, value)
        for name, value in given.items(multi=True)
        if not (name.startswith((f"{at}b", f"{at}count")) and name != f"{at}body")
    ]
    return MultiDict([*kept, *part_fields(at.removesuffix("."), parts)])
