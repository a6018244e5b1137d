"""How fast a sender may send: a limit by the minute, and a plan that lets receivers get used to a new sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.reasons import Reason

WARM: Final = 100_000
"""From so many mails a day on a sender counts as known, and the plan ends."""
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """``per_minute`` None: as fast as the provider takes it. ``first_day`` mails on ``warm_up_from``, daily doubled."""

    per_minute: int | None = None
    warm_up_from: date | None = None
    first_day: int = 200

    @property
    def free(self) -> bool:
        """Whether nothing is limited."""
        return self.per_minute is None and self.warm_up_from is None

    def of_day(self, day: date) -> int | None:
        """How many mails the plan allows on a day of the shop; None for as many as there are."""
        if self.warm_up_from is None:
            return None
        passed = (day - self.warm_up_from).days
        if passed < 0:
            return self.first_day
        allowed = self.first_day * 2 ** min(passed, 30)
        return allowed if allowed < WARM else None


def read(settings: Mapping[str, Any]) -> Pace:
    """The pace a merchant's settings hold under ``pace``; no limits where there is none."""
    told = settings.get("pace") or {}
    begun = told.get("warm_up_from")
    return Pace(told.get("per_minute"), date.fromisoformat(begun) if begun else None, told.get("first_day", 200))


def day_began(now: datetime, zone: str) -> datetime:
    """Midnight of the shop's day, in UTC."""
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), local.tzinfo).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Room:
    """How many mails may go now; with none, when to look again and why."""

    mails: int
    until: datetime | None = None
    reason: Reason | None = None


def room(pace: Pace, *, now: datetime, zone: str, today: int, last_minute: int, most: int) -> Room:
    """Room for up to ``most`` mails, when so many were handed over ``today`` and in the ``last_minute``."""
    allowed = pace.of_day(now.astimezone(ZoneInfo(zone)).date())
    if allowed is not None and today >= allowed:
        sentence = f"Warming up: {allowed} mails have gone out today. It goes on tomorrow with twice as many."
        return Room(0, day_began(now, zone) + timedelta(days=1), Reason(sentence, "pace_day", n=allowed))
    if pace.per_minute is not None and last_minute >= pace.per_minute:
        sentence = f"You allow {pace.per_minute} mails a minute; it goes on at once."
        return Room(0, now + timedelta(seconds=20), Reason(sentence, "pace_minute", n=pace.per_minute))
    left = [most]
    left += [allowed - today] if allowed is not None else []
    left += [pace.per_minute - last_minute] if pace.per_minute is not None else []
    return Room(min(left))
