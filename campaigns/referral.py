"""Bring a friend: what the friend gets, and who is no friend but the same person. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, Final

GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})
"""Mailboxes where dots in the name make no difference (https://support.google.com/mail/answer/7436150)."""


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """What friends and advocates get, and how often.

    ``percent`` off the friend's first order from ``minimum`` (major units) on, within ``valid_days``. ``cap``: rewarded
    friends per advocate in any 30 days; ``a_day``: friends a day above which a person looks at each.
    """

    on: bool = False
    percent: Decimal = Decimal(10)
    minimum: Decimal = Decimal(0)
    valid_days: int = 30
    cap: int = 10
    a_day: int = 3

    def as_json(self) -> dict[str, Any]:
        """Plain data; amounts as text."""
        return {
            "on": self.on, "percent": str(self.percent), "minimum": str(self.minimum), "valid_days": self.valid_days,
            "cap": self.cap, "a_day": self.a_day,
        }  # fmt: skip


def terms_from(document: dict[str, Any]) -> ReferralTerms:
    """The terms that ``as_json`` wrote; the standard where nothing is said."""
    given: dict[str, Any] = dict(document)
    given.update({name: Decimal(given[name]) for name in ("percent", "minimum") if name in given})
    return ReferralTerms(**given)


WINDOW: Final = timedelta(days=30)
"""Rewards are counted over any thirty days, so that the turn of a month gives nobody two months' worth."""


def within_cap(friends: Sequence[tuple[datetime, bool]], cap: int) -> list[bool]:
    """Which friends are rewarded: (when they bought, rewarded before) in order of time, at most ``cap`` in any window.

    What was given before stays given; the others come in turn.
    """
    rewarded = sorted(at for at, had in friends if had)
    answers: list[bool] = []
    for at, had in friends:
        if not had:
            near = sorted([*(one for one in rewarded if abs(one - at) < WINDOW), at])
            fits = all(sum(end - WINDOW < one <= end for one in near) <= cap for end in near if end >= at)
            if fits:
                rewarded.append(at)
            answers.append(fits)
        else:
            answers.append(True)
    return answers


def mailbox(email: str) -> str:
    """Whose mailbox an address leads to: lower case, without ``+tag``, and for Gmail without dots.

    Two addresses of one mailbox are one person. Not for sending: the address as given is.
    """
    name, _, domain = email.strip().lower().rpartition("@")
    name = name.partition("+")[0]
    return f"{name.replace('.', '')}@gmail.com" if domain in GMAIL else f"{name}@{domain}"


A_WEEK: Final = 10
"""Friends of one customer in seven days above which a person looks at each, whatever a day's number is."""


def similar_mailbox(one: str, other: str) -> bool:
    """Whether two mailboxes have the same letters before the @ (five at least), whatever digits, signs and domain."""
    stems = [re.sub(r"[^a-z]", "", box.rpartition("@")[0]) for box in (one, other)]
    return len(stems[0]) >= 5 and stems[0] == stems[1]


def similar_name(one: str, other: str) -> bool:
    """Whether two full names are the same words in another order, or nearly the same letters."""
    words = [sorted(name.casefold().split()) for name in (one, other)]
    if min(map(len, words)) < 2:
        return False
    return SequenceMatcher(None, " ".join(words[0]), " ".join(words[1])).ratio() >= ALIKE


ALIKE: Final = 0.9
"""How much of two names must agree: one letter of about ten may differ."""


def same_phone(one: str | None, other: str | None) -> bool:
    """Whether two telephone numbers end with the same nine digits: with and without country code they do."""
    ends = [re.sub(r"\D", "", number or "")[-9:] for number in (one, other)]
    return len(ends[0]) == 9 and ends[0] == ends[1]


def same_name(one: str, other: str) -> bool:
    """Whether two full names are the same words, case and spaces aside; a single word proves nothing."""
    words = [name.casefold().split() for name in (one, other)]
    return len(words[0]) > 1 and words[0] == words[1]
