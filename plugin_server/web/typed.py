"""Numbers as people type them, by the marks of their language, and as a field shows them so that they are read back."""

from __future__ import annotations

import re
from decimal import Decimal


def plain(text: str, language: str) -> str:
    """A number as people of ``language`` write it, with a decimal point: ``100.000`` is 100000 in Indonesian.

    Both marks are taken for decimals where they can be nothing else: ``12,5`` and ``12.5``.
    """
    bare = re.sub(r"[\s_]", "", text)
    thousands, decimal = (",", ".") if language == "en" else (".", ",")
    if re.fullmatch(rf"[1-9]\d{{0,2}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d+)?", bare):
        bare = bare.replace(thousands, "")
    return bare.replace(",", ".")


def shown(value: Decimal | None, language: str) -> str:
    """As a field shows it: the decimal mark of the language, no thousands, no zeros at the end; nothing for None."""
    if value is None:
        return ""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if language == "en" else text.replace(".", ",")
