"""Zero bytes in forms: no text of ours can hold one. Where people write much they are told at the very field."""

from __future__ import annotations

from typing import Final

from werkzeug.datastructures import MultiDict

ZERO: Final = "\x00"
SENTENCE: Final = "Here stood a character that no text can hold. It is taken out: look at what is left, and save again."
TELL: Final = frozenset(
    {
        "segments.look", "segments.save", "ladders.look", "ladders.save", "builder.look", "builder.told",
        "campaigns.create",
    }
)  # fmt: skip
"""Views that say it at its place; every other form with one is refused as a whole."""


def taken_out(form: MultiDict[str, str]) -> tuple[MultiDict[str, str], frozenset[str]]:
    """The form without zero bytes, and the names of the fields that had one: nothing of it may be saved unseen."""
    broken = frozenset(name for name, value in form.items(multi=True) if ZERO in value)
    kept = [(name, value.replace(ZERO, "")) for name, value in form.items(multi=True)] if broken else ()
    return MultiDict(kept) if broken else form, broken
