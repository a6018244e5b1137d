"""Team deals: seats, a deadline, and what becomes of a team. Pure: no rows, no clock.

States: ``open`` → ``unlocked`` or ``lapsed``; ``open`` → ``extended`` → ``unlocked`` or ``lapsed``. ``closed`` is a
team that its starter left for another one. The last three are final.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from campaigns.parts import Part

RUNNING: Final = ("open", "extended")
SEATS: Final = (2, 50)
DAYS: Final = (1, 60)
LONGEST: Final = timedelta(days=120)
"""How far from now a deadline may be moved."""
REMIND: Final = timedelta(hours=24)
"""How long before the deadline members are reminded; a quarter of the team's time where that is shorter."""
LATE_NEWS: Final = timedelta(hours=1)
"""Shops tell of orders some minutes late: a team that waits for orders lapses so long after its deadline."""


class Gift(Part):
    """A personal single-use code: what it is worth (percent points or major units), for which order, and how long."""

    kind: Literal["percentage", "fixed", "free_shipping"] = "percentage"
    value: Decimal | None = Field(default=None, gt=0, max_digits=14, decimal_places=4)
    minimum: Decimal | None = Field(default=None, ge=0, max_digits=14)
    valid_days: int = Field(default=14, ge=1, le=365)

    @model_validator(mode="after")
    def _computable(self) -> Self:
        if self.kind == "free_shipping" and self.value is not None:
            raise ValueError("free shipping takes no value; leave it out")
        if self.kind != "free_shipping" and self.value is None:
            raise ValueError("say how much: value is missing")
        if self.kind == "percentage" and self.value is not None and self.value > 100:
            raise ValueError(f"value {self.value} is more than 100 percent")
        return self


class TeamTerms(Part):
    """What a team deal gives. ``seats`` count whoever started the team; ``days`` are a team's time to fill.

    ``unlock``: when all seats are ``joined``, or when all who sit have ``ordered`` since. ``who`` may take a seat:
    ``anyone``, ``new`` (never ordered, in all history) or ``known`` (ordered before). ``consolation`` goes to the
    members of a team that had at least two and lapsed. ``budget`` (major units) bounds what all teams cost together,
    counted when a team begins: whoever fills a team gets what it says.
    """

    seats: int = 5
    days: int = 3
    unlock: Literal["joined", "ordered"] = "joined"
    who: Literal["anyone", "new", "known"] = "anyone"
    gift: Gift
    consolation: Gift | None = None
    budget: Decimal | None = Field(default=None, max_digits=16)

    @field_validator("seats")
    @classmethod
    def _a_team(cls, value: int) -> int:
        if not SEATS[0] <= value <= SEATS[1]:
            raise ValueError(f"a team has {SEATS[0]} to {SEATS[1]} seats, not {value}")
        return value

    @field_validator("days")
    @classmethod
    def _a_while(cls, value: int) -> int:
        if not DAYS[0] <= value <= DAYS[1]:
            raise ValueError(f"a team has {DAYS[0]} to {DAYS[1]} days to fill, not {value}")
        return value

    @field_validator("budget")
    @classmethod
    def _some_money(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and value <= 0:
            raise ValueError("nothing can be given for a budget of 0; give an amount, or leave it out for no bound")
        return value

    @model_validator(mode="after")
    def _a_smaller_comfort(self) -> Self:
        small, whole = self.consolation, self.gift
        if small and small.kind == whole.kind and (small.value or 0) >= (whole.value or 0):
            raise ValueError("consolation: give less than a full team gets, or nobody needs to fill one")
        return self


@dataclass(frozen=True, slots=True)
class Team:
    """How a team stands. ``taken`` seats of ``seats``; ``counted`` of them count for unlocking (all, or who ordered).

    ``given``: the shop handed it out with an invitation, its starter has done nothing for it. ``reminded``: for this
    deadline.
    """

    seats: int
    opened_at: datetime
    deadline: datetime
    unlock: str = "joined"
    state: str = "open"
    taken: int = 1
    counted: int = 1
    given: bool = False
    reminded: bool = False

    @property
    def left(self) -> int:
        """Seats that nobody has."""
        return self.seats - self.taken

    @property
    def alone(self) -> bool:
        """True where a handed-out team has nobody but its starter: nobody is told what became of it."""
        return self.given and self.taken < 2


class Step(StrEnum):
    """What is to be done about a team now."""

    REMIND = "remind"
    UNLOCK = "unlock"
    LAPSE = "lapse"


class Answer(StrEnum):
    """What somebody hears who asks for a seat."""

    TAKEN = "taken"
    ALREADY = "already"
    FULL = "full"
    LATE = "late"
    OVER = "over"
    ELSEWHERE = "elsewhere"
    NOT_NEW = "not_new"
    NOT_KNOWN = "not_known"


class TeamRefused(ValueError):
    """What was asked of a team cannot be done; the sentence says why."""


def answer(team: Team, who: str, *, now: datetime, seat: str = "none", bought: bool = False) -> Answer:
    """Whether a person gets a seat. ``seat``: ``none``, ``here``, ``elsewhere``, ``own`` (alone in a team of theirs).

    ``bought``: anybody behind the mailbox ever ordered. Whoever is alone in a team of their own gives it up for this.
    """
    if seat == "here":
        return Answer.ALREADY
    if team.state not in RUNNING:
        return Answer.OVER
    if now >= team.deadline:
        return Answer.LATE
    if seat == "elsewhere":
        return Answer.ELSEWHERE
    if who == "new" and bought:
        return Answer.NOT_NEW
    if who == "known" and not bought:
        return Answer.NOT_KNOWN
    return Answer.TAKEN if team.left > 0 else Answer.FULL


def due(team: Team, now: datetime) -> Step | None:
    """What time and members ask for; None where the team just goes on.

    A full team unlocks even when that is noticed late: its last member came before the deadline.
    """
    if team.state not in RUNNING:
        return None
    if team.taken >= team.seats and team.counted >= team.seats:
        return Step.UNLOCK
    if now >= team.deadline + (LATE_NEWS if team.unlock == "ordered" else timedelta()):
        return Step.LAPSE
    if not team.reminded and not team.alone and remind_at(team) <= now < team.deadline:
        return Step.REMIND
    return None


def remind_at(team: Team) -> datetime:
    """When members are reminded: a day before the deadline, or after three quarters of a shorter time."""
    return team.deadline - min(REMIND, (team.deadline - team.opened_at) / 4)


def after(team: Team, step: Step) -> Team:
    """The team when a step is done."""
    if step is Step.REMIND:
        return replace(team, reminded=True)
    return replace(team, state="unlocked" if step is Step.UNLOCK else "lapsed")


def gift_of(terms: TeamTerms, team: Team, step: Step) -> Gift | None:
    """What each member gets at a step; None for nothing. A team of one is not comforted: it was nobody's team."""
    if step is Step.UNLOCK:
        return terms.gift
    return terms.consolation if step is Step.LAPSE and team.taken >= 2 else None


def extended(team: Team, until: datetime, now: datetime) -> Team:
    """The team with a later deadline, for which members are reminded anew. Raises ``TeamRefused``."""
    if team.state not in RUNNING or now >= team.deadline:
        raise TeamRefused("This team is over; only one that still runs can get more time.")
    if until <= now:
        raise TeamRefused("The new deadline is in the past; choose a later one.")
    if until <= team.deadline:
        raise TeamRefused("The new deadline is no later than the old one; members were promised that much time.")
    if until > now + LONGEST:
        raise TeamRefused(f"The new deadline is more than {LONGEST.days} days away; choose an earlier one.")
    return replace(team, state="extended", deadline=until, reminded=False)
