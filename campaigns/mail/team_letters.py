"""What members of a team are told: their words in three languages, in the look of the other letters.

They belong to no campaign: each is sent once to those who took a seat, see ``plugin_server.jobs.team_mail``.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Final

from campaigns.mail.compose import CompiledMessage, compile_message
from campaigns.mail.holiday import LANGUAGES, dressed

WITH_CODE: Final = ("unlocked", "consoled")
KEYS: Final = ("unlocked", "reminder", "reminder_order", "lapsed", "consoled")
_AMOUNT: Final = "{{ offer.amount | money: offer.currency }}"
WHAT: Final = {
    language: f"{{% if offer.kind == 'percentage' %}}{percent}{{% elsif offer.kind == 'fixed' %}}{amount}"
    f"{{% else %}}{free}{{% endif %}}"
    for language, (percent, amount, free) in {
        "en": ("{{ offer.percent }}% off", f"{_AMOUNT} off", "Free shipping"),
        "id": ("diskon {{ offer.percent }}%", f"potongan {_AMOUNT}", "gratis ongkir"),
        "nl": ("{{ offer.percent }}% korting", f"{_AMOUNT} korting", "gratis verzending"),
    }.items()
}
"""What a code is worth, by language."""
_FILE = Path(__file__).with_name("team_letters.toml")


@lru_cache(maxsize=32)
def team_letter(key: str, language: str) -> CompiledMessage:
    """A letter of ``KEYS``, compiled; in English where we have no words for the language."""
    spoken = language if language in LANGUAGES else "en"
    words = {name: said.replace("{{ offer.what }}", WHAT[spoken]) for name, said in _words()[key][spoken].items()}
    words["offer"] = WHAT[spoken]
    if key == "reminder":
        words |= {"target": "{{ links.team }}"}
    body = dressed(words, spoken, offer="percentage" if key in WITH_CODE else None)
    return compile_message(body, words["subject"], words["preheader"], spoken)


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(_FILE.read_text("utf-8"))
