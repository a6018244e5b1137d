"""Membership: the number on a card, and who is invited. Pure; what it reads and writes is the server's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

MODES: Final = ("off", "invite", "auto")
"""Off: only the owner enrols. Invite: consistent buyers see the invitation. Auto: they are enrolled by themselves."""


@dataclass(frozen=True, slots=True)
class MembershipTerms:
    """Who becomes a member: consistent buyers have ``least_orders`` counting orders and stand on ``rung`` or above."""

    mode: str = "off"
    rung: str = "customer"
    least_orders: int = 3


def member_number(place: int) -> str:
    """The number of a merchant's ``place``-th member: seven digits and a check digit, in groups of four.

    The check digit is that of ISO/IEC 7812 (Luhn): it finds any one digit typed wrong.
    """
    digits = f"{place:07d}"
    return grouped(digits + str(_check(digits)))


def mistyped(text: str) -> bool:
    """Whether a number as long as ours was typed with a slip; spaces do not matter."""
    digits = "".join(text.split())
    ours = digits.isascii() and digits.isdigit() and 8 <= len(digits) <= 19
    return ours and _check(digits[:-1]) != int(digits[-1])


def spellings(text: str) -> set[str]:
    """How a member number that was typed or scanned may be written down: ours in groups, a shop's own as it gave it."""
    plain = "".join(text.split())
    return {text.strip(), plain, plain.upper(), grouped(plain)}


def grouped(digits: str) -> str:
    """Groups of four from the right, as cards are read aloud."""
    first = len(digits) % 4
    parts = [digits[:first]] if first else []
    return " ".join([*parts, *(digits[at : at + 4] for at in range(first, len(digits), 4))])


def next_anniversary(since: date, today: date) -> date:
    """The next day, today or later, on which a membership becomes a year older; 29 February counts as the 28th."""
    for year in (today.year, today.year + 1):
        day = _in_year(since, year)
        if day >= today and year > since.year:
            return day
    return _in_year(since, max(today.year, since.year) + 1)


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:  # a 29 February in a year without one
        return date(year, 2, 28)


def _check(digits: str) -> int:
    """The digit that makes the sum of all, every second one doubled from the right, a multiple of ten."""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10
