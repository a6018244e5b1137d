"""What members of a team are told: their words in three languages, in the look of the other letters.

They belong to no campaign: each is sent once to those who took a seat, see ``plugin_server.jobs.letters.team``.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final

from campaigns.mail.compose import CompiledMessage, compile_message
from campaigns.mail.filters import locale_of, print_money
from campaigns.mail.holiday import LANGUAGES, dressed

WITH_CODE: Final = ("unlocked", "consoled")
KEYS: Final = ("unlocked", "reminder", "reminder_order", "lapsed", "consoled")
_WORTH: Final = {
    "en": ("{}% off", "{} off", "free shipping"),
    "id": ("diskon {}%", "potongan {}", "gratis ongkir"),
    "nl": ("{}% korting", "{} korting", "gratis verzending"),
}
_FILE = Path(__file__).with_name("team_letters.toml")


@lru_cache(maxsize=32)
def team_letter(key: str, language: str) -> CompiledMessage:
    """A letter of ``KEYS``, compiled; in English where we have no words for the language."""
    spoken = language if language in LANGUAGES else "en"
    words = _words()[key][spoken] | {"offer": "{{ offer.title }}"}
    if key == "reminder":
        words |= {"target": "{{ links.team }}"}
    body = dressed(words, spoken, offer="percentage" if key in WITH_CODE else None)
    return compile_message(body, words["subject"], words["preheader"], spoken)


def worth(kind: str, value: Decimal, currency: str, language: str) -> str:
    """What a code is worth: ``20% off``, ``potongan Rp50.000``, ``gratis verzending``. Amounts in major units."""
    percent, amount, free = _WORTH.get(language, _WORTH["en"])
    if kind == "percentage":
        return percent.format(format(value.normalize(), "f"))
    return free if kind == "free_shipping" else amount.format(print_money(value, currency, locale_of(language)))


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(_FILE.read_text("utf-8"))
