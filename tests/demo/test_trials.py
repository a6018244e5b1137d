"""Campaigns of the demo's past: nothing is found where nothing is, and true effects lie within their intervals."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import fmean, stdev

import pytest
from sqlalchemy import text

from campaigns.proof import Difference, newcombe
from plugin_server.db.campaigning import campaigns
from plugin_server.db.proof import pooled as proof
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.demo import past
from plugin_server.demo.generator import generate, with_past
from plugin_server.demo.generator_export import campaigns_json, effects_json
from plugin_server.demo.generator_trials import tried
from plugin_server.demo.generator_types import ShopData, Tried
from plugin_server.wiring import Services

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SEEDS = 30


@pytest.fixture(scope="module")
def base() -> ShopData:
    """The shop before any campaign."""
    return generate(seed=1, now=NOW, past=False)


def counts(data: ShopData, one: Tried) -> dict[str, tuple[int, int]]:
    """(buyers, people) treated and held out, from the shop's own books."""
    end = one.began + timedelta(days=one.days)
    bought = {data.people[o.person].email for o in data.orders if o.counts and one.began <= o.created < end}
    found = {}
    for arm in ("treated", "holdout"):
        people = [email for email, drawn, _ in one.members if (drawn == "treated") == (arm == "treated")]
        found[arm] = (sum(email in bought for email in people), len(people))
    return found


def read(data: ShopData, one: Tried) -> Difference:
    found = counts(data, one)
    return newcombe(*found["treated"], *found["holdout"])


def truth(one: Tried) -> float:
    """The mean effect over its audience."""
    return fmean(one.effects.get(rung, one.effects.get("", 0.0)) for _, _, rung in one.members)


def test_known_effects_are_recovered_over_many_draws(base: ShopData) -> None:
    within, found, chance = 0, defaultdict[str, list[float]](list), 0
    for seed in range(SEEDS):
        data = tried(base, seed)
        assert len(data.trials) == 4
        for one in data.trials:
            told = read(data, one)
            assert told.difference is not None
            assert told.low is not None
            assert told.high is not None
            within += told.low <= truth(one) <= told.high
            chance += told.conclusive and not one.effects
            found[one.key].append(told.difference - truth(one))
    assert within >= 0.95 * SEEDS * 4 - 3 * sqrt(0.95 * 0.05 * SEEDS * 4)
    assert chance <= 4  # of 30 times that nothing was there
    for key, errors in found.items():
        assert abs(fmean(errors)) < 3.2 * stdev(errors) / sqrt(SEEDS), key


def test_a_shop_too_small_to_learn_from_has_no_past() -> None:
    small = generate(seed=5, customers=200, now=NOW)
    assert small == generate(seed=5, customers=200, now=NOW, past=False)


def test_the_record_of_the_past_does_not_tell_the_truth(base: ShopData) -> None:
    data = with_past(base, 1)
    assert "effects" not in campaigns_json(data)
    assert "0.03" in effects_json(data)
    assert [order.id for order in data.orders] == sorted(order.id for order in data.orders)


def test_the_product_counts_what_the_shop_counts(base: ShopData, app: Services, merchant: int, store: int) -> None:
    data = with_past(base, 1)
    trials = [
        {"key": one.key, "name": one.name, "began": one.began.isoformat(), "days": one.days, "lasting": one.lasting,
         "held_out": one.held_out, "members": one.members}
        for one in data.trials
    ]  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        emails = [person.email.lower() for person in data.people]
        conn.execute(text(PEOPLE), {"m": merchant, "emails": emails})
        orders = [order for order in data.orders if order.counts]
        given = {"at": [o.created for o in orders], "emails": [emails[o.person] for o in orders]}
        conn.execute(text(ORDERS), given | {"m": merchant, "s": store, "ids": [str(o.id) for o in orders]})
        conn.execute(text("SELECT tangga_analyze()"))  # as after every reading
    assert past.enter(app, merchant, trials) == 4
    assert past.enter(app, merchant, trials) == 0
    with tenant(app.engine, merchant) as conn:
        for one in data.trials:
            told = results.of_campaign(conn, campaigns.need(conn, one.key), NOW)
            expected = counts(data, one)
            assert {arm: (told["arms"][arm]["buyers"], told["arms"][arm]["n"]) for arm in expected} == expected
            assert told["final"]
            assert told["sample_ratio_p"] > 0.001
            assert told["differences"]["conversion"]["low"] == pytest.approx(read(data, one).low)
        whole = proof.of_merchant(conn, NOW)
    held = sum(arm == "lasting_holdout" for one in data.trials for _, arm, _ in one.members)
    assert sum(quarter["arms"]["holdout"]["n"] for quarter in whole["quarters"]) == held
    assert len(whole["quarters"]) == 4


PEOPLE = """
INSERT INTO customer (merchant_id, email, email_norm, created_at)
SELECT :m, e, e, '2024-01-01' FROM unnest(CAST(:emails AS text[])) e
"""
ORDERS = """
INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, currency, total_minor,
                        content)
SELECT :m, :s, t.id, c.id, 'completed', true, t.at, 'IDR', 10000000, 'x'
FROM unnest(CAST(:ids AS text[]), CAST(:emails AS text[]), CAST(:at AS timestamptz[])) AS t(id, email, at)
JOIN customer c ON c.email_norm = t.email
"""
