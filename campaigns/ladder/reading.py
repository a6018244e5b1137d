"""Reads a rule from its sentence: ``paid orders: at least 3 and country: “ID”``, in any of our languages.

It reads what ``campaigns.ladder.sentences`` writes: ``read(sentence(rule, lang), lang) == canonical(rule)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

from campaigns.ladder.facts import CATALOGUE, MOMENTS, Fact, FactType
from campaigns.ladder.phrases import CHOICES, JOINED, OF_TIME, PHRASES, WORDS
from campaigns.ladder.rules import DEEPEST, BadRule, Rule, canonical, parse

_QUOTED = re.compile("“((?:[^”]|””)*)”")
_KEPT = re.compile("\x00(\\d+)\x00")
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class _Reader:
    """One sentence being read: its language, and the texts that stood in quotation marks."""

    lang: str
    texts: tuple[str, ...]

    def rule(self, words: str, depth: int = 0) -> dict[str, Any]:
        words = words.strip()
        if depth > DEEPEST:
            raise BadRule("", f"Brackets may be nested {DEEPEST} deep at most.")
        for kind in ("any", "all"):
            parts = _parts(words, JOINED[self.lang][kind])
            if len(parts) > 1:
                other = JOINED[self.lang]["all" if kind == "any" else "any"]
                if any(len(_parts(part, other)) > 1 for part in parts):
                    raise BadRule(
                        "", f"{self.shown(words)!r} joins in two ways; say with brackets what belongs together."
                    )
                return {"kind": kind, "rules": [self.rule(part, depth + 1) for part in parts]}
        front = JOINED[self.lang]["not"].split("{", maxsplit=1)[0]
        if words.casefold().startswith(front) and _closes(words, len(front) - 1):
            return {"kind": "not", "rule": self.rule(words[len(front) : -1], depth + 1)}
        if words.startswith("(") and _closes(words, 0):
            return self.rule(words[1:-1], depth + 1)
        return self.leaf(words)

    def leaf(self, words: str) -> dict[str, Any]:
        label, colon, said = words.partition(": ")
        fact = _labels(self.lang).get(label.strip().casefold())
        if fact is None or not colon:
            near = get_close_matches(label.strip().casefold(), _labels(self.lang), n=1)
            mend = f" Did you mean {near[0]!r}?" if near else " Write it as “fact: condition”."
            raise BadRule("", f"No fact is called {self.shown(label).strip()!r}.{mend}")
        if said.strip().casefold() == WORDS[self.lang]["none"].casefold():
            return {"kind": "not", "rule": {"kind": "is_set", "fact": fact.name}}
        for name in PHRASES[self.lang]:
            found = _pattern(self.lang, name).fullmatch(said.strip())
            made = found and self.made(name, found.groupdict(), fact)
            if made:
                return {"fact": fact.name, **made}
        raise BadRule("", f"{self.shown(said)!r} is not understood of {label!r}.")

    def made(self, name: str, given: dict[str, str], fact: Fact) -> dict[str, Any] | None:
        """The condition of a phrase with its values; None where they are not of the fact's type."""
        if name in ("never", "is_set"):
            return {"kind": name}
        if name == "within_last_days":
            return {"kind": name, "days": int(given["days"])} if given["days"].isdecimal() else None
        if name == "in":
            values = [self.value(part, fact) for part in given["value"].split(", ")]
            return None if None in values else {"kind": "in", "values": values}
        values = [self.value(part, fact) for part in given.values()]
        of_other_type = name in (OF_TIME if fact.type in MOMENTS else OF_TIME.values())
        if None in values or of_other_type:
            return None
        if name == "between":
            return {"kind": "between", "low": values[0], "high": values[1]}
        op = next((op for op, phrase in OF_TIME.items() if phrase == name), name)
        return {"kind": "cmp", "op": op, "value": values[0]}

    def value(self, words: str, fact: Fact) -> Any:
        if kept := _KEPT.fullmatch(words):
            return None if fact.choices else self.texts[int(kept[1])]
        if fact.choices:
            return next((key for key in fact.choices if CHOICES[self.lang][key] == words.casefold()), None)
        if fact.type is FactType.YES_NO:
            return {WORDS[self.lang]["true"]: True, WORDS[self.lang]["false"]: False}.get(words.casefold())
        if fact.type in MOMENTS:
            return _moment(words, self.lang)
        number = _number(words, self.lang) if fact.type not in (FactType.TEXT, FactType.WORDS) else None
        if fact.type is FactType.WHOLE and number is not None:
            return int(number) if re.fullmatch(r"-?\d+", number) else None
        return number

    def shown(self, words: str) -> str:
        return _KEPT.sub(lambda found: f"“{self.texts[int(found[1])]}”", words)


def read(words: str, lang: str) -> Rule:
    """The rule of a sentence, in its canonical form. Raises ``BadRule`` that names the words not understood."""
    if len(words) > LONGEST or "\x00" in words:
        raise BadRule("", f"A sentence has {LONGEST} letters at most, and none that cannot be printed.")
    texts: list[str] = []

    def keep(found: re.Match[str]) -> str:
        texts.append(found[1].replace("””", "”"))
        return f"\x00{len(texts) - 1}\x00"

    bare = _QUOTED.sub(keep, words)
    return canonical(parse(_Reader(lang, tuple(texts)).rule(bare.strip().removesuffix("."))))


@cache
def _labels(lang: str) -> dict[str, Fact]:
    return {fact.labels[lang].casefold(): fact for fact in CATALOGUE.values()}


@cache
def _pattern(lang: str, name: str) -> re.Pattern[str]:
    phrase = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(PHRASES[lang][name]))
    return re.compile(phrase, re.IGNORECASE)


def _parts(words: str, joint: str) -> list[str]:
    """The words cut at each joint that stands outside of brackets."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(words):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and words.startswith(joint, place):
            parts.append(words[start:place])
            start = place + len(joint)
    if depth:
        raise BadRule("", "A bracket is not closed.")
    return [*parts, words[start:]]


def _closes(words: str, opening: int) -> bool:
    """Whether the bracket at ``opening`` closes at the very end."""
    depth = 0
    for place in range(opening, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if depth == 0:
            return place == len(words) - 1
    return False


def _number(words: str, lang: str) -> str | None:
    group, point = re.escape(get_group_symbol(lang)), re.escape(get_decimal_symbol(lang))
    if not re.fullmatch(rf"-?(\d{{1,3}}({group}\d{{3}})+|\d+)({point}\d+)?", words):
        return None
    return words.replace(get_group_symbol(lang), "").replace(get_decimal_symbol(lang), ".")


def _moment(words: str, lang: str) -> str | None:
    """``1 Mar 2026``, with or without ``12:00+07:00`` behind it."""
    found = re.fullmatch(r"(\d{1,2}) (\S+) (\d{1,4})(?: (\S+))?", words)
    months = Locale.parse(lang).months["format"]["abbreviated"]
    month = next((number for number, name in months.items() if found and name.casefold() == found[2].casefold()), None)
    if found is None or month is None:
        return None
    try:
        day = date(int(found[3]), int(month), int(found[1])).isoformat()
        return datetime.fromisoformat(f"{day}T{found[4]}").isoformat() if found[4] else day
    except ValueError:
        return None
