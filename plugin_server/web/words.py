"""A person's language: phrases, numbers, money and times in their form and their zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Day
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from campaigns.mail.filters import form_of
from campaigns.reasons import written
from connectors.types import Money, minor_units
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.locales.sentences import said

WHOLE = {"IDR": "Rp", "VND": "₫", "KRW": "₩"}
"""Currencies whose minor units nobody writes, with the sign people use in every language."""

AMERICAN = {
    "d MMM y": "MMM d, y", "EEEE d MMMM y": "EEEE, MMMM d, y", "EEE d MMM": "EEE, MMM d",
    "d MMM y, HH:mm": "MMM d, y, h:mm a", "HH:mm": "h:mm a", "HH:mm:ss": "h:mm:ss a",
}  # fmt: skip
"""How people write days and hours where the month comes first; most who read English write the day first."""


def country_of(zone: tzinfo) -> str | None:
    """The country of a zone; None for one of no country, such as UTC."""
    found: str | None = get_global("zone_territories").get(str(zone))
    return found


@cache
def _week_start(country: str | None) -> int:
    """From the Unicode CLDR, as Babel carries it; Monday, as in ISO 8601, where there is no such country."""
    try:
        return Locale("en", country).first_week_day if country else 0
    except (ValueError, UnknownLocaleError):
        return 0


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def language_of(*wishes: str | None) -> str:
    """The first wish that we speak, else English."""
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


@dataclass(frozen=True)
class Words:
    """Speaks one language in one zone. ``words("home.title", n=3)`` gives the phrase with its places filled in."""

    language: str
    zone: tzinfo
    now: datetime
    land: str | None = None
    """Where the reader is, where that is known; else they are taken to be where the zone is."""

    def __call__(self, key: str, **values: object) -> str:
        phrase = catalogue(self.language)[key]
        if isinstance(phrase, dict):
            number = values.get("n", 0)
            form = str(_locale(self.language).plural_form(number)) if isinstance(number, int) else "other"
            phrase = phrase.get(form, phrase["other"])
        return phrase.format(**{name: self._shown(value) for name, value in values.items()}) if values else phrase

    def has(self, key: str) -> bool:
        """True where this phrase exists: for words that come from data, such as a state."""
        return key in catalogue(self.language)

    def known(self, section: str, word: str) -> str:
        """The phrase ``section.word``, or the word itself where it is not one of ours."""
        return self(f"{section}.{word}") if self.has(f"{section}.{word}") else word

    def why(self, reason: str, figures: Mapping[str, Any] | None = None) -> str:
        """A reason in this language: from its key and figures (kept beside it, or its own), else by its form."""
        given = dict(figures or written(reason))
        key = f"why.{given.pop('key', '')}"
        if not self.has(key):
            return self.said(reason)
        return self(key, **{name: self._figure(name, value) for name, value in given.items()})

    def said(self, sentence: str) -> str:
        """What a connection, a campaign file or a job said in English, in this language."""
        return said(sentence, self.language)

    def _figure(self, name: str, value: Any) -> object:
        if name.endswith("_share"):
            return self.percent(Decimal(value), digits=1)
        if name == "detail":
            return self.said(str(value))
        return self.time(self.parsed(value)) if name.endswith("_at") else value

    def _shown(self, value: object) -> str:
        if isinstance(value, bool):
            return str(value)
        return self.number(value) if isinstance(value, int | Decimal) else str(value)

    def number(self, value: int | float | Decimal, *, sign: bool = False) -> str:
        """``12,345`` or ``12.345``; ``sign`` writes +12 and −12."""
        text = format_decimal(Decimal(str(abs(value))), locale=self.language, format="#,##0.##")
        return ("+" if value > 0 else "−" if value < 0 else "±") + text if sign else ("−" if value < 0 else "") + text

    def country(self, code: str) -> str:
        """A country's name by its two letters; what is no known code, as it stands."""
        name = _locale(self.language).territories.get(code.upper())
        return str(name or code)

    def percent(self, share: float | Decimal, *, digits: int = 0) -> str:
        """A share (0.123) as ``12%``."""
        return format_percent(
            share, format="#,##0" + ("." + "0" * digits if digits else "") + "%", locale=self.language
        )

    def points(self, share: float) -> str:
        """A difference of shares (0.0123) in percentage points: ``+1.2``."""
        return self.number(Decimal(str(round(share * 100, 1))), sign=True)

    def day_of(self, given: str) -> Day:
        """A day that came as ISO text."""
        return Day.fromisoformat(given)

    def parsed(self, given: str | None) -> datetime | None:
        """A time that came as ISO text."""
        return datetime.fromisoformat(given) if given else None

    def money(self, minor: int | None, currency: str, *, sign: bool = False) -> str:
        """``Rp1.250.000`` (never with decimals for rupiah), ``€ 12,50``; a dash for None."""
        if minor is None:
            return "–"
        amount = abs(Money(int(minor), currency).amount)
        front = ("−" if minor < 0 else "+" if sign else "") if minor or sign else ""
        if currency in WHOLE:
            return front + WHOLE[currency] + format_decimal(amount, format="#,##0", locale=self.language)
        return front + format_currency(amount, currency, locale=self.language)

    def about(self, given: Mapping[str, str]) -> str:
        """A large amount in few letters, ``Rp1,09 M`` for 1,090,467,161 rupiah; smaller ones in full."""
        amount, currency = Decimal(given["amount"]), given["currency"]
        if abs(amount) < 1_000_000:
            return self.amount(given)
        short = format_compact_decimal(float(abs(amount)), format_type="short", locale=self.language, fraction_digits=1)
        return ("−" if amount < 0 else "") + WHOLE.get(currency, currency + "\xa0") + short

    def major(self, amount: Decimal, currency: str) -> str:
        """The same from major units."""
        return self.money(minor_units(amount, currency), currency)

    def amount(self, given: Mapping[str, str]) -> str:
        """The same from ``{"amount", "currency"}``."""
        return self.major(Decimal(given["amount"]), given["currency"])

    def date(self, value: Day | datetime | None, style: str = "medium") -> str:
        """``22 Nov 2026`` in the person's zone, ``Sunday 22 November 2026`` in ``full``; a dash for None."""
        if value is None:
            return "–"
        day = value.astimezone(self.zone).date() if isinstance(value, datetime) else value
        written = {"medium": "d MMM y", "full": "EEEE d MMMM y"}.get(style, style)
        return format_date(day, format=self._order(written), locale=self.language)

    def _order(self, written: str) -> str:
        """The same pattern in the order of the reader's country, where they read English."""
        american = form_of(self.language, self.land or country_of(self.zone)) != self.language
        return AMERICAN.get(written, written) if american else written

    @property
    def week_start(self) -> int:
        """The weekday (0 is Monday) that weeks begin with where the shop is: Sunday in the States and in Indonesia."""
        return _week_start(country_of(self.zone))

    def month(self, key: str) -> str:
        """``Nov 2026`` for ``2026-11``."""
        return format_date(Day(int(key[:4]), int(key[5:7]), 1), format="MMM y", locale=self.language)

    def day(self, value: Day | datetime) -> str:
        """``Sun 22 Nov``."""
        day = value.astimezone(self.zone).date() if isinstance(value, datetime) else value
        return format_date(day, format=self._order("EEE d MMM"), locale=self.language)

    def time(self, value: datetime | None) -> str:
        """``22 Nov 2026, 14:05`` in the person's zone."""
        if value is None:
            return "–"
        return format_datetime(value, format=self._order("d MMM y, HH:mm"), tzinfo=self.zone, locale=self.language)

    def hour(self, value: datetime) -> str:
        """``14:05`` in the person's zone."""
        return format_datetime(value, format=self._order("HH:mm"), tzinfo=self.zone, locale=self.language)

    def clock(self, value: datetime | None) -> str:
        """``14:05:30`` in the person's zone, for what is a matter of seconds."""
        if value is None:
            return "–"
        return format_datetime(value, format=self._order("HH:mm:ss"), tzinfo=self.zone, locale=self.language)

    def ago(self, value: datetime | None) -> str:
        """``3 minutes ago``."""
        if value is None:
            return "–"
        past = min(value - self.now, timedelta(0)) or timedelta(seconds=-1)
        return format_timedelta(past, add_direction=True, locale=self.language)

    def span(self, seconds: float) -> str:
        """``2 minutes``: a length of time, rounded to one unit."""
        return format_timedelta(timedelta(seconds=max(1, round(seconds))), locale=self.language)


def zone_of(name: str | None) -> tzinfo:
    """The zone of a merchant; UTC where there is none."""
    return ZoneInfo(name or "UTC")
