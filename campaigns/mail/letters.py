"""The ready letters: their words in three languages (``letters.toml`` and ``series_letters.toml``), in one look."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from campaigns.mail.holiday import LANGUAGES, MessageSource, dressed, holiday_message, spoken_words
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


def letter_parts(key: str, language: str, *, code: bool) -> list[dict[str, str]]:
    """A ready letter as parts for a form, to change its words; its code only with ``code``. Raises ``KeyError``.

    What a part cannot hold becomes a button: scores lead to the page that asks for them, a link to pass on to itself.
    """
    spoken = language if language in LANGUAGES else "en"
    said = spoken_words({} if key == "holiday_discount" else _words()[key][spoken], spoken, offer=LETTERS[key])
    made = [{"kind": "hero", "heading": said["heading"], "text": f"{said['greeting']}\n\n{said['opening']}"}]
    if code and LETTERS[key] and key not in WITHOUT_CODE:
        made.append({"kind": "coupon", "heading": said["offer"]})
    if "link" in said:
        made.append({"kind": "button", "label": said["pass_on"], "url": said["link"]})
    elif "ask" in said:
        made.append({"kind": "button", "label": said["ask"], "url": "{{ links.ask }}"})
    if "ask" not in said:
        to = said.get("target") or _TO[said.get("to", "shop")]
        made.append({"kind": "button", "label": said["button"], "url": to})
    return [*made, {"kind": "ladder"}]


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return {key: words for path in _FILES for key, words in tomllib.loads(path.read_text("utf-8")).items()}
