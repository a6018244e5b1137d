"""What the audit concludes: kept and lost people, cost and worth of a customer, levers and next steps, by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from scipy.special import hyp2f1
from sqlalchemy import text

from connectors.types import Money
from plugin_server.db import pulse
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.audit import spending
from plugin_server.db.audit.figures import audit
from plugin_server.db.audit.spending import BadSpend
from plugin_server.db.ladder import forecast
from plugin_server.db.merchant import merchants
from tests.ladder.shops import Shop, insert

NOW = datetime(2026, 6, 15, 5, 0, tzinfo=UTC)


def audited(shop: Shop, first: str | None = None, last: str | None = None) -> dict[str, Any]:
    with shop.work() as conn:
        return audit(
            conn,
            merchant=merchants.get(conn),
            date_from=first and date.fromisoformat(first),  # type: ignore[arg-type]
            date_to=last and date.fromisoformat(last),  # type: ignore[arg-type]
            now=NOW,
        )


def line(shop: Shop, order: int, item: str, cost: int | None = None, total: int = 100_00) -> None:
    """One line of an order; ``cost`` gives its product a unit cost."""
    with shop.work() as conn:
        conn.execute(
            text(
                "INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, total_minor) "
                "SELECT :m, :o, count(*), :item, 1, :total FROM order_line WHERE order_id = :o"
            ),
            {"m": shop.merchant_id, "o": order, "item": item, "total": total},
        )
        if cost is not None:
            insert(
                conn, "product", merchant_id=shop.merchant_id, store_id=shop.store_id, external_id=item, title=item,
                currency="IDR", unit_cost_minor=cost,
            )  # fmt: skip


def test_something_else_is_bought_only_on_a_later_day(shop: Shop) -> None:
    same, other, once = shop.person(), shop.person(), shop.person()
    for who, day, items in (
        (same, "2026-01-01", "a"), (same, "2026-02-01", "a"),
        (other, "2026-01-01", "a"), (other, "2026-02-01", "ab"),
        (once, "2026-01-01", "abc"),
    ):  # fmt: skip
        order = shop.order(who, day)
        for item in items:
            line(shop, order, item)
    assert audited(shop)["cross_sell"] == {"customers": 1, "rate": 1 / 3, "of_repeaters": 1 / 2}
    later = audited(shop, first="2026-01-15")
    assert later["cross_sell"] == {"customers": 1, "rate": 1 / 2, "of_repeaters": 1 / 2}, "the basket before counts"
    assert audited(shop, last="2026-01-31")["cross_sell"] == {"customers": 0, "rate": 0, "of_repeaters": None}
    covers = {name: (one["from"], one["to"]) for name, one in later["covers"].items()}
    assert covers["cross_sell"] == covers["best_customers"] == ("2026-01-15", "2026-02-01")
    assert (covers["lost"], covers["levers"]) == (("2026-01-01", "2026-02-01"), ("2025-02-02", "2026-02-01"))
    assert covers["rungs"] == ("2026-06-15", "2026-06-15")


def test_orders_without_lines_leave_cross_selling_unknown(shop: Shop) -> None:
    shop.order(shop.person(), "2026-01-01")
    assert audited(shop)["cross_sell"] == {"customers": 0, "rate": None, "of_repeaters": None}


def test_the_lost_and_what_their_last_year_brought(shop: Shop) -> None:
    gone, here = shop.person(), shop.person()
    for day, total in (("2024-01-01", 7_00), ("2025-01-05", 30_00), ("2025-06-01", 20_00)):
        shop.order(gone, day, total)
    shop.order(here, "2026-05-30", 99_00)
    # No rhythm of its own yet: 180 days count as lapsed.
    assert audited(shop)["lost"] == {"customers": 1, "last_year_revenue": Money(50_00, "IDR").as_json()}
    assert audited(shop, last="2025-08-01")["lost"]["customers"] == 0


def test_what_was_done_for_the_best_tenth(shop: Shop) -> None:
    people = [shop.person() for _ in range(11)]
    for number, who in enumerate(people):
        shop.order(who, "2026-06-01", 10_00 * (number + 1))
    shop.climb(now=NOW)
    with shop.work() as conn:
        conn.execute(
            text(
                "INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, accepted_at) VALUES "
                "(:m, 1, :c, '', 'en', 'accepted', '2026-06-10'), (:m, 1, :d, '', 'en', 'accepted', '2026-01-10')"
            ),
            {"m": shop.merchant_id, "c": people[10], "d": people[9]},
        )
    found = audited(shop)["best_customers"]
    assert {key: found[key] for key in ("customers", "mailed", "offered", "nothing")} == {
        "customers": 2, "mailed": 1, "offered": 0, "nothing": 1,
    }  # fmt: skip
    assert (found["revenue"]["amount"], found["nothing_revenue"]["amount"]) == ("210.00", "100.00")


def spent(shop: Shop, month: str, amount: int, channel: str = "ads") -> None:
    with shop.work() as conn:
        spending.enter(
            conn, merchant_id=shop.merchant_id, month=date.fromisoformat(f"{month}-01"), channel=channel,
            amount=Money(amount, "IDR"), by="o", now=NOW,
        )  # fmt: skip


def _dashed(shop: Shop, *, cac: float) -> None:
    """The curve goes on where it ends (40.00 after two months) by the kept models; closed gates close it."""
    r, alpha, a, b = parameters = (0.243, 4.414, 0.793, 2.426)
    models = {"model": "bg/nbd", "parameters": dict(zip(("r", "alpha", "a", "b"), parameters, strict=True))}
    kept: dict[str, Any] = {**models, "one_timers": models, "spend": {"p": 6.25, "q": 3.74, "v": 400}, "usable": True}

    def told(**changes: Any) -> dict[str, Any]:
        with shop.work() as conn:
            forecast.keep(conn, merchant_id=shop.merchant_id, document={**kept, **changes}, now=NOW)
        return dict(audited(shop, last="2026-05-31")["acquisition"]["ltv"]["forecast"])

    def repeats(month: int) -> float:
        weeks = month * 365.25 / 12 / 7
        series = hyp2f1(r, b, a + b - 1, weeks / (alpha + weeks))
        return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + weeks)) ** r * series))

    each = 0.4 * 6.25 * 400 / 2.74
    found = told()
    amounts = [float(point["amount"]) for point in found["curve"]]
    assert amounts == pytest.approx([40 + each * (repeats(2 + n) - repeats(2)) for n in range(1, 13)], abs=0.006)
    first = next(n for n, amount in enumerate(amounts) if amount >= cac)
    assert (found["payback_month"], found["reason"]) == (3 + first, "")
    closed = told(usable=False, reason="the last order is 90 days old; 30 are the most")
    assert (closed["curve"], closed["payback_month"]) == ([], None)
    assert closed["reason"].endswith("the last order is 90 days old; 30 are the most.")
    assert told(spend=None)["curve"] == []


def test_cost_worth_and_payback(shop: Shop) -> None:
    # An old customer gives the shop its rhythm of 31 days, so that January alone is an opening month.
    old = shop.person()
    shop.order(old, "2026-01-01", 500_00)
    line(shop, shop.order(old, "2026-02-01", 100_00), "a", cost=60_00)
    for number in range(4):
        who = shop.person()
        shop.order(who, "2026-03-10", 50_00)
        if number < 2:
            shop.order(who, "2026-04-10", 100_00)
    spent(shop, "2026-03", 60_00)
    spent(shop, "2026-03", 20_00, "fair")
    found = audited(shop, last="2026-05-31")
    acquired = found["acquisition"]
    assert found["margin"]["rate"] == 0.4
    assert (acquired["new_customers"], acquired["cac"]["amount"]) == (4, "20.00")
    # 50 in the month of the first order, and 100 from half of them a month later; 40 % of it is margin.
    assert [point["amount"] for point in acquired["ltv"]["curve"]] == ["20.00", "40.00", "40.00"]
    assert (acquired["payback_month"], acquired["ltv_to_cac"]) == (0, 2.0)
    spent(shop, "2026-03", 400_00)
    assert audited(shop, last="2026-05-31")["acquisition"]["payback_month"] is None
    assert "not been made" in acquired["ltv"]["forecast"]["reason"]
    _dashed(shop, cac=105.0)
    spent(shop, "2026-03", 0)
    spent(shop, "2026-03", 0, "fair")
    assert audited(shop, last="2026-05-31")["acquisition"]["cac"] is None


@pytest.mark.parametrize(
    ("month", "channel", "amount", "what"),
    [("2026-07", "ads", 1, "month"), ("2026-05", " ", 1, "channel"), ("2026-05", "ads", -1, "amount")],
)
def test_spend_that_cannot_be_right(shop: Shop, month: str, channel: str, amount: int, what: str) -> None:
    with pytest.raises(BadSpend) as refused:
        spent(shop, month, amount, channel)
    assert refused.value.what == what


def test_levers_multiply_to_the_profit_and_share_out_its_change(shop: Shop) -> None:
    first, second, third = shop.person(known="2024-01-01"), shop.person(known="2024-01-01"), shop.person()
    shop.order(first, "2024-06-02", 100_00)
    shop.order(second, "2025-03-01", 60_00)
    for who, day in ((first, "2025-07-01"), (first, "2025-09-01"), (third, "2026-06-01")):
        shop.order(who, day, 200_00)
    shop.climb(now=NOW)
    found = audited(shop, last="2026-06-01")["levers"]
    values = {one["lever"]: one for one in found["levers"]}
    assert {name: one["now"] for name, one in values.items()} == {
        "people": 3, "conversion": 2 / 3, "orders": 1.5, "average": Money(200_00, "IDR").as_json(), "margin": 0.3,
    }  # fmt: skip
    assert values["conversion"]["before"] == 1.0
    assert (found["profit"]["amount"], found["profit_before"]["amount"]) == ("180.00", "48.00")
    assert sum(float(one["effect"]["amount"]) for one in values.values()) == pytest.approx(132.0)
    assert found["each_up_a_tenth"]["amount"] == "109.89"
    assert {one["up_a_tenth"]["amount"] for one in found["levers"]} == {"18.00"}
    assert audited(shop, last="2026-01-01")["levers"]["profit_before"] is None


BOUNCED = """INSERT INTO suppression (merchant_id, email_norm, reason, source)
             SELECT merchant_id, email_norm, 'bounced', 'provider' FROM customer WHERE id = :id"""


def test_next_steps_count_the_money_of_those_a_mail_reaches(shop: Shop) -> None:
    """Of five who bought once one said no, one never gave an address, and one's address bounced."""
    people = [shop.person() for _ in range(5)]
    for number, who in enumerate(people, start=1):
        shop.order(who, "2026-06-01", number * 100_00)
        shop.consent(who, "unsubscribed" if number == 5 else "subscribed", "2026-05-01")
    with shop.work() as conn:
        conn.execute(text("UPDATE customer SET email = NULL, email_norm = NULL WHERE id = :id"), {"id": people[3]})
        conn.execute(text(BOUNCED), {"id": people[2]})
    shop.climb(now=NOW)
    found = audited(shop)["next_actions"]
    told = [[one[name] for name in ("action", "people", "reachable")] for one in found]
    assert told == [["second_order", 5, 2]]
    assert (found[0]["average_order"]["amount"], found[0]["worth"]["amount"]) == ("150.00", "9.00")


def test_an_empty_shop_divides_by_nothing(shop: Shop) -> None:
    found = audited(shop)
    assert (found["last_month"], found["levers"], found["next_actions"]) == (None, None, [])
    assert found["acquisition"]["cac"] is None
    assert found["acquisition"]["ltv"]["contribution"] is None


def test_a_ready_audit_says_when_orders_changed_after_it(shop: Shop) -> None:
    shop.order(shop.person(), "2026-06-01", 100_00)
    with shop.work() as conn:
        merchant = merchants.get(conn)
        assert audit_rollup.kept(conn, "all") is None
        made = audit_rollup.make(conn, merchant=merchant, span="all", now=NOW)
    with shop.work() as conn:
        kept = audit_rollup.kept(conn, "all")
        assert kept is not None
        assert (kept.document, kept.stale_since) == (made.document, None)
        pulse.beat(conn, merchant_id=shop.merchant_id, now=NOW)
    with shop.work() as conn:
        kept = audit_rollup.kept(conn, "all")
        assert kept is not None
        assert kept.stale_since == NOW
        audit_rollup.make(conn, merchant=merchant, span="2026-01-01..", now=NOW)
        assert audit_rollup.days_of("2026-01-01..") == (date(2026, 1, 1), None)
        fresh = audit_rollup.kept(conn, "2026-01-01..")
        assert fresh is not None
        assert fresh.stale_since is None
