"""Readers to look at mails with."""

from __future__ import annotations

from typing import Any, Final

from campaigns.ladder.presets import SEVEN_RUNGS
from campaigns.mail.holiday import LANGUAGES

_COLORS: Final = ("#64717D", "#3F6F98", "#23707F", "#1A755B", "#557310", "#9A5B00", "#B93A25")
_HOLIDAYS: Final = {"en": "Eid al-Fitr", "id": "Idulfitri", "nl": "het Suikerfeest"}


def sample_contexts(language: str = "en") -> dict[str, dict[str, Any]]:
    """Contexts to look at the mail with, by name: ``new``, ``long_name``, ``no_first_name``."""
    people = {
        "new": ("Sari", "sari@example.com", 3, "100000.00"),
        "long_name": ("Raden Ajeng Kartini Djojoadhiningrat-van der Meulen", "kartini@example.com", 7, "100000.00"),
        "no_first_name": ("", "guest@example.com", 1, None),
    }
    return {name: _sample(language if language in LANGUAGES else "en", *person) for name, person in people.items()}


def _sample(language: str, first_name: str, email: str, number: int, minimum: str | None) -> dict[str, Any]:
    names = [rung.public(language) for rung in SEVEN_RUNGS.rungs]
    rung: dict[str, Any] = {"number": number, "name": names[number - 1], "key": SEVEN_RUNGS.keys[number - 1]}
    site = "https://tokosenja.example"
    offer: dict[str, Any] = {
        "code": "SENJA-7K2M-Q9XD", "percent": "10", "expires_on": "2027-03-24", "currency": "IDR", "pieces": 3,
        "price": "70000", "buy": 10, "get": 1, "spend": "350000", "product": "Sabun Kelor", "wait_days": 14,
        "keep_days": 90, "url": f"{site}/product/sabun-kelor-3/", "packed": number > 3,
        "seats": 5, "days": 4, "own": "10",
    }  # fmt: skip
    return {
        "customer": {"first_name": first_name, "email": email, "language": language},
        "rung": rung | ({"next_name": names[number]} if number < len(names) else {}),
        "rungs": [
            {"number": place, "name": name, "color": color}
            for place, (name, color) in enumerate(zip(names, _COLORS, strict=True), 1)
        ],
        "offer": offer | ({"minimum": minimum} if minimum else {}),
        "shop": {"name": "Toko Senja", "url": site, "address": "Jalan Malioboro 12, Yogyakarta 55271, Indonesia"},
        "links": {
            "shop": f"{site}/?coupon=SENJA-7K2M-Q9XD",
            "unsubscribe": f"{site}/c/sample/unsubscribe",
            "preferences": f"{site}/c/sample/preferences",
            "card": f"{site}/c/sample",
            "ask": f"{site}/c/sample/ask/satisfaction",
            "likes": f"{site}/c/sample/ask/preferences",
            "birthday": f"{site}/c/sample/ask/birthday",
        },
        "holiday": {"name": _HOLIDAYS[language]},
        "points": {"balance": 1250},
        "cart": {"url": f"{site}/?cart=sample"},
        "card": {"number": "0001 2345"},
    }
