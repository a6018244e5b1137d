"""What a fact is: its name, its type, its unit, what people call it, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FactType(StrEnum):
    """What kind of value a fact has. ``MONEY`` is in major units of the merchant's currency, ``WORDS`` a set."""

    WHOLE = "whole"
    DECIMAL = "decimal"
    MONEY = "money"
    TIME = "time"
    DATE = "date"
    TEXT = "text"
    YES_NO = "yes_no"
    WORDS = "words"


ORDERED = {FactType.WHOLE, FactType.DECIMAL, FactType.MONEY, FactType.TIME, FactType.DATE}
MOMENTS = {FactType.TIME, FactType.DATE}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its name in rules, its type and unit, and what people call it in each language.

    ``kept`` says where it stands: ``facts``, ``habits`` and ``contact`` are rows per customer; ``standing`` follows
    from the ladder, so that no ladder may ask for it; ``outlook`` is the forecast as it is today; ``reckoned`` is
    worked out from others at the moment of asking.
    ``source`` names what it is made of.
    """

    name: str
    type: FactType
    unit: str
    labels: dict[str, str]
    choices: tuple[str, ...] = ()
    kept: str = "facts"
    source: str = ""

    @property
    def of_today(self) -> bool:
        """Whether it is known as of today alone. A ladder is asked as of any date, so none may ask for such a fact."""
        return self.kept in ("standing", "outlook")

    @property
    def least(self) -> int | None:
        """The smallest value there can be: 0 for what is counted, None for what may be anything.

        A supply may have run out, and points spent may have been taken back.
        """
        return 0 if self.type is FactType.WHOLE and self.unit not in ("days left", "points") else None
