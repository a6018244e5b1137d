"""The ready letters: their words in three languages (``letters.toml`` and ``series_letters.toml``), in one look."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from campaigns.mail.holiday import LANGUAGES, MessageSource, dressed, holiday_message
from campaigns.mail.kinds import LETTERS, WITHOUT_CODE

_FILES = (Path(__file__).with_name("letters.toml"), Path(__file__).with_name("series_letters.toml"))
_TO = {"shop": "{{ links.shop }}", "card": "{{ links.card }}", "cart": "{{ cart.url }}"}
"""Where the button of a letter leads."""


def letter(key: str, language: str) -> MessageSource:
    """A ready letter in ``language``, in English where we have no words for it. Raises ``KeyError`` for no letter."""
    if key == "holiday_discount":
        return holiday_message(language)
    spoken = language if language in LANGUAGES else "en"
    words = _words()[key][spoken]
    mjml = dressed(words, spoken, offer=None if key in WITHOUT_CODE else LETTERS[key])
    mjml = mjml.replace(_TO["shop"], _TO[words.get("to", "shop")])
    return MessageSource(words["subject"], words["preheader"], mjml)


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return {key: words for path in _FILES for key, words in tomllib.loads(path.read_text("utf-8")).items()}
