"""The models against the integrals that define them, published figures, and customers made by their own story."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta, gamma, roots_genlaguerre, roots_jacobi
from scipy.stats import beta as beta_law

from campaigns.forecast import buying, outlook, spend
from campaigns.forecast.buying import Buying, NoFit
from campaigns.forecast.histories import Histories, distinct
from tests.forecast.customers import CDNOW, CDNOW_SPEND, history, made

BG = Buying("bg/nbd", *CDNOW, 0.0)
MBG = Buying("mbg/nbd", *CDNOW, 0.0)


def defined(model: Buying, x: int, recency: float, weeks: float) -> float:
    """The likelihood as the story tells it, before anybody simplified it: summed over rates and coins by quadrature."""
    base = model.alpha + recency
    rates, by_rate = roots_genlaguerre(60, model.r - 1)
    knots, by_coin = roots_jacobi(60, model.b - 1, model.a - 1)
    rate, p = rates[:, None] / base, (knots[None, :] + 1) / 2
    lived = (1 - p) ** (x + model.k) * rate**x * np.exp(-rate * (weeks - recency))
    died = p * (1 - p) ** (x + model.k - 1) * rate**x if x + model.k else 0.0
    weighed = by_rate @ (lived + died) @ by_coin
    spread = (
        gamma(model.r) / model.alpha**model.r * base**model.r * beta(model.a, model.b) * 2 ** (model.a + model.b - 1)
    )
    return float(weighed / spread)


@pytest.mark.parametrize("model", [replace(BG, r=1.3, a=1.4), replace(MBG, r=1.3, a=1.4)], ids=["bg", "mbg"])
@pytest.mark.parametrize("row", [(0, 0, 180), (2, 150, 210), (5, 33, 273)])
def test_the_likelihood_is_the_integral_that_defines_it(model: Buying, row: tuple[int, int, int]) -> None:
    found = math.exp(buying.likelihood(history(row), model))
    assert found == pytest.approx(defined(model, row[0], row[1] / 7, row[2] / 7), rel=1e-5)


def test_published_figures() -> None:
    # Customer 1 of the paper's worksheet: two repeats, the latest after 30.43 weeks of 38.86; 39 weeks ahead.
    one = history((2, 213, 272))
    assert BG.orders(one, 39)[0] == pytest.approx(1.226, abs=5e-4)
    # Customer 1516 of the BTYD package's walkthrough: 26 repeats in 31 weeks; a year ahead.
    assert BG.orders(history((26, 216, 217)), 52)[0] == pytest.approx(25.76, abs=5e-3)
    assert BG.alive(history((0, 0, 272)))[0] == 1
    assert MBG.alive(history((0, 0, 272)))[0] < 1


@settings(max_examples=40, deadline=None)
@given(
    x=st.integers(0, 150),
    idle=st.integers(0, 300),
    weeks=st.floats(0.5, 104),
    a=st.floats(0.05, 4),
    model=st.sampled_from([BG, MBG]),
)
def test_expected_orders_are_the_integral_that_defines_them(
    x: int, idle: int, weeks: float, a: float, model: Buying
) -> None:
    model, of = replace(model, a=a), history((x, x * 2, x * 2 + idle))
    left, rate, shape = model.b + x + model.k, model.alpha + of.weeks[0], model.r + x

    def living(p: float) -> float:
        # (1 − E exp(−λpt)) / p over the rate's posterior.
        return float(beta_law.pdf(p, a, left)) * -math.expm1(-shape * math.log1p(p * weeks / rate)) / p

    wanted = model.alive(of)[0] * (quad(living, 0, 0.01, limit=200)[0] + quad(living, 0.01, 1, limit=200)[0])
    assert model.orders(of, weeks)[0] == pytest.approx(wanted, rel=2e-4, abs=1e-9)


def test_chances_and_quantiles_are_those_of_simulated_futures() -> None:
    dice, n, weeks = np.random.default_rng(4), 40_000, 20.0
    of = history((4, 120, 150))
    rate = dice.gamma(MBG.r + 4, 1 / (MBG.alpha + of.weeks[0]), n)
    coin = dice.beta(MBG.a, MBG.b + 5, n)
    alive, clock, orders = dice.random(n) < MBG.alive(of)[0], np.zeros(n), np.zeros(n, dtype=int)
    while alive.any():
        clock = clock + dice.exponential(1, n) / rate
        ordered = alive & (clock < weeks)
        orders += ordered
        alive = ordered & (dice.random(n) >= coin)
    assert MBG.orders(of, weeks)[0] == pytest.approx(orders.mean(), rel=0.03)
    assert MBG.buys(of, weeks)[0] == pytest.approx((orders > 0).mean(), abs=0.01)
    assert MBG.variance(of, weeks)[0] == pytest.approx(orders.var(), rel=0.05)
    found = MBG.quantiles(of, weeks, (0.25, 0.5, 0.9))[:, 0]
    assert found.tolist() == np.quantile(orders, (0.25, 0.5, 0.9), method="inverted_cdf").tolist()


def test_the_orders_of_all_fall_between_four_times_out_of_five() -> None:
    """People of the models' own making: what 400 of them order afterwards, drawn anew a thousand times."""
    dice, weeks, size = np.random.default_rng(8), 13.0, 400
    of = history(*[(3, 120, 150)] * size)
    forecast = outlook.Forecast(MBG, MBG, None)
    rate = dice.gamma(MBG.r + 3, 1 / (MBG.alpha + of.weeks[0]), (1_000, size))
    coin = dice.beta(MBG.a, MBG.b + 4, rate.shape)
    alive, clock, orders = dice.random(rate.shape) < MBG.alive(of)[0], np.zeros(rate.shape), np.zeros(1_000)
    while alive.any():
        clock = clock + dice.exponential(1, rate.shape) / rate
        ordered = alive & (clock < weeks)
        orders += ordered.sum(axis=1)
        alive = ordered & (dice.random(rate.shape) >= coin)
    low, high = forecast.all_between(of, weeks)
    assert ((low <= orders) & (orders <= high)).mean() == pytest.approx(0.8, abs=0.05)


def test_the_window_holds_half_of_the_next_orders() -> None:
    of = history((4, 120, 150))
    sure = replace(BG, a=1e-9)
    low, high = sure.wait(of, 0.25)[0], sure.wait(of, 0.75)[0]
    assert (sure.buys(of, low)[0], sure.buys(of, high)[0]) == pytest.approx((0.25, 0.75), abs=1e-6)


def test_published_parameters_are_found_again() -> None:
    people = made(60_000, CDNOW, at_once=False, days=(27 * 7, 39 * 7), seed=1)
    found = buying.fit(people, "bg/nbd")
    # Three standard errors of the paper's sample, for one 25 times as large.
    assert (found.r, found.alpha) == pytest.approx(CDNOW[:2], rel=0.04)
    assert (found.a, found.b) == pytest.approx(CDNOW[2:], rel=0.12)
    assert found.a / (found.a + found.b) == pytest.approx(CDNOW[2] / sum(CDNOW[2:]), rel=0.03)
    assert found.log_likelihood >= buying.likelihood(people, BG)
    spent = spend.fit(people)
    assert (spent.p, spent.q, spent.v) == pytest.approx(CDNOW_SPEND, rel=0.05)


def test_people_who_drop_out_at_once_are_told_from_those_who_wait() -> None:
    people = made(40_000, (0.6, 6.0, 0.9, 2.2), at_once=True, days=(200, 600), seed=2)
    wrong, right = buying.fit(people, "bg/nbd"), buying.fit(people, "mbg/nbd")
    assert right.log_likelihood > wrong.log_likelihood + 10
    assert (right.r, right.alpha, right.a, right.b) == pytest.approx((0.6, 6.0, 0.9, 2.2), rel=0.1)


def test_equal_histories_count_as_often_as_they_occur() -> None:
    rows = history(*[(0, 0, 90)] * 3, (2, 50, 90), *[(1, 20, 70)] * 2)
    held, people = distinct(rows)
    assert sorted(zip(held.repeats.tolist(), people.tolist(), strict=True)) == [(0, 3), (1, 2), (2, 1)]
    apart = sum(buying.likelihood(rows.of(np.arange(6) == n), BG) for n in range(6))
    assert buying.likelihood(rows, BG) == pytest.approx(apart)


def test_spend_is_drawn_towards_the_shop_the_less_is_known() -> None:
    model = spend.Spend(*CDNOW_SPEND, 0.0)
    of = Histories(*(np.array([n, n, n]) for n in (0, 0, 300)), np.array([np.nan, 100.0, 100.0]))
    of = replace(of, repeats=np.array([0, 1, 20]))
    p, q, v = CDNOW_SPEND
    wanted = [p * (v + x * m) / (p * x + q - 1) for x, m in ((0, 0.0), (1, 100.0), (20, 100.0))]
    assert model.value(of) == pytest.approx(wanted)
    dice = np.random.default_rng(5)
    sums = dice.gamma(p * 3, size=200_000) / dice.gamma(p * 1 + q, 1 / (v + 100), 200_000)
    assert model.total(of, np.full(3, 3.0), 0.9)[1] == pytest.approx(np.quantile(sums, 0.9), rel=0.01)
    assert model.total(of, np.zeros(3), 0.9).tolist() == [0, 0, 0]


@pytest.mark.parametrize("rows", [[], [(0, 0, 10), (0, 0, 90)]])
def test_what_cannot_be_fitted_is_refused(rows: list[tuple[int, int, int]]) -> None:
    with pytest.raises(NoFit):
        outlook.fit(history(*rows))


EDGES = {
    "one of many came back": [(1, 5, 300), *[(0, 0, 300)] * 200],
    "every day": [(300, 300, 300)] * 50,
    "like a clockwork": [(10, 300, 300)] * 50,
    "again at once and never more": [(1, 1, 365)] * 50,
    "as if by dice": [(1 + n % 8, 1 + n * 37 % 199, 300) for n in range(200)],
    "three resellers": [*[(3000, 3000, 3600)] * 3, *[(0, 0, 3600)] * 200],
    "still on their first day": [(1, 1, 1), *[(0, 0, 0)] * 50],
}


@pytest.mark.parametrize("rows", EDGES.values(), ids=list(EDGES))
def test_a_fit_at_the_edge_still_gives_figures(rows: list[tuple[int, int, int]]) -> None:
    of = history(*rows)
    made = outlook.fit(of)
    for weeks in (1.0, 13.0, 520.0):
        orders, chance = made.orders(of, weeks), made.buys(of, weeks)
        assert np.isfinite(orders).all()
        assert (orders >= 0).all()
        most = (made.again.r + of.x) / (made.again.alpha + of.weeks) * weeks
        some = of.repeats > 0
        assert (orders[some] <= most[some] * (1 + 1e-6)).all()
        assert ((chance >= 0) & (chance <= 1)).all()
    assert not np.isnan(made.window(of)).any()


def test_the_gates() -> None:
    people = made(2_000, CDNOW, at_once=False, days=(27 * 7, 39 * 7), seed=3)
    forecast = outlook.fit(people)
    later = np.round(forecast.orders(people, 10)).astype(np.int64) + (np.arange(2_000) % 5 == 0)
    calibration = outlook.calibrate(people, later, 70)
    assert sum(one.customers for one in calibration.by_repeats) == 2_000
    open_ = outlook.gates(people, span=273, quiet=3, made=forecast, calibration=calibration)
    assert [gate.name for gate in open_] == ["buyers", "history", "recent", "regulars", "fit", "holdout"]
    assert calibration.error == abs(calibration.predicted - later.sum()) / later.sum()
    few = people.of(np.arange(2_000) < 400)
    closed = outlook.gates(few, span=100, quiet=31, made=None, calibration=None)
    assert [gate.ok for gate in closed] == [False, False, False, True, False, False]
    assert outlook.degenerate(replace(BG, b=1_001))
    assert outlook.degenerate(replace(BG, a=0.003, b=6.7))
