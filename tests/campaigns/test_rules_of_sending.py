"""Guards, codes, arms, margins and proof: pure, so that each case is one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sqrt

import pytest
from sqlalchemy import BigInteger, Connection, create_engine, func, literal, select

from campaigns import arms
from campaigns.guard_terms import Guards, QuietHours
from campaigns.guards import SEND, Act, Candidate, judge, must_pause, quiet_until
from campaigns.offers.codes import ALPHABET, code_for, prefix_for
from campaigns.offers.margin import Trade, liability
from campaigns.offers.margin import judge as judge_margin
from campaigns.offers.offer import offer_of
from campaigns.proof import Moments, newcombe, sample_ratio_p, t_quantile, welch
from plugin_server.db.session import psycopg_url
from plugin_server.launcher.supervisor import ServiceUrls
from tests.campaigns.draws import draw, variant_of

NOON = datetime(2027, 2, 24, 5, tzinfo=UTC)
NIGHT = datetime(2027, 2, 24, 15, 30, tzinfo=UTC)
FINE = Candidate("subscribed", None, "a@example.com", False, None, None)


@pytest.mark.parametrize(
    ("candidate", "act", "reason"),
    [
        (FINE, Act.SEND, ""),
        (replace(FINE, consent="unsubscribed"), Act.SKIP, "unsubscribed: has said no to these mails"),
        (replace(FINE, consent="pending"), Act.SKIP, "not_subscribed: has not confirmed the subscription yet"),
        (replace(FINE, consent="unknown"), Act.SKIP, "not_subscribed: has never said yes to these mails"),
        (replace(FINE, suppressed="bounced"), Act.SKIP, "suppressed: bounced"),
        (replace(FINE, email=None), Act.SKIP, "no_email: there is no address to write to"),
        (replace(FINE, erased=True), Act.SKIP, "no_email: there is no address to write to"),
        (replace(FINE, capped_until=NOON + timedelta(hours=1)), Act.DEFER,
         "frequency_cap: enough mails lately; waits until 2027-02-24 06:00 UTC"),
        (replace(FINE, capped_until=NOON - timedelta(hours=1)), Act.SEND, ""),
        (replace(FINE, capped_until=NOON + timedelta(days=9)), Act.SKIP,
         "frequency_cap: enough mails lately; there is room again at 2027-03-05 05:00 UTC, too late for this campaign"),
        (replace(FINE, timezone="America/New_York"), Act.DEFER,
         "quiet_hours: it is night there; waits until 2027-02-24 13:00 UTC"),
        (replace(FINE, timezone="No/Where"), Act.SEND, ""),
    ],
)  # fmt: skip
def test_whom_a_mail_spares(candidate: Candidate, act: Act, reason: str) -> None:
    verdict = judge(candidate, Guards(), now=NOON, deadline=NOON + timedelta(days=7), shop_zone="Asia/Jakarta")
    assert (verdict.act, verdict.reason) == (act, reason)


def test_a_stale_mail_is_left_out() -> None:
    assert judge(FINE, Guards(), now=NOON, deadline=NOON, shop_zone="UTC").act is Act.SKIP
    assert judge(FINE, Guards(), now=NOON, deadline=NOON + timedelta(seconds=1), shop_zone="Asia/Jakarta") == SEND


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("21:00", "08:00", NIGHT, datetime(2027, 2, 25, 1, tzinfo=UTC)),
        ("21:00", "08:00", NIGHT + timedelta(hours=4), datetime(2027, 2, 25, 1, tzinfo=UTC)),
        ("21:00", "08:00", datetime(2027, 2, 25, 1, tzinfo=UTC), None),
        ("21:00", "08:00", NOON, None),
        ("11:00", "13:00", NOON, datetime(2027, 2, 24, 6, tzinfo=UTC)),
    ],
)
def test_quiet_hours_end_in_the_morning(start: str, end: str, now: datetime, until: datetime | None) -> None:
    assert quiet_until(QuietHours.model_validate({"from": start, "to": end}), None, "Asia/Jakarta", now) == until


def test_few_mails_prove_nothing_many_do() -> None:
    assert must_pause(499, 499, 499) is None
    assert must_pause(500, 9, 0) is None
    assert must_pause(500, 10, 0) == "10 of 500 mails bounced (2 % or more). Clean the list before you go on."
    assert must_pause(1000, 0, 1) is not None


def test_codes_are_derived_readable_and_not_guessable_from_each_other() -> None:
    code = code_for("secret", prefix="LEBARAN", run_id=1, customer_id=1)
    assert code == code_for("secret", prefix="LEBARAN", run_id=1, customer_id=1)
    others = {
        code_for(key, prefix="LEBARAN", run_id=run, customer_id=c) for key in "ab" for run in (1, 2) for c in (1, 2)
    }
    assert len(others | {code}) == 9
    assert not set("01OILU") & set(ALPHABET)
    assert code.startswith("LEBARAN-")
    assert set(code.removeprefix("LEBARAN-")) <= set(ALPHABET)
    assert prefix_for("lebaran-thanks") == "LEBARAN"
    assert prefix_for("--") == "OFFER"


def test_ten_thousand_codes_of_a_run_differ() -> None:
    assert len({code_for("k", prefix="A", run_id=1, customer_id=n) for n in range(10_000)}) == 10_000


PEOPLE = func.generate_series(0, 19_999).column_valued("person")


@pytest.fixture
def conn(services: ServiceUrls) -> Iterator[Connection]:
    engine = create_engine(psycopg_url(services.database_url))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def test_the_draw_is_the_same_whoever_makes_it(conn: Connection) -> None:
    shares = {"a": Decimal("0.5"), "b": Decimal("0.3"), "c": Decimal("0.2")}
    for person in (1, 7, 4711, 2**40):
        number = literal(person, BigInteger)
        drawn, variant = conn.execute(
            select(arms.drawn("campaign:3", number), arms.variant_drawn(shares, "campaign:3", number))
        ).one()
        assert drawn == draw("campaign:3", person)
        assert variant == variant_of(shares, drawn)
    assert [variant_of(shares, at) for at in (0.0, 0.4999, 0.5, 0.79, 0.81, 0.9999)] == ["a", "a", "b", "b", "c", "c"]
    assert conn.scalar(select(arms.variant_drawn({}, "campaign:3", literal(1)))) == variant_of({}, 0.3) == ""


def test_draws_lie_between_zero_and_one_and_variants_have_their_shares(conn: Connection) -> None:
    shares = {"a": Decimal("0.5"), "b": Decimal("0.3"), "c": Decimal("0.2")}
    number = arms.drawn("variant:7", PEOPLE)
    least, most = conn.execute(select(func.min(number), func.max(number))).one()
    assert 0 <= least < most < 1
    each = select(arms.variant_drawn(shares, "variant:7", PEOPLE).label("variant")).subquery()
    counted = conn.execute(select(each.c.variant, func.count().label("n")).group_by(each.c.variant))
    found = {row.variant: row.n for row in counted}
    for key, share in shares.items():
        wide = 4 * sqrt(float(share * (1 - share)) / 20_000)
        assert found[key] / 20_000 == pytest.approx(float(share), abs=wide)


def test_the_holdout_is_as_large_as_asked_and_lasts_a_quarter(conn: Connection) -> None:
    salt = arms.lasting_salt(1, date(2027, 2, 1))
    held = conn.scalar(select(func.count()).where(arms.drawn(salt, PEOPLE) < 0.1)) or 0
    assert 1850 < held < 2150
    assert salt == arms.lasting_salt(1, date(2027, 3, 31)) != arms.lasting_salt(1, date(2027, 4, 1))
    assert arms.own_share(Decimal("0.1"), Decimal("0.1")) == 0
    assert arms.own_share(Decimal("0.28"), Decimal("0.1")) == Decimal("0.2")


TRADE = Trade(20_000_000, 1_500_000, Decimal("0.40"), Decimal(1))


@pytest.mark.parametrize(
    ("offer", "ok", "uplift"),
    [
        ({"kind": "percentage", "value": "10"}, True, "0.333"),
        ({"kind": "percentage", "value": "40"}, False, None),
        ({"kind": "percentage", "value": "39"}, True, "39.000"),
        ({"kind": "fixed", "value": "100000"}, False, None),
        ({"kind": "fixed", "value": "100000", "minimum": "500000"}, True, "1.000"),
        ({"kind": "free_shipping"}, True, "0.231"),
    ],
)
def test_an_offer_must_leave_something(offer: dict[str, str], ok: bool, uplift: str | None) -> None:
    verdict = judge_margin(offer_of(offer), "IDR", TRADE)
    assert verdict.ok is ok
    assert (f"{verdict.uplift:.3f}" if verdict.uplift is not None else None) == uplift


def test_without_unit_costs_nobody_can_judge() -> None:
    verdict = judge_margin(offer_of({"kind": "percentage", "value": 90}), "IDR", replace(TRADE, margin=None))
    assert (verdict.ok, verdict.margin) == (True, None)


@pytest.mark.parametrize(
    ("offer", "average", "cost"),
    [
        ({"kind": "fixed", "value": "25000"}, 20_000_000, 2_500_000),
        ({"kind": "percentage", "value": "10"}, 20_000_000, 2_000_000),
        ({"kind": "percentage", "value": "10", "minimum": "300000"}, 20_000_000, 3_000_000),
        ({"kind": "percentage", "value": "10"}, 0, 1),
        ({"kind": "free_shipping"}, 1_500_000, 1_500_000),
    ],
)
def test_what_a_code_may_cost(offer: dict[str, str], average: int, cost: int) -> None:
    assert liability(offer_of(offer), "IDR", average) == cost


def test_newcombes_own_example() -> None:
    found = newcombe(56, 70, 48, 80)
    assert found.low == pytest.approx(0.0524, abs=1e-4)
    assert found.high == pytest.approx(0.3339, abs=1e-4)
    assert found.conclusive


def test_empty_arms_say_nothing() -> None:
    assert newcombe(0, 0, 1, 10).difference is None
    assert welch(Moments(1, 5, 25), Moments(9, 5, 25)).low is None


@pytest.mark.parametrize(("freedom", "point"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1e9, 1.960)])
def test_students_t(freedom: float, point: float) -> None:
    assert t_quantile(freedom) == pytest.approx(point, abs=4e-3)


def test_welch_by_hand() -> None:
    a, b = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9], [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0]
    found = welch(*(Moments(len(x), sum(x), sum(v * v for v in x)) for x in (a, b)))
    assert found.difference == pytest.approx(-2.5, abs=0.01)
    assert found.low == pytest.approx(-6.684, abs=0.05)
    assert not found.conclusive


def test_uneven_arms_are_noticed() -> None:
    assert sample_ratio_p(900, 100, 0.1) == 1.0
    assert (sample_ratio_p(900, 150, 0.1) or 1) < 1e-4
    assert sample_ratio_p(0, 0, 0.1) is None
