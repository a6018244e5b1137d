"""The words of rules in each language: one table for writing a sentence and for reading it back.

No phrase may hold a word that joins rules (and, or …), a bracket or a quotation mark: the reader would stumble.
"""

from __future__ import annotations

LANGUAGES = ("en", "id", "nl")

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        "never": "never",
        "is_set": "known",
        "within_last_days": "in the last {days} days",
        "between": "from {low} to {high}",
        "in": "one of {value}",
        "!=": "not {value}",
        "<=": "{value} at most",
        "<": "less than {value}",
        ">": "more than {value}",
        ">=": "at least {value}",
        "before": "before {value}",
        "after": "after {value}",
        "until": "{value} at the latest",
        "from": "from {value} on",
        "=": "{value}",
    },
    "id": {
        "never": "belum pernah",
        "is_set": "diketahui",
        "within_last_days": "dalam {days} hari terakhir",
        "between": "dari {low} sampai {high}",
        "in": "salah satu dari {value}",
        "!=": "bukan {value}",
        "<=": "paling banyak {value}",
        "<": "kurang dari {value}",
        ">": "lebih dari {value}",
        ">=": "minimal {value}",
        "before": "sebelum {value}",
        "after": "setelah {value}",
        "until": "paling lambat {value}",
        "from": "mulai {value}",
        "=": "{value}",
    },
    "nl": {
        "never": "nooit",
        "is_set": "bekend",
        "within_last_days": "in de laatste {days} dagen",
        "between": "van {low} t/m {high}",
        "in": "een van {value}",
        "!=": "niet {value}",
        "<=": "hoogstens {value}",
        "<": "minder dan {value}",
        ">": "meer dan {value}",
        ">=": "minstens {value}",
        "before": "vóór {value}",
        "after": "na {value}",
        "until": "uiterlijk {value}",
        "from": "vanaf {value}",
        "=": "{value}",
    },
}
"""What is said of a fact, in the order in which a reader tries them: the plain value comes last."""

OF_TIME = {"<": "before", ">": "after", "<=": "until", ">=": "from"}
"""Moments are before and after; numbers are less and more."""

JOINED: dict[str, dict[str, str]] = {
    "en": {"all": " and ", "any": " or ", "not": "not ({rule})"},
    "id": {"all": " dan ", "any": " atau ", "not": "bukan ({rule})"},
    "nl": {"all": " en ", "any": " of ", "not": "niet ({rule})"},
}

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "true": "yes",
        "false": "no",
        "none": "not known",
        "now": "{sentence} (now: {value})",
        "everybody": "everybody who is known by name and address",
    },
    "id": {
        "true": "ya",
        "false": "tidak",
        "none": "tidak diketahui",
        "now": "{sentence} (sekarang: {value})",
        "everybody": "semua yang dikenal nama dan alamatnya",
    },
    "nl": {
        "true": "ja",
        "false": "nee",
        "none": "niet bekend",
        "now": "{sentence} (nu: {value})",
        "everybody": "iedereen van wie naam en adres bekend zijn",
    },
}

CHOICES: dict[str, dict[str, str]] = {
    "en": {
        "subscribed": "said yes",
        "unsubscribed": "said no",
        "pending": "not confirmed",
        "unknown": "not asked",
        "active": "active",
        "cooling": "cooling",
        "lapsed": "lapsed",
        "none": "no order yet",
    },
    "id": {
        "subscribed": "setuju",
        "unsubscribed": "menolak",
        "pending": "belum dikonfirmasi",
        "unknown": "belum ditanya",
        "active": "aktif",
        "cooling": "mulai jarang",
        "lapsed": "menghilang",
        "none": "belum memesan",
    },
    "nl": {
        "subscribed": "zei ja",
        "unsubscribed": "zei nee",
        "pending": "niet bevestigd",
        "unknown": "niet gevraagd",
        "active": "actief",
        "cooling": "koelt af",
        "lapsed": "weggebleven",
        "none": "nog geen bestelling",
    },
}
"""Closed lists of values, as people say them."""
