"""One campaign and all of them over two quarters, against the same figures counted person by person."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean, variance
from typing import Any

import pytest
from scipy.stats import ttest_ind
from sqlalchemy import Connection, text

from campaigns.proof import newcombe
from plugin_server.db import figures
from plugin_server.db.campaigning import campaigns, ending
from plugin_server.db.customers import identity
from plugin_server.db.figures import Figure
from plugin_server.db.proof import pooled as proof
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.jobs import figures as jobs_figures
from plugin_server.wiring import Services
from tests.proof.conftest import FIRST, PEOPLE, READ, SECOND, Past

KEY, MARGIN = "eid-al-fitr-thanks", 0.4
QUARTERS = (
    (FIRST, datetime(2026, 3, 31, 17, tzinfo=UTC), 0),
    (SECOND, datetime(2026, 6, 30, 17, tzinfo=UTC), 3),
)


def counted(app: Services, past: Past, at: datetime, until: datetime, rest: int) -> dict[str, dict[str, list[float]]]:
    """Orders and contribution of each person by arm, straight from the rows."""
    with tenant(app.engine, past.merchant) as conn:
        orders = conn.execute(text("SELECT customer_id, placed_at, total_minor, discount_minor FROM shop_order")).all()
    bought = defaultdict[int, list[Any]](list)
    for order in orders:
        if at <= order.placed_at < until:
            bought[order.customer_id].append(order)
    found: dict[str, dict[str, list[float]]] = {arm: defaultdict(list) for arm in ("treated", "holdout")}
    for person in range(1, PEOPLE + 1):
        if person % 50 == 49:
            continue
        mine = found["holdout" if person % 10 == rest else "treated"]
        worth = sum((o.total_minor + o.discount_minor) * MARGIN - o.discount_minor for o in bought[person])
        mine["orders"].append(len(bought[person]))
        mine["contribution"].append(worth)
        mine["bought"].append(bool(bought[person]))
    return found


def test_a_campaign_is_read_person_by_person(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        found = results.results(conn, run_id=past.runs[0], now=READ)
    arms = counted(app, past, FIRST, FIRST + timedelta(days=20), 0)
    for name, arm in arms.items():
        told = found["arms"][name]
        assert (told["n"], told["buyers"]) == (len(arm["orders"]), sum(arm["bought"]))
        assert told["orders"] == sum(arm["orders"])
        assert told["contribution"] == {"amount": f"{sum(arm['contribution']) / 100:.2f}", "currency": "IDR"}
    assert found["arms"]["treated"]["n"] == 588 - 60  # the spared stay where they were drawn
    interval = ttest_ind(arms["treated"]["orders"], arms["holdout"]["orders"], equal_var=False).confidence_interval(
        0.95
    )
    orders = found["differences"]["orders_per_customer"]
    assert (orders["low"], orders["high"]) == pytest.approx((interval.low, interval.high))
    told = found["figures"]["incremental"]["orders"]
    assert (told["low"], told["high"]) == pytest.approx((528 * interval.low, 528 * interval.high))
    climbs = [sum(g % 5 == 1 and g % 23 < 20 for g in people) for people in _arms(0)]
    sizes = [len(people) for people in _arms(0)]
    assert [found["movement"][arm]["climbed"] for arm in ("treated", "holdout")] == climbs
    expected = newcombe(climbs[0], sizes[0], climbs[1], sizes[1])
    assert found["differences"]["climbs"]["low"] == pytest.approx(expected.low)


def _arms(rest: int) -> tuple[list[int], list[int]]:
    people = [g for g in range(1, PEOPLE + 1) if g % 50 != 49]
    return [g for g in people if g % 10 != rest], [g for g in people if g % 10 == rest]


def test_quarters_pool_into_one_figure(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        found = proof.of_merchant(conn, READ)
    total, spread, people = 0.0, 0.0, 0
    for at, until, rest in QUARTERS:
        arms = counted(app, past, at, until, rest)
        treated, holdout = arms["treated"]["contribution"], arms["holdout"]["contribution"]
        total += len(treated) * (fmean(treated) - fmean(holdout))
        spread += len(treated) ** 2 * (variance(treated) / len(treated) + variance(holdout) / len(holdout))
        people += len(treated)
    half = 1.959963984540054 * spread**0.5
    told = found["pooled"]["measures"]["contribution"]["total"]
    for name, value in (("difference", total), ("low", total - half), ("high", total + half)):
        assert Decimal(told[name]["amount"]) == pytest.approx(Decimal(round(value)) / 100, abs=Decimal("0.01"))
    assert (found["pooled"]["people"], found["pooled"]["quarters"]) == (people, 2)
    assert [one["quarter"] for one in found["quarters"]] == ["2026q2", "2026q1"]
    assert found["next_reading"] is None


def test_a_quarter_that_runs_has_no_verdict(app: Services, past: Past) -> None:
    now = SECOND + timedelta(days=20)
    with tenant(app.engine, past.merchant) as conn:
        found = proof.of_merchant(conn, now)
    assert [one["verdict_key"] == "not_yet" for one in found["quarters"]] == [True, False]
    assert found["pooled"]["quarters"] == 1
    assert found["next_reading"] == "2026-07-01T00:00:00+07:00"


def test_people_found_to_be_one_count_once(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        before = results.results(conn, run_id=past.runs[0], now=READ)["arms"]
        identity.merge(conn, 1, 2, "the same", "test", READ)
        after = results.results(conn, run_id=past.runs[0], now=READ)["arms"]
    assert after["treated"]["n"] == before["treated"]["n"] - 1
    assert after["treated"]["orders"] == before["treated"]["orders"]


def test_an_order_in_two_windows_counts_once(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        conn.execute(
            text("UPDATE campaign_run SET frozen_at = :at, due_at = :at, occasion = 'by_hand:twin' WHERE id = :id"),
            {"at": FIRST + timedelta(days=2), "id": past.runs[1]},
        )
        conn.execute(text("DELETE FROM audience_member WHERE run_id = :b"), {"b": past.runs[1]})
        conn.execute(
            text(
                "INSERT INTO audience_member (run_id, customer_id, arm, rung, merchant_id) "
                "SELECT :b, customer_id, arm, rung, merchant_id FROM audience_member WHERE run_id = :a"
            ),
            {"a": past.runs[0], "b": past.runs[1]},
        )
        conn.execute(text("UPDATE campaign_version SET definition = jsonb_set(definition, '{trigger}', :t)"),
                     {"t": '{"kind": "event", "event": "birthday", "at": "09:00"}'})  # fmt: skip
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), READ)
    arms = counted(app, past, FIRST, FIRST + timedelta(days=22), 0)
    assert found["period_runs"] == [past.runs[1], past.runs[0]]
    assert found["arms"]["treated"]["n"] == len(arms["treated"]["orders"])
    assert found["arms"]["treated"]["orders"] == sum(arms["treated"]["orders"])


def test_too_few_buyers_give_no_interval_of_money(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        conn.execute(text("DELETE FROM shop_order o USING audience_member a WHERE a.customer_id = o.customer_id "
                          "AND a.arm = 'holdout' AND a.run_id = :r"), {"r": past.runs[0]})  # fmt: skip
        found = results.results(conn, run_id=past.runs[0], now=READ)
        quarter = proof.of_merchant(conn, READ)["quarters"][1]
    assert found["differences"]["contribution_per_customer"]["low"] is None
    assert found["differences"]["orders_per_customer"]["conclusive"] is False
    assert found["figures"]["incremental"]["orders"] is None
    assert found["differences"]["conversion"]["conclusive"] is True  # Newcombe's interval knows what nought of 60 means
    assert quarter["verdict_key"] == "few"


def test_uneven_arms_give_no_verdict(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        conn.execute(
            text("UPDATE audience_member SET arm = 'excluded' WHERE arm = 'holdout' AND customer_id % 20 < 10")
        )
        found = results.results(conn, run_id=past.runs[0], now=READ)
        whole = proof.of_merchant(conn, READ)
    assert found["sample_ratio_p"] < 0.001
    assert found["verdict_key"] == "uneven"
    assert {one["verdict_key"] for one in whole["quarters"]} == {"uneven"}
    assert whole["pooled"] is None


def test_the_last_mail_clicked_gets_the_order(app: Services, past: Past) -> None:
    with tenant(app.engine, past.merchant) as conn:
        for run, clicked in ((past.runs[0], "2026-02-10 03:00+00"), (past.runs[1], "2026-02-11 01:00+00")):
            conn.execute(
                text(
                    "INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, clicked_at) "
                    "VALUES (:m, :r, 1, 'p1@example.com', 'id', 'delivered', :c)"
                ),
                {"m": past.merchant, "r": run, "c": clicked},
            )
        clicked = [results.results(conn, run_id=run, now=READ)["figures"]["clicked"]["orders"] for run in past.runs]
    assert clicked == [0, 1]  # customer 1 ordered on 11 February, after both clicks


CODES = """
INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, state, kind, value, currency, liability_minor,
                        email, expires_at, terms)
SELECT :m, :r, g, :s, 'C' || :r || '-' || g, CASE g WHEN 3 THEN 'failed' ELSE 'issued' END, 'percentage', 10, 'IDR',
       700000 + g, '', CASE g WHEN 4 THEN :now ELSE CAST(:now AS timestamptz) + interval '1 day' END, '{}'
FROM generate_series(1, 6) g
"""
USED = """
INSERT INTO redemption (merchant_id, store_id, order_id, offer_code_id, code, discount_minor, redeemed_at, released_at)
SELECT :m, :s, c.customer_id, c.id, c.code, 41000 + c.customer_id, :now,
       CASE c.customer_id WHEN 6 THEN CAST(:now AS timestamptz) END
FROM offer_code c WHERE c.run_id = :r AND c.customer_id IN (5, 6)
"""


def test_what_is_at_stake_is_told_from_the_launch_on(app: Services, past: Past) -> None:
    now = SECOND + timedelta(days=1)  # the quarter of the second run goes on, and that of the first is over
    given = {"m": past.merchant, "s": past.store, "now": now}
    with tenant(app.engine, past.merchant) as conn:
        conn.execute(text(CODES), given | {"r": past.runs[1]})
        fresh = proof.of_merchant(conn, now)["offers"]
        conn.execute(text(USED), given | {"r": past.runs[1]})
        used = proof.of_merchant(conn, now)["offers"]
        late = proof.of_merchant(conn, READ)["offers"]
        good = [ending.good_codes(conn, campaigns.need(conn, KEY).id, at) for at in (now, READ)]
    # Of six codes one was never made and one is over; the fifth is used then, and the use of the sixth taken back.
    assert fresh == {"given": idr(0), "open": idr(4 * 700000 + 1 + 2 + 5 + 6), "by_kind": {}}
    assert used == {"given": idr(41005), "open": idr(3 * 700000 + 1 + 2 + 6), "by_kind": {"codes": idr(41005)}}
    assert good == [3, 0]
    assert late == {"given": idr(41005), "open": idr(0), "by_kind": {"codes": idr(41005)}}


def idr(minor: int) -> dict[str, str]:
    return {"amount": f"{Decimal(minor) / 100:.2f}", "currency": "IDR"}


def test_a_run_that_goes_on_leaves_no_old_figure(app: Services, past: Past) -> None:
    names = ("proof", f"outcome:{KEY}", "movement")
    with tenant(app.engine, past.merchant) as conn:
        for name in names:
            jobs_figures.anew(conn, past.merchant, name, READ)
        assert not any(kept(conn, name).stale for name in names)
        campaigns.move(conn, past.runs[1], to="done")
        assert [kept(conn, name).stale for name in names] == [True, True, False]
        jobs_figures.anew(conn, past.merchant, "proof", READ)
        assert not kept(conn, "proof").stale


def kept(conn: Connection, name: str) -> Figure:
    found = figures.kept(conn, name, READ)
    assert found is not None
    return found
