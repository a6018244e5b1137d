"""Decisions about teams: what is refused, who gets what, and that nothing can happen which would break the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import ValidationError

from campaigns.offers import team as rules
from campaigns.offers.team import Answer, Gift, Step, Team, TeamRefused, TeamTerms

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
GIFT = {"kind": "percentage", "value": "20"}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"seats": 0}, "a team has 2 to 50 seats, not 0"),
        ({"seats": 51}, "a team has 2 to 50 seats, not 51"),
        ({"days": 0}, "a team has 1 to 60 days to fill, not 0"),
        ({"budget": "0"}, "nothing can be given for a budget of 0"),
        ({"consolation": {"kind": "percentage", "value": "20"}}, "give less than a full team gets"),
        ({"gift": {"kind": "percentage", "value": "101"}}, "more than 100 percent"),
        ({"gift": {"kind": "fixed"}}, "say how much"),
    ],
)
def test_terms_that_nobody_could_keep_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TeamTerms.model_validate({"gift": GIFT} | wrong)


@pytest.mark.parametrize(
    ("told", "who", "given", "heard"),
    [
        ({}, "anyone", {}, Answer.TAKEN),
        ({"taken": 5}, "anyone", {}, Answer.FULL),
        ({"taken": 5}, "anyone", {"seat": "here"}, Answer.ALREADY),
        ({}, "anyone", {"seat": "elsewhere"}, Answer.ELSEWHERE),
        ({}, "anyone", {"seat": "own"}, Answer.TAKEN),
        ({"state": "lapsed"}, "anyone", {}, Answer.OVER),
        ({"deadline": START}, "anyone", {}, Answer.LATE),
        ({}, "new", {"bought": True}, Answer.NOT_NEW),
        ({}, "known", {"bought": False}, Answer.NOT_KNOWN),
        ({}, "known", {"bought": True}, Answer.TAKEN),
    ],
)
def test_everybody_hears_why(told: dict[str, Any], who: str, given: dict[str, Any], heard: Answer) -> None:
    team = Team(**({"seats": 5, "opened_at": START, "deadline": START + timedelta(days=3)} | told))
    assert rules.answer(team, who, now=START, **given) is heard


def test_more_time_is_later_time_and_not_for_ever() -> None:
    team = Team(seats=5, opened_at=START, deadline=START + timedelta(days=3), reminded=True)
    for wrong, sentence in ((-1, "past"), (2, "no later"), (121, "120 days")):
        with pytest.raises(TeamRefused, match=sentence):
            rules.extended(team, START + timedelta(days=wrong), START)
    with pytest.raises(TeamRefused, match="over"):
        rules.extended(team, START + timedelta(days=9), team.deadline)
    more = rules.extended(team, START + timedelta(days=9), START)
    assert (more.state, more.deadline, more.reminded) == ("extended", START + timedelta(days=9), False)


def test_members_of_a_lapsed_team_are_comforted_but_nobody_for_a_team_of_one() -> None:
    small = Gift(value=Decimal(5))
    terms = TeamTerms(gift=Gift(value=Decimal(20)), consolation=small)
    alone = Team(seats=3, opened_at=START, deadline=START)
    assert rules.gift_of(terms, replace(alone, taken=alone.taken + 1), Step.LAPSE) == small
    assert rules.gift_of(terms, alone, Step.LAPSE) is None
    assert rules.gift_of(terms, alone, Step.UNLOCK) == terms.gift


class Life(RuleBasedStateMachine):
    """A team among people who come, buy and wait, and an owner who gives it more time."""

    @initialize(seats=st.integers(2, 5), unlock=st.sampled_from(["joined", "ordered"]), given=st.booleans())
    def begin(self, seats: int, unlock: str, given: bool) -> None:
        deadline = START + timedelta(days=3)
        self.now, self.steps = START, list[tuple[Step, datetime]]()
        self.seated, self.bought = {0}, set[int]()
        self.team = Team(seats, START, deadline, unlock, given=given, counted=1 if unlock == "joined" else 0)

    def look(self) -> None:
        """What the product does whenever something happened: everything that is due, until nothing is."""
        while step := rules.due(self.team, self.now):
            self.steps.append((step, self.team.deadline))
            self.team = rules.after(self.team, step)

    @rule(person=st.integers(0, 9))
    def comes(self, person: int) -> None:
        seat = "here" if person in self.seated else "none"
        said = rules.answer(self.team, "anyone", now=self.now, seat=seat)
        assert (said is Answer.TAKEN) == (
            person not in self.seated
            and self.team.state in rules.RUNNING
            and self.now < self.team.deadline
            and len(self.seated) < self.team.seats
        )
        if said is Answer.TAKEN:
            counted = self.team.counted + (self.team.unlock == "joined")
            self.team = replace(self.team, taken=self.team.taken + 1, counted=counted)
            self.seated.add(person)
        self.look()

    @rule(person=st.integers(0, 9))
    def buys(self, person: int) -> None:
        running = self.team.state in rules.RUNNING and self.now <= self.team.deadline
        if running and self.team.unlock == "ordered" and person in self.seated - self.bought:
            self.bought.add(person)
            self.team = replace(self.team, counted=len(self.bought))
        self.look()

    @rule(hours=st.integers(1, 80))
    def waits(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.look()

    @rule(hours=st.integers(-10, 200))
    def is_extended(self, hours: int) -> None:
        before = self.team
        try:
            self.team = rules.extended(before, self.now + timedelta(hours=hours), self.now)
        except TeamRefused:
            assert self.team == before
        else:
            assert before.state in rules.RUNNING
            assert self.now < before.deadline < self.team.deadline
        self.look()

    @invariant()
    def holds(self) -> None:
        team, ends = self.team, [step for step, _ in self.steps if step is not Step.REMIND]
        assert team.taken == len(self.seated) <= team.seats
        assert len(ends) == (team.state not in rules.RUNNING)
        full = len(self.seated if team.unlock == "joined" else self.bought) == team.seats
        assert (team.state == "unlocked") == full
        if team.state == "lapsed":
            assert self.now >= team.deadline
            assert not full
        reminded = [deadline for step, deadline in self.steps if step is Step.REMIND]
        assert len(set(reminded)) == len(reminded)


def test_no_history_gives_a_seat_too_many_or_ends_a_team_twice() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life, settings=settings(max_examples=150, stateful_step_count=25, deadline=None)
    )
