"""What an audience can show before it is written to, when it will be read, and which variant won."""

from __future__ import annotations

from datetime import UTC, datetime
from math import sqrt
from random import Random
from zoneinfo import ZoneInfo

import pytest
from scipy.stats import norm

from campaigns.proof import Moments, newcombe
from campaigns.proof.contest import Contender, contest
from campaigns.proof.plan import detectable_apart, detectable_rise, least_seen, period_of, strict
from campaigns.triggers import Once, OnEvent, OnHoliday

JAKARTA = ZoneInfo("Asia/Jakarta")
NOTHING = Moments(0, 0, 0)


@pytest.mark.parametrize(
    ("base", "treated", "held", "rise"),
    [(0.10, 3841, 3841, 0.02), (0.01, 7750, 7750, 0.005), (0.12, 3600, 400, 0.0488), (0.12, 3200, 800, 0.0366)],
)
def test_the_least_rise_is_that_of_the_published_sizes(base: float, treated: int, held: int, rise: float) -> None:
    assert detectable_rise(base, treated, held) == pytest.approx(rise, rel=0.01)


def test_the_least_rise_is_found_four_times_out_of_five() -> None:
    treated, held, base = 2000, 500, 0.15
    rise = detectable_rise(base, treated, held)
    assert rise is not None
    rng, found = Random(11), 0
    for _ in range(400):
        hits = (sum(rng.random() < base + rise for _ in range(treated)), sum(rng.random() < base for _ in range(held)))
        found += (newcombe(hits[0], treated, hits[1], held).low or 0) > 0
    assert 0.8 - 3.3 * sqrt(0.8 * 0.2 / 400) < found / 400 < 0.8 + 3.3 * sqrt(0.8 * 0.2 / 400)


def test_arms_that_were_read_tell_what_they_could_have_shown() -> None:
    assert least_seen(360, 3600, 120, 400) == detectable_rise(0.12, 3600, 400)
    assert (least_seen(3, 4, 2, 3), least_seen(0, 0, 0, 0)) == (None, None)


def test_where_nothing_can_be_told_apart_it_says_so() -> None:
    assert detectable_rise(0.5, 3, 3) is None
    assert detectable_rise(0.1, 100, 0) is None
    assert detectable_apart(0.5, {"a": 3, "b": 4000}) is None


def test_more_variants_ask_for_more_of_a_difference() -> None:
    assert strict(1) == pytest.approx(norm.ppf(0.975))
    assert strict(6) == pytest.approx(norm.ppf(1 - 0.05 / 12))
    two = detectable_apart(0.1, {"a": 1000, "b": 1000})
    three = detectable_apart(0.1, {"a": 1000, "b": 1000, "c": 1000})
    assert two is not None
    assert three is not None
    assert two < three


@pytest.mark.parametrize(
    ("due", "key", "ends"),
    [
        ((2027, 1, 28), "2027q1", (2027, 4, 1)),
        ((2027, 3, 31, 20), "2027q2", (2027, 7, 1)),
        ((2027, 12, 30), "2027q4", (2028, 1, 1)),
    ],
)
def test_a_rhythm_is_read_once_a_quarter(due: tuple[int, ...], key: str, ends: tuple[int, int, int]) -> None:
    at = datetime(*due, tzinfo=UTC)  # type: ignore[arg-type, misc]
    found = period_of(OnEvent(kind="event", event="birthday"), "day:2027-01-28", at, JAKARTA)
    assert (found.key, found.ends) == (key, datetime(*ends, tzinfo=JAKARTA))


def test_a_feast_is_read_after_its_last_mail() -> None:
    trigger = OnHoliday(kind="holiday", holiday="eid_al_fitr", offsets_days=(-14, -3))
    first = period_of(trigger, "eid_al_fitr:2027:-14", datetime(2027, 2, 24, 2, tzinfo=UTC), JAKARTA)
    last = period_of(trigger, "eid_al_fitr:2027:-3", datetime(2027, 3, 7, 2, tzinfo=UTC), JAKARTA)
    assert first == last
    assert first.ends == datetime(2027, 3, 7, 2, tzinfo=UTC)
    due = datetime(2027, 2, 24, 2, tzinfo=UTC)
    assert period_of(Once(kind="once"), "once", due, JAKARTA).ends == due


def entered(key: str, n: int, hits: int, *, each: float = 0.0) -> Contender:
    """A third of the people; each contributed ``each`` ± 1."""
    return Contender(key, 1 / 3, n, hits, Moments(n, n * each, n * (each * each + 1)))


def test_a_winner_is_above_all_others() -> None:
    close = [entered("a", 1000, 150), entered("b", 1000, 145), entered("c", 1000, 60)]
    assert contest(close, final=True, earns=False).verdict == "inconclusive"
    clear = [entered("a", 1000, 200), entered("b", 1000, 145), entered("c", 1000, 60)]
    found = contest(clear, final=True, earns=False)
    assert (found.verdict, found.winner, len(found.pairs)) == ("winner", "a", 3)
    assert contest(clear, final=False, earns=False).winner is None


def test_who_wins_at_a_loss_is_called_dear() -> None:
    arms = [entered("a", 1000, 300, each=1), entered("b", 1000, 100, each=2), entered("c", 1000, 90)]
    found = contest(arms, final=True, earns=True)
    assert (found.verdict, found.winner) == ("dear", "a")


def test_uneven_variants_have_no_winner() -> None:
    found = contest([entered("a", 1300, 600), entered("b", 1000, 100), entered("c", 1000, 100)], final=True, earns=True)
    assert (found.verdict, found.winner) == ("uneven", None)


def test_equal_variants_hardly_ever_have_a_winner() -> None:
    rng, won = Random(5), 0
    for _ in range(600):
        arms = [entered(key, 400, sum(rng.random() < 0.12 for _ in range(400))) for key in "abc"]
        won += contest(arms, final=True, earns=False).winner is not None
    assert won / 600 <= 0.05


def test_no_variant_no_number() -> None:
    assert newcombe(0, 0, 0, 0).difference is None
    assert NOTHING + Moments(2, 3.0, 5.0) == Moments(2, 3.0, 5.0)
