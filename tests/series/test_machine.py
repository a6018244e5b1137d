"""The machine of a series: what is refused, when steps are due, and that everybody who enters ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campaigns.schema import BadCampaign, Campaign, dump, parse
from campaigns.series import DOES, LASTS, Act, Seen, Series, decide, due, next_due
from campaigns.series_parts import letters, part, series_of
from plugin_server.locales.sentences import known
from tests.series.definitions import BOUGHT_MORE, OFFER, campaign, letter

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
WAIT = {"kind": "wait", "days": 3}
IMPOSSIBLE = {"kind": "cmp", "fact": "orders", "op": "<", "value": 0}
CLASH = {"kind": "all", "rules": [{"kind": "cmp", "fact": "orders", "op": "=", "value": 0},
                                  {"kind": "cmp", "fact": "spend", "op": ">", "value": "100"}]}  # fmt: skip
REFUSED: list[tuple[str, list[dict[str, Any]], str]] = [
    ("round", [letter(key="a"), WAIT | {"key": "b", "next": "a"}], "steps.1.next: leads back to 'a', round and round"),
    ("round by a condition", [letter(key="a"), WAIT | {"key": "b"},
     {"kind": "condition", "key": "c", "rule": BOUGHT_MORE, "then": "exit", "else": "b"}], "steps.2.else: leads back"),
    ("unknown target", [letter(next="nowhere")], "steps.0.next: there is no step 'nowhere'"),
    ("same key", [letter(key="a"), WAIT | {"key": "a"}], "steps.1.key: 'a' is the key of an earlier step"),
    ("no wait", [letter(), {"kind": "wait"}], "steps.1: waits for nothing"),
    ("after an exit", [letter(), {"kind": "exit"}, WAIT], "steps.2: stands after the exit 'exit2'"),
    ("not reached", [letter(next="c"), WAIT, letter(key="c")], "steps.1: nobody gets here"),
    ("goal not come to", [letter(next="exit"), {"kind": "goal", "days": 3}], "steps.1: the goal is never come to"),
    ("goal at once", [letter(), {"kind": "goal"}], "steps.1.days: the goal is never reached: the series takes no time"),
    ("goal nobody meets", [letter(), {"kind": "goal", "on": "rule", "rule": IMPOSSIBLE, "days": 3}],
     "steps.1.rule: the goal is never reached. Nobody can meet this"),
    ("condition on facts that cannot be together", [{"kind": "condition", "rule": CLASH, "then": "exit"}, letter()],
     "steps.0.rule.rules.0: nobody can meet this: what is asked of spend cannot be together"),
    ("two goals", [letter(), {"kind": "goal", "days": 3}, {"kind": "goal"}], "steps.2: is a second goal"),
    ("condition nobody meets", [{"kind": "condition", "rule": IMPOSSIBLE, "then": "exit"}, letter()],
     "steps.0.rule: nobody can meet this"),
    ("both ways the same", [{"kind": "condition", "rule": BOUGHT_MORE}, letter()], "steps.0: then and else lead"),
    ("two mails at once", [letter(), {"kind": "tag", "tag": "x"}, letter()], "steps.2: comes at once after the mail"),
    ("code over", [{"kind": "offer", "offer": OFFER}, {"kind": "wait", "days": 30}, letter()], "steps.2: the code of"),
    ("code of some", [{"kind": "condition", "rule": BOUGHT_MORE, "then": "mail"}, {"kind": "offer", "offer": OFFER},
     letter(key="mail")], "steps.2: some come here with"),
    ("code untold", [letter(), {"kind": "offer", "offer": OFFER}], "steps.1: its code is never told"),
    ("nothing happens", [WAIT], "steps: nothing happens in this series"),
    ("weekday and date", [{"kind": "until", "weekday": 1, "date": "2027-04-01"}, letter()], "steps.0: give weekday or"),
    ("wrong letter", [{"kind": "message", "message": {"en": {"subject": "x", "recipe": "second_order"}}}],
     "steps.0.message: the recipe second_order speaks of percentage"),
    ("no address", [{"kind": "webhook", "url": "ftp://x"}], "steps.0.url: is no address"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "said"), [(steps, said) for _, steps, said in REFUSED], ids=[n for n, *_ in REFUSED])
def test_what_cannot_work_is_refused_at_its_place(steps: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(BadCampaign) as refused:
        campaign(*steps)
    assert str(refused.value).startswith(said), str(refused.value)


def test_a_series_has_no_mail_beside_its_steps() -> None:
    with pytest.raises(BadCampaign, match=r"^message: a series has its message in its steps"):
        campaign(letter(), message=letter()["message"])
    with pytest.raises(BadCampaign, match=r"^message: is missing; add it, or steps"):
        parse({"key": "x", "trigger": {"kind": "once"}})


def story() -> Campaign:
    """Every kind of step once."""
    return campaign(
        {"kind": "tag", "key": "mark", "tag": "in-series"},
        letter(key="hello"),
        {"kind": "wait", "key": "rest", "days": 3},
        {"kind": "condition", "key": "ask", "rule": BOUGHT_MORE, "then": "thanks"},
        {"kind": "offer", "key": "gift", "offer": OFFER},
        {"kind": "until", "key": "friday", "weekday": 5, "at": "10:00"},
        letter("{{ offer.code }}", key="code"),
        {"kind": "webhook", "key": "tell", "url": "https://crm.example/hook", "next": "goal"},
        {"kind": "task", "key": "thanks", "title": "Call"},
        {"kind": "goal", "key": "goal", "days": 14},
        {"kind": "exit", "key": "out"},
    )


def test_a_saved_series_is_read_back_as_it_was() -> None:
    assert parse(dump(story())) == story()
    assert "message" not in dump(story())


def test_each_mail_is_a_campaign_with_the_code_it_shows() -> None:
    made = dict(letters(story()))
    assert list(made) == ["steps.1.message", "steps.6.message"]
    assert made["steps.1.message"].offer is None
    assert made["steps.6.message"].offer == part(story(), "gift").offer
    assert part(story(), "gift").message == {}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"kind": "wait", "days": 2, "hours": 3}, "2027-03-03T05:00"),
        ({"kind": "until", "at": "09:30"}, "2027-03-01T02:30"),
        ({"kind": "until", "at": "08:00"}, "2027-03-02T01:00"),
        ({"kind": "until", "at": "09:00"}, "2027-03-01T02:00"),
        ({"kind": "until", "at": "08:00", "weekday": 1}, "2027-03-08T01:00"),
        ({"kind": "until", "at": "08:00", "weekday": 5, "zone": "shop"}, "2027-03-05T01:00"),
        ({"kind": "until", "date": "2027-04-02", "at": "12:00"}, "2027-04-02T05:00"),
        ({"kind": "until", "date": "2027-02-02", "at": "12:00"}, "2027-03-01T02:00"),
        ({"kind": "goal", "days": 14}, "2027-03-15T02:00"),
        ({"kind": "tag", "tag": "x"}, "2027-03-01T02:00"),
    ],
)
def test_steps_are_due_by_the_clock_of_the_shop(step: dict[str, Any], expected: str) -> None:
    made = campaign(letter(), step).steps[1]
    assert due(made, NOW, shop_zone="Asia/Jakarta").isoformat()[:16] == expected


def test_until_follows_the_customer_s_own_clock_where_it_is_known() -> None:
    step = campaign(letter(), {"kind": "until", "at": "09:00"}).steps[1]
    assert due(step, NOW, shop_zone="Asia/Jakarta", own_zone="Europe/Amsterdam").isoformat()[:16] == "2027-03-01T08:00"


def test_a_day_is_a_day_of_the_calendar_when_clocks_are_put_forward() -> None:
    step = campaign({"kind": "wait", "days": 1}, letter()).steps[0]
    before = datetime(2027, 3, 27, 8, 0, tzinfo=UTC)
    assert due(step, before, shop_zone="Europe/Amsterdam") == before + timedelta(hours=23)


KINDS: list[dict[str, Any]] = [
    {"kind": "tag", "tag": "x"}, {"kind": "task", "title": "x"}, {"kind": "wait", "days": 2},
    {"kind": "wait", "hours": 5},
    {"kind": "until", "at": "09:00"}, {"kind": "goal", "days": 3}, letter(), {"kind": "exit"},
    {"kind": "webhook", "url": "https://crm.example/"}, {"kind": "offer", "offer": OFFER},
    {"kind": "condition", "rule": BOUGHT_MORE},
]  # fmt: skip


@st.composite
def any_series(draw: st.DrawFn) -> Campaign | None:
    """A series of any steps with any ways between them; None where it is refused."""
    picked = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9))
    targets = st.sampled_from([None, "exit", *(f"s{n}" for n in range(len(picked)))])
    steps: list[dict[str, Any]] = []
    for n, kind in enumerate(picked):
        ways = (
            {"then": draw(targets), "else": draw(targets)}
            if kind["kind"] == "condition"
            else {} if kind["kind"] == "exit" else {"next": draw(st.one_of(st.none(), targets))}
        )  # fmt: skip
        steps.append({**kind, "key": f"s{n}", **{name: to for name, to in ways.items() if to}})
    try:
        return campaign(*steps)
    except BadCampaign:
        return None


@given(any_series(), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_not_refused_ends(made: Campaign | None, data: st.DataObject) -> None:
    if made is None:
        return
    series, now, at, due_at, trail = series_of(made), NOW, made.steps[0].key, NOW, list[str]()
    while at is not None:
        trail.append(at)
        seen = Seen(holds=data.draw(st.booleans()), reached=data.draw(st.integers(0, 9)) == 0)
        now = max(due_at, now) + timedelta(hours=data.draw(st.sampled_from([0, 1, 30, 400])))
        verdict = decide(series, at, seen, due_at=due_at, now=now)
        assert not (seen.reached and (verdict.to or verdict.outcome != "goal"))
        assert bool(verdict.to) == (verdict.outcome == "")
        if verdict.to:
            due_at = next_due(series.by_key[verdict.to], due_at, now, shop_zone="Asia/Jakarta")
            assert series.by_key[verdict.to].kind in LASTS or due_at <= now
        at = verdict.to
    assert len(trail) == len(set(trail)) <= len(series.steps)


@dataclass
class Walker:
    """Somebody in a series, and what has been done for them."""

    at: str | None
    due_at: datetime
    outcome: str = ""
    done: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    reached: bool = False
    talking: bool = False


class Crowd(RuleBasedStateMachine):
    """People in one series while time goes by, downtimes included."""

    def __init__(self) -> None:
        super().__init__()
        self.series: Series = series_of(story())
        self.now = NOW
        self.people: list[Walker] = []

    @initialize()
    def somebody(self) -> None:
        self.enter()

    @rule()
    def enter(self) -> None:
        self.people.append(Walker(self.series.first, self.now))

    @rule(who=st.integers(0, 50), what=st.sampled_from(["reached", "talking", "answered"]))
    def happens(self, who: int, what: str) -> None:
        walker = self.people[who % len(self.people)]
        if what == "reached":
            walker.reached = True
        else:
            walker.talking = what == "talking"

    @rule(hours=st.sampled_from([1, 12, 24, 72, 400]), holds=st.booleans())
    def tick(self, hours: int, holds: bool) -> None:
        self.now += timedelta(hours=hours)
        for walker in self.people:
            while walker.at is not None and walker.due_at <= self.now and self._act(walker, holds):
                pass

    def _act(self, walker: Walker, holds: bool) -> bool:
        assert walker.at is not None
        seen = Seen(talking=walker.talking, reached=walker.reached, holds=holds)
        verdict = decide(
            self.series, walker.at, seen, due_at=walker.due_at, now=self.now, again=walker.at in walker.done
        )
        if verdict.act is Act.REST:
            return False
        if verdict.act is Act.DO:
            walker.done.append(walker.at)
            if self.series.by_key[walker.at].kind == "message":
                walker.times.append(self.now)
        walker.outcome = verdict.outcome
        if verdict.to:
            step = self.series.by_key[verdict.to]
            walker.due_at = next_due(step, walker.due_at, self.now, shop_zone="Asia/Jakarta")
        walker.at = verdict.to
        return True

    @invariant()
    def nobody_does_a_step_twice_and_whoever_is_out_says_why(self) -> None:
        for walker in self.people:
            assert len(walker.done) == len(set(walker.done))
            assert (walker.at is None) == bool(walker.outcome)
            assert set(walker.done) <= {step.key for step in self.series.steps if step.kind in DOES}

    @invariant()
    def mails_never_come_in_a_burst(self) -> None:
        for walker in self.people:
            assert len(walker.times) == len(set(walker.times))
            assert all(
                later - earlier >= timedelta(days=3)
                for earlier, later in zip(walker.times, walker.times[1:], strict=False)
            )

    def teardown(self) -> None:
        for walker in self.people:
            walker.talking = False
        for _ in range(4):
            self.tick(hours=24 * 30, holds=False)
        assert all(walker.at is None for walker in self.people)
        assert all(walker.outcome == "goal" for walker in self.people if walker.reached and walker.outcome != "end")


Crowd.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestCrowd = Crowd.TestCase


def test_lasting_and_doing_are_different_kinds() -> None:
    assert not DOES & LASTS


@pytest.mark.parametrize(("steps", "said"), [(steps, said) for _, steps, said in REFUSED], ids=[n for n, *_ in REFUSED])
def test_pages_say_faults_in_their_reader_s_language(steps: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(BadCampaign) as refused:
        campaign(*steps)
    told = [one.sentence for one in refused.value.problems if "meet this" not in one.sentence and "recipe" not in said]
    assert [one for one in told if known(one) is None] == []
