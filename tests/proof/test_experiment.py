"""Uplift of randomised tables: against published examples, the definition of the always-valid test, and bad files."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from campaigns.proof import Z, newcombe, t_quantile, welch
from campaigns.proof.experiment import Outcome, always_valid, detectable, people_needed, ratio_p, sample
from plugin_server.cli import cli
from plugin_server.cli.context import BadInput

NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
]
"""Table II of the paper, method 10."""

DRUG_1 = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
DRUG_2 = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)
"""Hours of sleep gained, as in Student's paper of 1908; Welch's interval of it stands in R's manual of t.test."""


@pytest.mark.parametrize("case", NEWCOMBE)
def test_newcombe_as_published(case: tuple[int, int, int, int, float, float]) -> None:
    found = newcombe(*case[:4])
    assert (round(found.low or 0, 4), round(found.high or 0, 4)) == case[4:]


def test_welch_as_published() -> None:
    found = welch(sample(DRUG_1), sample(DRUG_2))
    assert found.difference == pytest.approx(-1.58)
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


def test_student_t_has_all_its_digits() -> None:
    # One degree is Cauchy's law; two have a closed form.
    assert t_quantile(1) == pytest.approx(math.tan(math.pi * 0.475), rel=1e-12)
    assert t_quantile(2) == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)), rel=1e-12)
    assert t_quantile(1e9) == pytest.approx(Z, rel=1e-8)


def test_large_numbers_keep_small_differences() -> None:
    assert sample([1e9 + value for value in DRUG_1]).variance == pytest.approx(sample(DRUG_1).variance, rel=1e-6)


def test_how_many_people_it_takes() -> None:
    pairs = [(0.01, 0.015), (0.02, 0.03), (0.10, 0.12), (0.12, 0.15)]
    assert [people_needed(*pair) for pair in pairs] == [7750, 3826, 3841, 2036]


def share(hits: int, n: int) -> Outcome:
    return Outcome(sample([1.0] * hits + [0.0] * (n - hits)), True)


def test_what_could_have_been_found() -> None:
    assert detectable(share(432, 3600), share(48, 400)) == pytest.approx(0.048, abs=5e-5)
    assert detectable(share(0, 3200), share(96, 800)) == pytest.approx(0.036, abs=5e-5)
    assert detectable(share(1, 10), share(0, 10)) is None


def test_sample_ratio() -> None:
    # χ² of 2 with one degree of freedom, and of 3 with two: known tails.
    assert ratio_p({"a": 60, "b": 40}) == pytest.approx(math.erfc(math.sqrt(4 / 2)))
    assert ratio_p({"a": 60, "b": 30, "c": 30}) == pytest.approx(math.exp(-15 / 2))
    assert ratio_p({"a": 900, "b": 100}, {"a": 0.9, "b": 0.1}) == 1
    assert ratio_p({"a": 5}) is None


@given(st.floats(1e-8, 1e4), st.floats(1e-8, 1e4))
def test_the_always_valid_interval_ends_where_the_mixture_ratio_is_one_in_twenty(error: float, prior: float) -> None:
    half, total = always_valid(error, prior=prior), error + prior
    ratio = math.sqrt(error / total) * math.exp(prior * half**2 / (2 * error * total))
    assert ratio == pytest.approx(20, rel=1e-6)
    assert half > Z * math.sqrt(error)


def test_looking_after_every_person_misleads_seldom() -> None:
    dice, misled, peeked = random.Random(1), 0, 0
    for _ in range(300):
        total, wrong, naive = 0.0, False, False
        for n in range(1, 1001):
            total += dice.gauss(0, 1)
            wrong = wrong or abs(total / n) > always_valid(1 / n, prior=8.4 / 1000)
            naive = naive or (n >= 20 and abs(total / n) > Z / math.sqrt(n))
        misled, peeked = misled + wrong, peeked + naive
    assert misled <= 15
    assert peeked > 60


def read(path: Path, *words: str) -> dict[str, Any]:
    given = ["experiment", "read", str(path), "--arm", "segment", "--control", "none", *words, "--json"]
    done = CliRunner().invoke(cli, given, standalone_mode=False)
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written(path: Path, *rows: str) -> Path:
    text = "\n".join(("segment,visit,spend", *rows)) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_a_table_of_three_arms(tmp_path: Path) -> None:
    rows = [f"none,{i % 4 == 0:d},{value}" for i, value in enumerate(DRUG_2)]
    rows += [f"mail,{i % 2},{value}" for i, value in enumerate(DRUG_1)] + ["card,yes,1", "card,no,3"]
    found = read(written(tmp_path / "t.csv.gz", *rows), "--outcome", "visit", "--outcome", "spend", "--always-valid")
    assert {arm: held["n"] for arm, held in found["arms"].items()} == {"none": 10, "mail": 10, "card": 2}
    by = {(one["arm"], one["outcome"]): one for one in found["differences"]}
    assert set(by) == {(arm, outcome) for arm in ("mail", "card") for outcome in ("visit", "spend")}
    spend, visit = by["mail", "spend"], by["mail", "visit"]
    assert (spend["method"], visit["method"]) == ("welch", "newcombe")
    assert (spend["low"], spend["high"]) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    wanted = newcombe(5, 10, 3, 10)
    assert (visit["difference"], visit["low"], visit["high"]) == (wanted.difference, wanted.low, wanted.high)
    assert spend["always_low"] < spend["low"] < spend["high"] < spend["always_high"]
    assert found["sample_ratio_p"] == pytest.approx(math.exp(-(2 * (8 / 3) ** 2 + (16 / 3) ** 2) / (22 / 3) / 2))


def test_arms_that_chance_does_not_explain_are_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", *["none,0,0"] * 60, *["mail,1,1"] * 200)
    assert read(path, "--outcome", "visit")["believable"] is False
    assert read(path, "--outcome", "visit", "--expect", "none=0.23", "--expect", "mail=0.77")["believable"] is True


def test_an_arm_of_one_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "none,0,0", "none,0,5", "mail,1,7.5")
    assert [one["verdict"] for one in read(path, "--outcome", "spend")["differences"]] == ["too few people"]


def test_where_nobody_differs_no_interval_is_made_up(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", *["none,0,5"] * 3, *["mail,0,7"] * 3)
    visit, spend = read(path, "--outcome", "visit", "--outcome", "spend", "--always-valid")["differences"]
    wanted = newcombe(0, 3, 0, 3)
    assert (visit["difference"], visit["low"], visit["high"], visit["verdict"]) == (
        0, wanted.low, wanted.high, "inconclusive",
    )  # fmt: skip
    assert visit["low"] < -0.5, "three people who all stayed away say little"
    assert (spend["difference"], spend["low"], spend["high"], spend["verdict"]) == (2, None, None, "no spread")
    assert [one[key] for one in (visit, spend) for key in ("always_low", "always_high", "minimum_detectable")] == [
        None
    ] * 6


@pytest.mark.parametrize(
    ("rows", "words", "sentence"),
    [
        (["none,0,1", "mail,0,x"], ["--outcome", "spend"], "row 3, column 'spend': 'x' is not a number"),
        (["none,0,", "mail,0,1"], ["--outcome", "spend"], "row 2, column 'spend': empty"),
        (["none,0,1", ",0,1"], ["--outcome", "spend"], "row 3, column 'segment': empty"),
        (["none,0,1", "mail,0"], ["--outcome", "spend"], "row 3, column 'spend': missing"),
        (["none,0,inf", "mail,0,1"], ["--outcome", "spend"], "not a finite number"),
        (["none,0,1", "mail,0,1e300"], ["--outcome", "spend"], "'1e300' is too large"),
        (["none,0,1", "mail,0,1,9"], ["--outcome", "spend"], "row 3, column 'spend': the row has 4 fields"),
        (["none,0,1", 'mail,0,"1,5"'], ["--outcome", "spend"], "write 12.5, not 12,5"),
        (["none,0,1", "mail,0,1"], ["--outcome", "sales"], "has no column 'sales'. It has: 'segment'"),
        (["a,0,1", "b,0,1"], ["--outcome", "spend"], "Its values: 'a', 'b'"),
        (["none,0,1"], ["--outcome", "spend"], "there is nobody to compare"),
        ([], ["--outcome", "spend"], "no rows"),
        (["none,0,1", "mail,0,1"], ["--outcome", "spend", "--expect", "mail"], "VALUE=SHARE"),
        (["none,0,1", "mail,0,1"], ["--outcome", "spend", "--expect", "mail=1"], "must name each"),
        ([f"{n},0,1" for n in range(60)], ["--outcome", "spend"], "more than 50 values"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, rows: list[str], words: list[str], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence.replace("(", r"\(").replace("'", ".")):
        read(written(tmp_path / "t.csv", *rows), *words)
