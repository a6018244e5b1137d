"""Whom a mail spares, now or for good. Pure: one candidate, one clock, one verdict with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.guard_terms import FrequencyCap, Guards, QuietHours
from campaigns.reasons import Reason


class Act(StrEnum):
    """What to do with a message that is due."""

    SEND = "send"
    DEFER = "defer"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``until`` is set for DEFER alone. ``reason`` is for people."""

    act: Act
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is looked at in the moment of sending. ``capped_until`` is when the frequency cap has room again; ``lacks``
    says why there is no code that the mail would show."""

    consent: str
    suppressed: str | None
    email: str | None
    erased: bool
    timezone: str | None
    capped_until: datetime | None
    talking: bool = False
    lacks: str = ""


SEND: Final = Verdict(Act.SEND)
CONSENT: Final = {
    "unsubscribed": "unsubscribed: has said no to these mails",
    "pending": "not_subscribed: has not confirmed the subscription yet",
    "unknown": "not_subscribed: has never said yes to these mails",
}


def judge(candidate: Candidate, guards: Guards, *, now: datetime, deadline: datetime, shop_zone: str) -> Verdict:
    """Send, wait or leave out. What would have to wait beyond ``deadline`` is left out, and says so."""
    if candidate.erased or not candidate.email:
        return Verdict(Act.SKIP, "no_email: there is no address to write to")
    if candidate.suppressed:
        return Verdict(Act.SKIP, f"suppressed: {candidate.suppressed}")
    if candidate.consent != "subscribed":
        return Verdict(Act.SKIP, CONSENT.get(candidate.consent, CONSENT["unknown"]))
    if candidate.lacks:
        return Verdict(Act.SKIP, f"no_code: {candidate.lacks}")
    if now >= deadline:
        return Verdict(Act.SKIP, f"too_late: it was not to go out after {_stamp(deadline)}")
    if candidate.talking:
        return _wait(now + AHEAD, "conversation: they wait for an answer from us first", deadline)
    if candidate.capped_until and candidate.capped_until > now:
        return _wait(candidate.capped_until, "frequency_cap: enough mails lately", deadline)
    quiet = quiet_until(guards.quiet_hours, candidate.timezone, shop_zone, now)
    return _wait(quiet, "quiet_hours: it is night there", deadline) if quiet else SEND


AHEAD: Final = timedelta(hours=1)
"""How long a mail steps back for a more important one before it asks again."""


def room_again(cap: FrequencyCap | None, taken: Sequence[datetime], ahead: int, now: datetime) -> datetime | None:
    """When the cap has room for one more mail to somebody; None where it has room now.

    ``taken`` are the times of their mails within the cap's days, newest first; ``ahead`` of it are so many mails of
    more important campaigns that wait for the same room.
    """
    if cap is None:
        return None
    if len(taken) >= cap.messages:
        return taken[cap.messages - 1] + timedelta(days=cap.days)
    return now + AHEAD if len(taken) + ahead >= cap.messages else None


def _wait(until: datetime, reason: str, deadline: datetime) -> Verdict:
    if until >= deadline:
        return Verdict(Act.SKIP, f"{reason}; there is room again at {_stamp(until)}, too late for this campaign")
    return Verdict(Act.DEFER, f"{reason}; waits until {_stamp(until)}", until)


def quiet_until(quiet: QuietHours | None, zone: str | None, shop_zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end that ``now`` falls into in that zone; None outside of them."""
    if quiet is None:
        return None
    local = now.astimezone(_zone(zone, shop_zone))
    clock = local.time().replace(tzinfo=None)
    if not _within(clock, quiet.from_, quiet.to):
        return None
    day = local.date() if clock < quiet.to else local.date() + timedelta(days=1)
    return datetime.combine(day, quiet.to, local.tzinfo).astimezone(UTC)


def _within(clock: time, start: time, end: time) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


@lru_cache(maxsize=512)
def _zone(name: str | None, fallback: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or fallback)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(fallback)


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


BOUNCE_LIMIT: Final = 0.02
COMPLAINT_LIMIT: Final = 0.001
ENOUGH: Final = 500


def must_pause(sent: int, bounced: int, complained: int) -> str | None:
    """Why a run must stop by itself, or None. Too few mails prove nothing."""
    if sent < ENOUGH:
        return None
    if bounced >= sent * BOUNCE_LIMIT:
        sentence = f"{bounced} of {sent} mails bounced (2 % or more). Clean the list before you go on."
        return Reason(sentence, "bounced", bounced=bounced, sent=sent)
    if complained >= sent * COMPLAINT_LIMIT:
        sentence = f"{complained} of {sent} readers called it spam (0.1 % or more). Find out why before you go on."
        return Reason(sentence, "complained", complained=complained, sent=sent)
    return None
