"""Why something waits or is refused: an English sentence, with a key and figures from which pages make their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Figure = int | str | Decimal


class Reason(str):
    """The sentence itself, as commands and logs print it; ``key`` names the phrase ``why.<key>`` of the pages.

    Names of ``figures`` tell their form: ``…_share`` is a fraction of 1, ``…_at`` a time as ISO text, all others are
    numbers or words. What another system said stays in its own words.
    """

    __slots__ = ("figures", "key")

    key: str
    figures: dict[str, Figure]

    def __new__(cls, sentence: str, key: str, **figures: Figure) -> Reason:
        made = super().__new__(cls, sentence)
        made.key, made.figures = key, figures
        return made


def written(reason: str) -> dict[str, Any]:
    """Key and figures as JSON to be kept beside the sentence; empty for a sentence without them."""
    if not isinstance(reason, Reason):
        return {}
    figures = {name: str(value) if isinstance(value, Decimal) else value for name, value in reason.figures.items()}
    return {"key": reason.key, **figures}
