"""What somebody typed to find a customer, in the form in which the indexes hold names and telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LEAST_DIGITS: Final = 4
END_DIGITS: Final = 9
"""So many last digits make a telephone number: with and without a country code they are the same."""
_STROKES: Final = str.maketrans("ØøŁłĐđıĦħŦŧ", "OoLlDdiHhTt")
_MARKS: Final = re.compile("[\u0300-\u036f]")


def folded(text: str) -> str:
    """``text`` in small letters without accents, single spaces, as ``tangga_folded`` in the database writes names."""
    plain = _MARKS.sub("", unicodedata.normalize("NFD", text)).translate(_STROKES)
    return " ".join(plain.lower().split())


def phone_end(text: str) -> str:
    """The last digits of a telephone number, from right to left; empty where ``text`` is none, or has too few."""
    if re.search(r"[^\d\s()+./-]", text, re.ASCII):
        return ""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    return digits[::-1][:END_DIGITS] if len(digits) >= LEAST_DIGITS else ""


def after(prefix: str) -> str:
    """The least text after all that begin with ``prefix``, which has a letter at least."""
    return prefix[:-1] + chr(min(ord(prefix[-1]) + 1, 0x10FFFF))
