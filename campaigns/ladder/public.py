"""What customers read as the name of their rung, where the shop gave them no name of its own to read.

The words of the trade for people who bought little or nothing (suspect, prospect, pre-sales) are the shop's own affair,
and others mean something else to a reader: in Indonesian an *advokat* is a lawyer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Names = Mapping[str, str]
"""A rung's name by language."""


def _names(en: str, id_: str, nl: str) -> Names:
    return {"en": en, "id": id_, "nl": nl}


_GUEST: Final = _names("Guest", "Tamu", "Gast")
_EXPLORER: Final = _names("Explorer", "Penjelajah", "Ontdekker")
_NEW: Final = _names("New customer", "Pelanggan baru", "Nieuwe klant")
_REGULAR: Final = _names("Regular customer", "Pelanggan tetap", "Vaste klant")
_AMBASSADOR: Final = _names("Ambassador", "Duta", "Ambassadeur")

READ_AS: Final[Mapping[str, Names]] = {
    **dict.fromkeys(("suspect", "suspek", "contact", "kontak"), _GUEST),
    **dict.fromkeys(("pre-sales", "presales", "prapenjualan", "voorverkoop"), _GUEST),
    **dict.fromkeys(("prospect", "prospek", "lead"), _EXPLORER),
    **dict.fromkeys(("acquisition", "akuisisi", "werving"), _NEW),
    **dict.fromkeys(("initial customer", "pelanggan awal", "eerste klant"), _NEW),
    **dict.fromkeys(("retained", "bertahan", "behouden"), _REGULAR),
    **dict.fromkeys(("repeater", "pelanggan berulang", "herhaalklant"), _REGULAR),
    **dict.fromkeys(("advocate", "advokat"), _AMBASSADOR),
}
"""Inner names, in small letters, with what customers read in their place."""

UNKIND: Final = frozenset({"suspect", "suspek", "prospect", "prospek", "lead"})
"""Names that no customer is shown, even where a shop asks for it."""


def read_as(name: str, language: str) -> str:
    """The name as customers read it: an inner one in kinder words of ``language``, any other as it is."""
    kinder = READ_AS.get(" ".join(name.casefold().split()))
    return name if kinder is None else kinder.get(language) or kinder["en"]


def unkind(name: str) -> bool:
    """Whether a name for customers is one that nobody likes to be called."""
    return " ".join(name.casefold().split()) in UNKIND
