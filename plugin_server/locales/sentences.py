"""English sentences of connections, campaign files and jobs, said in another language; found again by their form.

Commands and logs print those sentences as they are, and rows keep them. A page gives the kept sentence to ``said``,
which knows its form with places for what it names: ``{host} is on a private network. …``.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

PLACE = re.compile(r"\{(\w+)\}")
PATH = re.compile(r"([\w./\[\]-]+): (\S.*)", re.DOTALL)
"""A sentence about one field begins with the field's path, or its place in the shop (``orders/17.total``)."""
PLACED = re.compile(r"(\S.*) \(line (\d+), column (\d+)\)", re.DOTALL)
"""A sentence about what somebody wrote ends with its place."""
_WHERE = {"id": "{} (baris {}, kolom {})", "nl": "{} (regel {}, kolom {})"}
_PARTS = {
    "subject": {"id": "subjek", "nl": "onderwerp"},
    "preheader": {"id": "baris pratinjau", "nl": "voorbeeldregel"},
    "body": {"id": "isi", "nl": "inhoud"},
}
"""Parts of a mail that a sentence may begin with, as it would with a path."""


@cache
def forms() -> dict[str, dict[str, str]]:
    """Each English form with its translations by language."""
    path = Path(__file__).with_name("sentences.toml")
    return dict(tomllib.loads(path.read_text(encoding="utf-8")))


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The forms with places, those that say most first: a short one must not swallow a long one."""
    found = [form for form in forms() if PLACE.search(form)]
    found.sort(key=lambda form: len(PLACE.sub("", form)), reverse=True)
    return [(form, re.compile(_pattern(form), re.DOTALL)) for form in found]


def _pattern(form: str) -> str:
    parts = PLACE.split(form)
    return "".join(f"(?P<{part}>.+?)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))


def known(sentence: str) -> tuple[str, dict[str, str]] | None:
    """The form of a sentence and what stands at its places; None for one that is not ours."""
    if sentence in forms():
        return sentence, {}
    for form, pattern in _patterns():
        if match := pattern.fullmatch(sentence):
            return form, match.groupdict()
    return None


def said(sentence: str, language: str) -> str:
    """The sentence in ``language``; as it is where it is not one of ours (what a shop or provider said itself)."""
    if language == "en":
        return sentence
    if placed := PLACED.fullmatch(sentence):
        return _WHERE[language].format(said(placed[1], language), placed[2], placed[3])
    part, _, rest = sentence.partition(": ")
    if part in _PARTS:
        return f"{_PARTS[part][language]}: {said(rest, language)}"
    if found := known(sentence):
        form, places = found
        return forms()[form][language].format(**{name: _words(value, language) for name, value in places.items()})
    if path := PATH.fullmatch(sentence):
        return f"{path[1]}: {said(path[2], language)}"
    whole = sentence[:1].upper() + sentence[1:]
    if whole != sentence and known(whole):  # behind a path a sentence begins small
        made = said(whole, language)
        return made[:1].lower() + made[1:]
    return sentence


def _words(value: str, language: str) -> str:
    """What stands at a place: itself a sentence of ours, or a list of our words, or simply a name."""
    if known(value):
        return said(value, language)
    parts = value.split(", ")
    return ", ".join(said(part, language) for part in parts) if all(part in forms() for part in parts) else value
