"""What the words of a mail promise: money of another country, and feasts that are not when the mail goes out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from campaigns.calendar import NAMES, Occurrence
from campaigns.reasons import Reason

_DOLLARS: Final = frozenset({"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "BRL"})
SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "Rp": frozenset({"IDR"}), "€": frozenset({"EUR"}), "£": frozenset({"GBP", "EGP"}), "₹": frozenset({"INR"}),
    "RM": frozenset({"MYR"}), "฿": frozenset({"THB"}), "₱": frozenset({"PHP"}), "₫": frozenset({"VND"}),
    "¥": frozenset({"JPY", "CNY"}), "$": _DOLLARS,
}  # fmt: skip
"""What stands before or behind an amount, and the currencies it can mean."""
CODES: Final = ("IDR", "EUR", "USD", "GBP", "SGD", "MYR", "AUD", "CAD", "JPY", "CHF", "INR", "THB", "PHP")
_BEFORE: Final = re.compile(rf"(?<![\w$])({'|'.join(map(re.escape, (*SIGNS, *CODES)))})[\s\u00a0]?\d")
_BEHIND: Final = re.compile(rf"\d[\s\u00a0]?(€|₫|{'|'.join(CODES)})(?!\w)")

SOON: Final = 60
"""Days before a feast in which a mail may speak of it without a doubt."""
LATELY: Final = 200
"""Days after it in which it counts as over, and not as the next one."""
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "eid_al_fitr": ("Idulfitri", "Idul Fitri", "Eid al-Fitr", "Eid", "Hari Raya"),
    "eid_al_adha": ("Iduladha", "Eid al-Adha"),
    "lunar_new_year": ("Chinese New Year", "Tahun Baru Imlek"),
    "christmas": ("Kerst", "Xmas"),
}


@dataclass(frozen=True, slots=True)
class When:
    """When a mail goes out: ``day`` in the shop's zone, None where it follows what customers do.

    ``own`` is the key of the holiday it hangs on; ``feasts`` are the shop's, of the years about now.
    """

    day: date | None
    own: str
    feasts: Sequence[Occurrence]


def foreign_money(text: str, currency: str) -> str:
    """The first sign or code of another currency at an amount; empty where there is none."""
    for found in (*_BEFORE.finditer(text), *_BEHIND.finditer(text)):
        means = SIGNS.get(found[1], frozenset({found[1]}))
        if currency not in means:
            return found[1]
    return ""


def feasts_amiss(text: str, when: When) -> Iterator[Reason]:
    """Each feast the mail names that is over, far off, or another than the one it goes out for."""
    for key, name in _named(text, when.feasts).items():
        days = sorted(one.day for one in when.feasts if one.key == key)
        if key == when.own or not days:
            continue
        if when.own:
            yield Reason(
                f"The mail speaks of {name} and goes out for another holiday. Change the words or the day.",
                "lint_other_feast",
                name=name,
            )
        elif when.day is None:
            yield Reason(
                f"The mail speaks of {name} and goes out all year. Leave it out, or send it on that day.",
                "lint_feast_always",
                name=name,
            )
        else:
            yield from _far(name, days, when.day)


def _far(name: str, days: Sequence[date], sent: date) -> Iterator[Reason]:
    ahead = min((day for day in days if day >= sent), default=None)
    gone = max((day for day in days if day < sent), default=None)
    if ahead and ahead - sent <= timedelta(days=SOON):
        return
    if gone and sent - gone <= timedelta(days=LATELY):
        yield Reason(
            f"{name} was on {gone}, and the mail goes out on {sent}. Change the words or the day.",
            "lint_feast_over",
            name=name,
            day=str(gone),
            sent=str(sent),
        )
    elif ahead:
        yield Reason(
            f"{name} is on {ahead}, and the mail goes out on {sent} already. Change the words or the day.",
            "lint_feast_far",
            name=name,
            day=str(ahead),
            sent=str(sent),
        )


def _named(text: str, feasts: Sequence[Occurrence]) -> dict[str, str]:
    """The feasts named in ``text`` and by which word; the longest name first, so that one is not read inside another.

    Names of several words count for feasts of the country's calendar alone: a bare word may mean anything.
    """
    words = {
        name: key for key in {one.key for one in feasts} for name in (*NAMES.get(key, {}).values(), *_ALSO.get(key, ()))
    }
    words |= {name: one.key for one in feasts for _, name in one.names if " " in name}
    found: dict[str, str] = {}
    for name in sorted(words, key=len, reverse=True):
        if name not in text:
            continue
        text, times = re.subn(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
        if times:
            found.setdefault(words[name], name)
    return found
