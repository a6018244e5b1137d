"""Countries as people write them, as ISO 3166 codes: names of English, Indonesian and Dutch (Unicode's, by Babel)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from babel import Locale

LANGUAGES: Final = ("en", "id", "nl")
NO_COUNTRIES: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Codes of Unicode's list that stand for groups, tests and the unknown."""
SHORT: Final = {"uk": "GB", "usa": "US"}
_LOWER: Final = {place: place + 32 for place in range(ord("A"), ord("Z") + 1)}


@lru_cache(maxsize=1)
def codes() -> dict[str, str]:
    """Word in small letters → code, for every name and for the codes themselves.

    Words with letters beyond A–Z stand there twice: databases whose ``lower`` knows A–Z alone ask for the second.
    """
    made = dict(SHORT)
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES:
                for word in (name.lower(), name.translate(_LOWER), code.lower()):
                    made.setdefault(word, code)
    return made


def country(told: str) -> str:
    """The code of a country; what is no country we know stays as it was written."""
    return codes().get(told.strip().lower(), told.strip())
