"""Guards that keep offers from those who live on them, and codes that stand alone or combine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.schema import BadCampaign
from connectors.types import CodeSpec
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop, add_order
from tests.campaigns.test_run import holiday, outbox, outcome, started

DAY = timedelta(days=1)
OFFER = {"kind": "percentage", "value": "10", "valid_days": 14}


def guarded(key: str = "guarded", **changes: Any) -> Any:
    guards = changes.pop("guards", {"discount_share": {"most": "0.5", "orders": 3}})
    return holiday(key=key, offer=OFFER, guards=guards, trigger={"kind": "once"}, **changes)


def bought(app: Services, merchant: int, n: int, discounts: str) -> None:
    """Further orders of customer ``n``, newest last: ``c`` with a code, ``s`` on sale, ``-`` at full price."""
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        for day, kind in enumerate(discounts):
            told = {"c": {"coupon_codes": ["SALE"]}, "s": {"discount_minor": 5}, "-": {}}[kind]
            at = (NOW - (len(discounts) - day) * DAY).isoformat()
            add_order(conn, merchant, n, store=store, external=f"g{n}-{day}", at=at, **told)
        conn.execute(
            text("UPDATE customer_facts SET orders = orders + :n, discount_orders = :d WHERE customer_id = :c"),
            {"n": len(discounts), "d": len(discounts.replace("-", "")), "c": n},
        )


def test_those_who_buy_with_discounts_are_spared_and_counted(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    for n, discounts in ((1, "cs"), (2, "c-"), (3, "cc-"), (4, "ccc--"), (5, "s")):
        bought(app, merchant, n, discounts)
    # Of the last three: 1 has two with a discount, 3 two; 2, 4 one; 5 one of two, which is not more than half.
    run_id = started(app, merchant, guarded())
    assert runs.advance(app, world, merchant, run_id) == "done"
    found = outcome(app, merchant, run_id)
    assert found["excluded"]["discount_share"] == 2
    assert (found["audience"], found["treated"]) == (6, 6)
    assert sorted(outbox(app)) == [f"c{n}@example.com" for n in (2, 4, 5, 6, 7, 8)]
    assert len(shop.codes) == 6
    with tenant(app.engine, merchant) as conn:
        told = results.results(conn, run_id=run_id, now=NOW)
        seen = audience.preview_audience(conn, merchant_id=merchant, campaign=guarded("other"), campaign_id=99, now=NOW)
    assert told["arms"]["treated"]["n"] == 8  # by assignment
    assert seen["excluded"]["discount_share"] == 2
    assert seen["reasons"]["discount_share"] == "buys mostly with discounts"


def test_who_is_held_out_is_never_spared(app: Services, merchant: int, world: Outside) -> None:
    for n in range(1, 9):
        bought(app, merchant, n, "ccc")
    run_id = started(app, merchant, guarded(measure={"holdout": "0.5"}))
    runs.advance(app, world, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        arms = dict(conn.execute(text("SELECT arm, count(*) FROM audience_member GROUP BY 1")).all())
        drawn = results.results(conn, run_id=run_id, now=NOW)["arms"]
    assert arms["spared"] + arms["holdout"] == 8
    assert (drawn["treated"]["n"], drawn["holdout"]["n"]) == (arms["spared"], arms["holdout"])


def test_enough_codes_are_enough_whatever_campaign_gave_them(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    runs.advance(
        app, world, merchant, started(app, merchant, guarded("first", guards={}, audience={"rungs": ["shopper"]}))
    )
    capped = {"discount_fatigue": {"codes": 1, "days": 30}}
    run_id = started(app, merchant, guarded("second", guards=capped))
    runs.advance(app, world, merchant, run_id)
    found = outcome(app, merchant, run_id)
    assert (found["treated"], found["excluded"]["discount_fatigue"]) == (4, 4)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE offer_code SET issued_at = issued_at - interval '31 days'"))
    third = started(app, merchant, guarded("third", guards=capped))
    runs.advance(app, world, merchant, third)
    assert outcome(app, merchant, third)["treated"] == 8


def test_runs_frozen_side_by_side_give_one_code_to_each(app: Services, merchant: int) -> None:
    capped = {"discount_fatigue": {"codes": 1, "days": 30}}
    ids = [started(app, merchant, guarded(f"side-{n}", guards=capped)) for n in range(6)]

    def freeze(run_id: int) -> None:
        with tenant(app.engine, merchant) as conn:
            audience.freeze(conn, campaigns.run(conn, run_id), NOW)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(freeze, ids))
    with tenant(app.engine, merchant) as conn:
        most = conn.scalar(
            text("SELECT max(n) FROM (SELECT count(*) AS n FROM audience_member WHERE arm = 'treated' "
                 "GROUP BY customer_id) t")
        )  # fmt: skip
        treated = conn.scalar(text("SELECT count(*) FROM audience_member WHERE arm = 'treated'"))
    assert (most, treated) == (1, 8)


@pytest.mark.parametrize(("stacking", "combines"), [("alone", False), ("combine", True)])
def test_codes_stand_alone_unless_the_campaign_says_otherwise(
    app: Services, merchant: int, world: Outside, shop: Shop, stacking: str, combines: bool
) -> None:
    runs.advance(app, world, merchant, started(app, merchant, guarded(guards={"stacking": stacking})))
    specs: list[CodeSpec] = list(shop.codes.values())
    assert {spec.combines for spec in specs} == {combines}


@pytest.mark.parametrize(
    ("guards", "path"),
    [
        ({"discount_share": {"most": 1}}, "guards.discount_share.most"),
        ({"discount_share": {"most": 0.5, "orders": 1}}, "guards.discount_share.orders"),
        ({"discount_fatigue": {"codes": 0}}, "guards.discount_fatigue.codes"),
        ({"stacking": "both"}, "guards.stacking"),
    ],
)
def test_guards_that_make_no_sense_are_refused(guards: dict[str, Any], path: str) -> None:
    with pytest.raises(BadCampaign) as caught:
        guarded(guards=guards)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_runs_side_by_side_stay_within_one_budget(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    # A budget for five codes, and two runs of eight people each that are coded at the same time.
    campaign = holiday(offer=OFFER | {"budget": "100000"}, trigger={"kind": "event", "event": "order_paid"})
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        saved = campaigns.need(conn, campaign.key)
        ids = [
            campaigns.open_run(conn, merchant_id=merchant, saved=saved, occasion=f"o{n}", due_at=NOW, by="test")[0]
            for n in range(4)
        ]
        for run_id in ids:
            conn.execute(
                text(
                    "INSERT INTO audience_member "
                    "(run_id, customer_id, arm, rung, email, language, store_id, merchant_id) "
                    "SELECT :r, g, 'treated', 'shopper', 'c' || g || '@example.com', 'id', s.id, :m "
                    "FROM generate_series(1, 8) g, store s"
                ),
                {"r": run_id, "m": merchant},
            )
            campaigns.move(conn, run_id, to="frozen", frozen_at=NOW)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run_id: runs.advance(app, world, merchant, run_id), ids))
    with tenant(app.engine, merchant) as conn:
        issued, bound = conn.execute(
            text("SELECT count(*), sum(liability_minor) FROM offer_code WHERE state = 'issued'")
        ).one()
        kept = conn.execute(text("SELECT issued_minor, limit_minor FROM offer_budget")).one()
        refused = conn.scalar(text("SELECT count(*) FROM offer_code WHERE error LIKE 'budget:%'"))
    assert (issued, bound, refused) == (5, 10000000, 27)
    assert tuple(kept) == (10000000, 10000000)
    assert len(shop.codes) == 5
