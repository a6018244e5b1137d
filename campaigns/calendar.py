"""Which holidays fall when, and when a campaign that hangs on one is due. Pure: overrides and times are arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays as package
from babel.core import get_global

from campaigns.triggers import Once, OnEvent, OnHoliday, Recurring, firing_times

GRACE: Final = timedelta(hours=48)
"""How late a missed firing is still made up; later than this it would only puzzle its readers."""

ALIASES: Final = {
    "christmas_day": "christmas",
    "new_year_s_day": "new_year",
    "easter_sunday": "easter",
    "day_of_silence": "nyepi",
    "vesak_day": "vesak",
    "king_s_day": "kings_day",
    "thanksgiving_day": "thanksgiving",
}
NAMES: Final[dict[str, dict[str, str]]] = {
    "eid_al_fitr": {"en": "Eid al-Fitr", "id": "Lebaran", "nl": "Suikerfeest"},
    "eid_al_adha": {"en": "Eid al-Adha", "id": "Idul Adha", "nl": "Offerfeest"},
    "christmas": {"en": "Christmas", "id": "Natal", "nl": "Kerstmis"},
    "new_year": {"en": "New Year", "id": "Tahun Baru", "nl": "Nieuwjaar"},
    "lunar_new_year": {"en": "Lunar New Year", "id": "Imlek", "nl": "Chinees Nieuwjaar"},
    "easter": {"en": "Easter", "id": "Paskah", "nl": "Pasen"},
    "nyepi": {"en": "Nyepi", "id": "Nyepi", "nl": "Nyepi"},
    "independence_day": {"en": "Independence Day", "id": "Hari Kemerdekaan", "nl": "Onafhankelijkheidsdag"},
    "kings_day": {"en": "King's Day", "id": "Hari Raja", "nl": "Koningsdag"},
    "valentines_day": {"en": "Valentine's Day", "id": "Hari Valentine", "nl": "Valentijnsdag"},
    "singles_day": {"en": "11.11", "id": "11.11", "nl": "11.11"},
    "black_friday": {"en": "Black Friday", "id": "Black Friday", "nl": "Black Friday"},
    "harbolnas": {"en": "12.12", "id": "Harbolnas 12.12", "nl": "12.12"},
    "good_friday": {"en": "Good Friday", "id": "Jumat Agung", "nl": "Goede Vrijdag"},
    "ascension_day": {"en": "Ascension Day", "id": "Kenaikan Yesus Kristus", "nl": "Hemelvaartsdag"},
    "islamic_new_year": {"en": "Islamic New Year", "id": "Tahun Baru Islam", "nl": "Islamitisch Nieuwjaar"},
    "isra_and_mi_raj": {"en": "Isra' and Mi'raj", "id": "Isra Mikraj", "nl": "Isra en Miraj"},
    "prophet_s_birthday": {"en": "Prophet's Birthday", "id": "Maulid Nabi", "nl": "Geboortedag van de Profeet"},
    "vesak": {"en": "Vesak", "id": "Waisak", "nl": "Vesak"},
    "pancasila_day": {"en": "Pancasila Day", "id": "Hari Lahir Pancasila", "nl": "Pancasiladag"},
    "international_labor_day": {"en": "Labour Day", "id": "Hari Buruh", "nl": "Dag van de Arbeid"},
    "labor_day": {"en": "Labour Day", "id": "Hari Buruh", "nl": "Dag van de Arbeid"},
    "eid_al_fitr_second_day": {
        "en": "Eid al-Fitr, second day",
        "id": "Lebaran hari kedua",
        "nl": "Suikerfeest, tweede dag",
    },
    "easter_monday": {"en": "Easter Monday", "id": "Senin Paskah", "nl": "Tweede Paasdag"},
    "pentecost": {"en": "Pentecost", "id": "Pentakosta", "nl": "Pinksteren"},
    "pentecost_monday": {"en": "Pentecost Monday", "id": "Senin Pentakosta", "nl": "Tweede Pinksterdag"},
    "second_day_of_christmas": {"en": "Second Day of Christmas", "id": "Natal hari kedua", "nl": "Tweede Kerstdag"},
    "liberation_day": {"en": "Liberation Day", "id": "Hari Pembebasan", "nl": "Bevrijdingsdag"},
    "assumption_day": {"en": "Assumption Day", "id": "Maria Diangkat ke Surga", "nl": "Maria-Hemelvaart"},
    "all_saints_day": {"en": "All Saints' Day", "id": "Hari Semua Orang Kudus", "nl": "Allerheiligen"},
    "thanksgiving": {"en": "Thanksgiving", "id": "Thanksgiving", "nl": "Thanksgiving"},
}
# Where a country's own calendar is silent, the feasts that are kept everywhere are taken from one that has them.
ELSEWHERE: Final = {"ID": ("eid_al_fitr", "eid_al_adha", "lunar_new_year", "christmas", "new_year", "easter")}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One holiday of one year. ``year`` is ``2027``, or ``2033-2`` for the second Eid of a year that has two.

    ``confirmed`` is False while the date is only computed, as with feasts that wait for the moon.
    """

    key: str
    year: str
    day: date
    confirmed: bool
    names: tuple[tuple[str, str], ...] = ()

    def name(self, language: str) -> str:
        """What readers of ``language`` call it."""
        known = dict(self.names)
        return known.get(language[:2]) or known.get("en") or self.key.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Override:
    """A date that a person set or confirmed; it wins over the computed one of the same key and year."""

    key: str
    year: int
    day: date
    confirmed: bool
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A firing. ``occasion`` stays the same when the date moves, so that it fires once.

    ``occurrence`` is the holiday it hangs on; None where it hangs on a day alone.
    """

    occasion: str
    at: datetime
    occurrence: Occurrence | None
    offset: int = 0

    @property
    def confirmed(self) -> bool:
        """False while its holiday's date is only computed."""
        return self.occurrence is None or self.occurrence.confirmed


def country_of(timezone: str) -> str:
    """The country of an IANA zone (``Asia/Jakarta`` is ``ID``), for the holidays of a shop; ``US`` where unknown."""
    return str(get_global("zone_territories").get(timezone, "US"))


def holidays(country: str, year: int, overrides: Iterable[Override] = ()) -> list[Occurrence]:
    """The holidays of a country and year by date: computed ones, retail days, and the overrides on top."""
    found = {(item.key, item.year): item for item in _computed(country, year)}
    for given in overrides:
        if given.year != year:
            continue
        old = found.get((given.key, str(year)))
        names = given.names or (old.names if old else _names(given.key, ""))
        found[given.key, str(year)] = Occurrence(given.key, str(year), given.day, given.confirmed, names)
    return sorted(found.values(), key=lambda item: (item.day, item.key))


def known(country: str, overrides: Sequence[Override] = (), *, year: int) -> list[str]:
    """The keys that a campaign may name."""
    return sorted({item.key for item in holidays(country, year, overrides)} | {item.key for item in overrides})


def due(
    trigger: OnHoliday, *, timezone: str, country: str, around: datetime, overrides: Sequence[Override]
) -> list[Due]:
    """All firings of the trigger in the years about ``around``, by time. Offsets count days of the shop's calendar."""
    zone = ZoneInfo(timezone)
    year = around.astimezone(zone).year
    fires = []
    for occurrence in (item for y in (year - 1, year, year + 1) for item in holidays(country, y, overrides)):
        if occurrence.key != trigger.holiday:
            continue
        for offset in trigger.offsets_days:
            local = datetime.combine(occurrence.day + timedelta(days=offset), trigger.at, zone)
            occasion = f"{occurrence.key}:{occurrence.year}:{offset}"
            fires.append(Due(occasion, local.astimezone(UTC), occurrence, offset))
    return sorted(fires, key=lambda fire: fire.at)


def daily(trigger: Recurring | OnEvent, *, timezone: str, around: datetime) -> list[Due]:
    """The firings of a rhythm, or of a campaign that looks every day for those to whom something happened."""
    return [Due(f"day:{day}", at, None) for day, at in firing_times(trigger, timezone=timezone, around=around)]


def single(trigger: Once, *, timezone: str) -> list[Due]:
    """The one firing of a campaign for a day; none where it waits for a person. By hand it is the same occasion."""
    if trigger.day is None:
        return []
    local = datetime.combine(trigger.day, trigger.at, ZoneInfo(timezone))
    return [Due("once", local.astimezone(UTC), None)]


def day_of(occasion: str) -> date | None:
    """The day of the shop that a firing is for: ``day:2027-03-01``, ``by_hand:2027-03-01``; None for others."""
    kind, _, day = occasion.partition(":")
    return date.fromisoformat(day) if kind in ("day", "by_hand") else None


@lru_cache(maxsize=256)
def _computed(country: str, year: int) -> tuple[Occurrence, ...]:
    own = _of_country(country, year)
    keys = {item.key for item in own}
    borrowed = tuple(
        item
        for source, wanted in ELSEWHERE.items()
        if source != country
        for item in _of_country(source, year)
        if item.key in wanted and item.key not in keys
    )
    return own + borrowed + tuple(_retail(year))


def _of_country(country: str, year: int) -> tuple[Occurrence, ...]:
    if country not in package.list_supported_countries():
        return ()
    days = package.country_holidays(country, years=year, language=_language(country))
    times: dict[str, int] = {}
    last: dict[str, date] = {}
    made = []
    for day, name in sorted((day, part) for day, names in days.items() for part in names.split("; ")):
        plain, confirmed = _plain(name)
        key = _key(plain)
        if "(observed)" in name or (key in last and day - last[key] < timedelta(days=60)):
            continue
        times[key] = times.get(key, 0) + 1
        last[key] = day
        label = str(year) if times[key] == 1 else f"{year}-{times[key]}"
        made.append(Occurrence(key, label, day, confirmed, _names(key, plain)))
    return tuple(made)


def _language(country: str) -> str | None:
    languages = package.list_localized_countries().get(country, [])
    return next((item for item in languages if item.startswith("en")), None)


def _plain(name: str) -> tuple[str, bool]:
    plain = re.sub(r"\s*\((estimated|observed)[^)]*\)", "", name).strip()
    return plain, "(estimated" not in name


def _key(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return ALIASES.get(slug, slug)


def _names(key: str, plain: str) -> tuple[tuple[str, str], ...]:
    return tuple(NAMES.get(key, {"en": plain} if plain else {}).items())


def _retail(year: int) -> list[Occurrence]:
    first = date(year, 11, 1)
    # The day after the fourth Thursday of November.
    friday = first + timedelta(days=(3 - first.weekday()) % 7 + 22)
    days = {
        "valentines_day": date(year, 2, 14),
        "singles_day": date(year, 11, 11),
        "black_friday": friday,
        "harbolnas": date(year, 12, 12),
    }
    return [Occurrence(key, str(year), day, True, _names(key, "")) for key, day in days.items()]
