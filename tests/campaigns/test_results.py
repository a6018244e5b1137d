"""What a campaign brought about, and codes recognised in orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from plugin_server.db.campaigning import campaigns
from plugin_server.db.offers import codes as offers
from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop, add_order
from tests.campaigns.test_run import holiday, started

DAY = timedelta(days=1)


def redeemed(app: Services, merchant: int) -> dict[str, Any]:
    """The offers' part of the results."""
    with tenant(app.engine, merchant) as conn:
        saved = campaigns.need(conn, "eid-al-fitr-thanks")
        offers_part: dict[str, Any] = results.of_campaign(conn, saved, NOW + 20 * DAY)["offers"]
        return offers_part


def match(app: Services, merchant: int, orders: list[int] | None = None) -> int:
    """One look for our codes in orders."""
    with tenant(app.engine, merchant) as conn:
        return offers.match_redemptions(conn, merchant_id=merchant, order_ids=orders, now=NOW)


def order_with_code(app: Services, merchant: int, shop: Shop, n: int, **values: Any) -> int:
    """Customer ``n`` uses their code, typed in small letters."""
    [code] = [spec.code for spec in shop.codes.values() if spec.email == f"c{n}@example.com"]
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        at = (NOW + 2 * DAY).isoformat()
        given = {"coupon_codes": [code.lower()], "discount_minor": 2000000} | values
        return add_order(conn, merchant, n, store=store, external=f"x{n}", at=at, **given)


def test_a_code_is_redeemed_once_however_often_the_order_is_looked_at(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    order = order_with_code(app, merchant, shop, 1)
    assert [match(app, merchant, [order]), match(app, merchant, [order]), match(app, merchant)] == [1, 0, 0]
    found = redeemed(app, merchant)
    assert (found["issued"], found["redeemed"], found["released"]) == (8, 1, 0)
    assert found["discount"] == {"amount": "20000.00", "currency": "IDR"}


def test_an_order_that_falls_through_releases_its_code_and_takes_it_again(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    order = order_with_code(app, merchant, shop, 1)
    match(app, merchant, [order])
    for status, refunded, expected in (
        ("cancelled", 0, (0, 1)),
        ("completed", 0, (1, 0)),
        ("completed", 20000000, (0, 1)),
    ):
        with tenant(app.engine, merchant) as conn:
            conn.execute(
                text("UPDATE shop_order SET status = :s, refunded_minor = :r WHERE id = :id"),
                {"s": status, "r": refunded, "id": order},
            )
        assert [match(app, merchant, [order]), match(app, merchant, [order])] == [1, 0]
        found = redeemed(app, merchant)
        assert (found["redeemed"], found["released"]) == expected


def test_codes_of_others_are_none_of_ours(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    order_with_code(app, merchant, shop, 1, coupon_codes=["SUMMER", "EID-AAAAAAAA"])
    assert match(app, merchant) == 0


def test_results_set_treated_against_holdout(app: Services, merchant: int, world: Outside) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday(measure={"holdout": "0.5"})))
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        treated = list(conn.scalars(text("SELECT customer_id FROM audience_member WHERE arm = 'treated'")))
        for n in treated:
            add_order(conn, merchant, n, store=store, external=f"r{n}", at=(NOW + DAY).isoformat())
        late = (NOW + 15 * DAY).isoformat()
        add_order(conn, merchant, treated[0], store=store, external="late", at=late)
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), NOW + 20 * DAY)
    arms = found["arms"]
    assert (arms["treated"]["n"], arms["treated"]["buyers"], arms["treated"]["orders"]) == (len(treated),) * 3
    assert arms["treated"]["revenue"] == {"amount": f"{200000 * len(treated)}.00", "currency": "IDR"}
    assert (arms["holdout"]["n"], arms["holdout"]["buyers"]) == (8 - len(treated), 0)
    assert found["differences"]["conversion"]["difference"] == 1.0
    assert found["differences"]["revenue_per_customer"]["difference"] == {"amount": "200000.00", "currency": "IDR"}
    assert found["read_on"] == (NOW + 14 * DAY).isoformat()
    assert found["final"] is True


def test_before_the_reading_date_the_figures_are_not_final(app: Services, merchant: int, world: Outside) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday(measure={"holdout": "0.5"})))
    with tenant(app.engine, merchant) as conn:
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), NOW + 3 * DAY)
    assert found["final"] is False
    assert found["verdict"] == "Read on 2027-03-10; until then there is no verdict."
    assert found["sample_ratio_p"] > 0.001


def test_movement_counts_who_climbed(app: Services, merchant: int, world: Outside) -> None:
    run_id = started(app, merchant, holiday())
    runs.advance(app, world, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        for n, to in ((1, "customer"), (5, "shopper")):
            conn.execute(
                text(
                    "INSERT INTO rung_change (merchant_id, customer_id, from_rung, to_rung, changed_at, "
                    "ladder_version) VALUES (:m, :c, 'shopper', :to, :at, 1)"
                ),
                {"m": merchant, "c": n, "to": to, "at": NOW + DAY},
            )
        found = results.results(conn, run_id=run_id, now=NOW + 20 * DAY)
    assert found["movement"]["treated"] == {"climbed": 1, "stayed": 6, "fell": 1}
    assert found["verdict_key"] == "no_holdout"


def test_a_campaign_that_never_ran_has_empty_results(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=holiday(), by="test")
        found = results.of_campaign(conn, campaigns.need(conn, "eid-al-fitr-thanks"), NOW)
    assert found["offers"]["issued"] == 0
    assert found["arms"]["treated"]["n"] == 0
    assert found["verdict"] == "Nobody has been written to yet."
