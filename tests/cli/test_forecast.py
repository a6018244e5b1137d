"""Forecasts of a shop: histories out of orders to the day, what commands say, and shops that allow none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from campaigns.ladder import rules
from plugin_server.db import pulse
from plugin_server.db.ladder import counting, forecast, known, outlook, predictions, rungs
from plugin_server.db.ladder import histories as bought_by
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import sync as readings
from plugin_server.jobs import climb, nightly
from plugin_server.jobs.queues import queue
from plugin_server.jobs.reading.imports import OrdersFile, import_orders
from tests.cli.conftest import Called, Read
from tests.data.making import NOW, Shop
from tests.forecast.customers import CDNOW, made


def put(shop: Shop, rows: list[tuple[int, str, int, str]]) -> None:
    """Orders by customer, time (UTC), minor units and currency."""
    with tenant(shop.app.engine, shop.merchant) as conn:
        cursor = conn.connection.cursor()
        cursor.execute(
            "CREATE TEMP TABLE put (n int, who bigint, at timestamptz, minor bigint, currency text) ON COMMIT DROP"
        )
        with cursor.copy("COPY put FROM STDIN") as copy:  # type: ignore[attr-defined]
            for n, row in enumerate(rows):
                copy.write_row((n, *row))
        cursor.execute(
            "INSERT INTO customer (merchant_id, email, email_norm) "
            "SELECT DISTINCT %s, who || '@x.test', who || '@x.test' FROM put ORDER BY 2",
            (shop.merchant,),
        )
        cursor.execute(
            "INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, "
            "currency, total_minor, content) SELECT %s, %s, n, c.id, 'completed', true, at, currency, minor, '' "
            "FROM put JOIN customer c ON c.email = who || '@x.test'",
            (shop.merchant, shop.store),
        )


def histories(shop: Shop, cut: str, until: str) -> list[tuple[Any, ...]]:
    with tenant(shop.app.engine, shop.merchant) as conn:
        _, of, later = bought_by.read(
            conn, merchant=merchants.get(conn), cut=date.fromisoformat(cut), until=date.fromisoformat(until)
        )
    value = [None if math.isnan(one) else float(one) for one in of.value]
    return list(zip(of.repeats.tolist(), of.last.tolist(), of.age.tolist(), value, later.tolist(), strict=True))


def test_histories_are_days_of_the_shops_zone(shop: Shop) -> None:
    put(
        shop,
        [
            (1, "2026-01-01T02:00Z", 500_00, "IDR"),
            # 18:00 in London is the next day in Jakarta; two orders of one day are one transaction.
            (1, "2026-01-10T18:00Z", 100_00, "IDR"),
            (1, "2026-01-11T03:00Z", 40_00, "IDR"),
            (1, "2026-01-31T03:00Z", 20_00, "IDR"),
            # Another currency is a transaction, but its money is not added up.
            (2, "2026-01-05T03:00Z", 10_00, "EUR"),
            (2, "2026-01-06T03:00Z", 10_00, "EUR"),
            (3, "2026-02-20T03:00Z", 10_00, "IDR"),
        ],
    )
    everything = [(2, 30, 50, 80.0, 0), (1, 1, 46, None, 0), (0, 0, 0, None, 0)]
    assert histories(shop, "2026-02-20", "2026-02-20") == everything
    assert histories(shop, "2026-01-20", "2026-02-20") == [(1, 10, 19, 140.0, 1), (1, 1, 15, None, 0)]
    assert histories(shop, "2025-12-01", "2026-02-20") == []


def test_a_purchase_paid_in_full_by_coupon_is_a_sign_of_life_and_a_gift_is_none(shop: Shop) -> None:
    days = [f"2026-01-{day:02}T05:00Z" for day in (1, 5, 9, 13, 17)]
    put(shop, [(who, at, 100_00 if at == days[0] else 0, "IDR") for who in range(5) for at in days[: who + 1]])
    with tenant(shop.app.engine, shop.merchant) as conn:
        latest = "id = (SELECT id FROM shop_order WHERE customer_id = c.id ORDER BY placed_at DESC LIMIT 1)"
        of = "FROM customer c WHERE c.email = '{}@x.test' AND o.customer_id = c.id AND o." + latest
        conn.execute(text("UPDATE shop_order o SET refunded_minor = total_minor " + of.format(0)))
        conn.execute(text("UPDATE shop_order o SET paid = false " + of.format(2)))
        for who, price in ((3, 0), (4, 250_00)):
            conn.execute(
                text(
                    "INSERT INTO order_line (merchant_id, order_id, position, quantity, total_minor, discount_minor) "
                    "SELECT o.merchant_id, o.id, 0, 1, 0, :price FROM shop_order o, customer c "
                    f"WHERE c.email = '{who}@x.test' AND o.customer_id = c.id AND o.{latest}"
                ),
                {"price": price},
            )
    # One is refunded and gone; the others have 1, 2 (1 unpaid), 3 (1 a gift) and 4 that cost nothing.
    assert histories(shop, "2026-01-20", "2026-01-20") == [
        (1, 4, 19, 0.0, 0), (1, 4, 19, 0.0, 0), (2, 8, 19, 0.0, 0), (4, 16, 19, 0.0, 0),
    ]  # fmt: skip
    with tenant(shop.app.engine, shop.merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM shop_order WHERE counts")) == 4


def bought(n: int) -> Iterator[tuple[int, str, int, str]]:
    """Orders of made-up customers, from the parameters of the paper, all newcomers of half a year."""
    of = made(n, CDNOW, at_once=False, days=(200, 500), seed=7)
    end = (NOW - timedelta(days=2)).date()
    for who in range(n):
        first = end - timedelta(days=int(of.age[who]))
        days = sorted({0, *(int(of.last[who]) * k // int(of.repeats[who]) for k in range(1, int(of.repeats[who]) + 1))})
        for day in days:
            yield who, f"{first + timedelta(days=day)}T05:00Z", 100_00 + 10_00 * (who % 37), "IDR"
    yield n, f"{end}T05:00Z", 100_00, "IDR"


def test_a_forecast_of_a_shop(shop: Shop, call: Called, read: Read) -> None:
    put(shop, list(bought(900)))
    found = read("forecast", "fit")
    assert {"model", "parameters", "log_likelihood", "time_unit", "spend", "gates", "usable", "reason"} <= set(found)
    assert (found["model"], found["time_unit"], set(found["parameters"])) == (
        "bg/nbd",
        "week",
        {"r", "alpha", "a", "b"},
    )
    assert {"p", "q", "v"} <= set(found["spend"])
    assert [set(gate) >= {"name", "ok", "detail"} for gate in found["gates"]] == [True] * 6
    assert found["customers"] == 901
    with tenant(shop.app.engine, shop.merchant) as conn:
        kept = forecast.kept(conn)
    assert kept is not None
    assert kept[1] == found
    # One customer's page uses the models that were kept, from today on.
    with tenant(shop.app.engine, shop.merchant) as conn:
        usable = found | {"usable": True}
        forecast.keep(conn, merchant_id=shop.merchant, document=usable, now=NOW)
        merchant, until = merchants.get(conn), (NOW - timedelta(days=2)).date()
        who = int(conn.scalar(text("SELECT min(id) FROM customer")) or 0)
        told = predictions.one(conn, merchant=merchant, customer_id=who, now=NOW - timedelta(days=2))
        assert predictions.one(conn, merchant=merchant, customer_id=0, now=NOW) is None
    assert until.isoformat() == found["until"]
    code, out, _ = call("forecast", "customers", "--horizon-weeks", "13", "--anyway")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, len(lines)) == (0, 901)
    assert set(lines[0]) >= {"external_id", "email", "p_alive", "expected_orders", "expected_spend", "interval"}
    assert sum(line["expected_orders"] for line in lines) == pytest.approx(found["outlook"]["orders"])
    spend = sum(float(line["expected_spend"]["amount"]) for line in lines)
    assert spend == pytest.approx(float(found["outlook"]["spend"]["amount"]), rel=1e-4)
    assert told in lines
    for line in lines:
        low, high = line["interval"]["orders"]
        assert 0 <= low <= high
        assert 0 < line["p_alive"] <= 1
        window = line["next_order"]
        assert window is None or window["to"] is None or window["from"] <= window["to"]


def facts_of(shop: Shop, now: datetime) -> dict[int, tuple[Any, ...]]:
    """The facts of the forecast as rules read them, by customer."""
    names = ("alive_percent", "buys_percent", "expected_spend")
    with tenant(shop.app.engine, shop.merchant) as conn:
        rows = known.over(set(names))
        told = known.columns(rows, 2, now)
        found = conn.execute(select(rows.c.customer_id, *(told[name] for name in names)))
        return {row[0]: tuple(row[1:]) for row in found}


def test_a_new_shop_is_forecast_as_soon_as_it_is_read(shop: Shop) -> None:
    services, rule = shop.app, rules.parse({"kind": "cmp", "fact": "buys_percent", "op": ">=", "value": 0})

    def owed() -> tuple[bool, str]:
        with tenant(services.engine, shop.merchant) as conn:
            due = outlook.owed(conn, merchant_id=shop.merchant, now=services.now())
            return due, outlook.silent(conn, rule)

    def woken() -> int:
        nightly.catch_up_all(services)
        return sum(job.func_name.endswith("forecast_first") for job in queue(services.redis, "bulk").jobs)

    put(shop, list(bought(30)))
    assert owed() == (False, "unmade"), "nothing came in yet, as far as we were told"
    with tenant(services.engine, shop.merchant) as conn:
        pulse.beat(conn, merchant_id=shop.merchant, now=NOW)
        run, _ = readings.begin(conn, merchant_id=shop.merchant, store_id=shop.store, kind="full", now=NOW)
    assert (owed(), woken()) == ((False, "unmade"), 0), "the reading is under way"
    with tenant(services.engine, shop.merchant) as conn:
        readings.finish(conn, run, counters={}, faults=[], now=services.now())
    assert (owed(), woken(), woken()) == ((True, "unmade"), 1, 1)
    nightly.forecast_of(services, shop.merchant)
    assert owed() == (False, "closed"), "thirty people are too few"
    with tenant(services.engine, shop.merchant) as conn:
        later = services.now() + timedelta(days=1)
        run, _ = readings.begin(conn, merchant_id=shop.merchant, store_id=shop.store, kind="full", now=later)
        readings.finish(conn, run, counters={}, faults=[], now=later)
    assert owed() == (True, "closed"), "the shop was read whole again"


def test_a_file_is_not_forecast_while_half_of_it_is_read(shop: Shop, tmp_path: Path) -> None:
    """Neither at night nor as the first; once it is in, a forecast is owed again, also where a gate was closed."""
    services, seen = shop.app, list[tuple[bool, bool, bool]]()

    def state() -> tuple[bool, bool]:
        with tenant(services.engine, shop.merchant) as conn:
            return outlook.owed(conn, merchant_id=shop.merchant, now=services.now()), forecast.kept(conn) is not None

    def look(phase: str, done: int, total: int | None) -> None:
        del done, total
        nightly.forecast_of(services, shop.merchant)
        seen.append((phase == "facts and rungs", *state()))

    def given(first: int) -> OrdersFile:
        path = tmp_path / "orders.csv"
        rows = (f"{n},2026-0{n % 6 + 1}-01,5.00,{n % 7}@x.test" for n in range(first, first + 20))
        path.write_text("order_id,ordered_at,total,email\n" + "\n".join(rows))
        return OrdersFile(path, shop.store, currency="IDR")

    import_orders(services, shop.merchant, given(1), look)
    assert {(owed, kept) for _, owed, kept in seen} == {(False, False)}, "nothing is made of a file half read"
    assert any(written for written, *_ in seen), "the orders stood there already"
    assert state() == (True, False)
    nightly.forecast_of(services, shop.merchant)
    assert state() == (False, True), "the gates are closed"
    import_orders(services, shop.merchant, given(15))
    assert state() == (True, False), "there is more history than the closed gates knew of"
    nightly.forecast_of(services, shop.merchant)
    with tenant(services.engine, shop.merchant) as conn:
        conn.execute(text("UPDATE forecast_fit SET fitted_at = fitted_at - interval '2 days'"))
    assert state() == (True, True), "a night went by without one"


def test_the_forecast_is_among_the_facts_while_its_gates_are_open(shop: Shop) -> None:
    put(shop, list(bought(900)))
    now = NOW - timedelta(days=1)
    with tenant(shop.app.engine, shop.merchant) as conn:
        merchant = merchants.get(conn)
        climb.everybody(conn, merchant_id=shop.merchant, now=now)
        known.catch_up(conn, merchant_id=shop.merchant, now=now)
        found, made, ids, of = forecast.fitted(conn, merchant=merchant, until=None, now=now)
        # What this shop's gates say is not the point here.
        opened, shut = found | {"usable": True}, found | {"usable": False}
        forecast.keep(conn, merchant_id=shop.merchant, document=opened, now=now)
        assert outlook.everybody(conn, document=opened, made=made, ids=ids, of=of, now=now) == 901
        assert outlook.everybody(conn, document=opened, made=made, ids=ids, of=of, now=now) == 0, "written already"
    told = facts_of(shop, now)
    assert len(told) == 901
    with tenant(shop.app.engine, shop.merchant) as conn:
        for who in list(told)[::100]:
            page = predictions.one(conn, merchant=merchant, customer_id=who, now=now)
            assert page is not None
            alive, buys, spend = told[who]
            assert (float(alive), float(buys)) == pytest.approx(
                (100 * page["p_alive"], 100 * page["p_buys"]), abs=0.051
            )
            assert spend == Decimal(page["expected_spend"]["amount"])
    who = min(told, key=lambda one: told[one][0])
    put_again = f"{now.date()}T01:00Z"
    with tenant(shop.app.engine, shop.merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, "
                "currency, total_minor, content) VALUES (:m, :s, 'late', :who, 'completed', true, :at, 'IDR', 9900, '')"
            ),
            {"m": shop.merchant, "s": shop.store, "who": who, "at": put_again},
        )
        known.note_due(conn, merchant_id=shop.merchant, customer_ids=[who])
        known.catch_up(conn, merchant_id=shop.merchant, now=now)
    after = facts_of(shop, now)
    assert after[who][0] > told[who][0], "who ordered is alive again"
    assert {one: after[one] for one in after if one != who} == {one: told[one] for one in told if one != who}
    rule = rules.parse({"kind": "cmp", "fact": "buys_percent", "op": ">=", "value": 0})
    with tenant(shop.app.engine, shop.merchant) as conn:
        on = rungs.shop(conn, shop.merchant)
        assert (counting.look(conn, on, rule, now).count, outlook.silent(conn, rule)) == (901, "")
        forecast.keep(conn, merchant_id=shop.merchant, document=shut, now=now)
        assert outlook.everybody(conn, document=shut, made=made, ids=ids, of=of, now=now) == 901
        assert (counting.look(conn, on, rule, now).count, outlook.silent(conn, rule)) == (0, "closed")
        assert outlook.follow(conn, customer_ids=[who], now=now) == 0
    assert set(facts_of(shop, now).values()) == {(None, None, None)}


@pytest.mark.parametrize("orders", [0, 1, 3])
def test_a_shop_without_history_is_told_so(orders: int, shop: Shop, call: Called, read: Read) -> None:
    put(shop, [(n, "2026-01-01T05:00Z", 100_00, "IDR") for n in range(orders)])
    found = read("forecast", "fit")
    assert (found["usable"], found["parameters"], found["calibration"]) == (False, None, None)
    assert found["reason"].startswith("Nobody has ordered")
    code, out, err = call("forecast", "customers")
    assert (code, "no forecast: Nobody has ordered" in err) == (0, True)
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == orders
    assert all((line["p_alive"], line["activity"]) == (None, "none") for line in lines)


def test_a_shop_where_everybody_orders_daily_is_told_why_there_is_no_forecast(shop: Shop, read: Read) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(40)]
    put(shop, [(who, f"{day}T05:00Z", 100_00, "IDR") for who in range(5) for day in days])
    found = read("forecast", "fit")
    assert (found["usable"], next(gate["ok"] for gate in found["gates"] if gate["name"] == "fit")) == (False, False)
    assert math.isfinite(found["outlook"]["orders"])
    with tenant(shop.app.engine, shop.merchant) as conn:
        kept = forecast.kept(conn)
    assert kept is not None
    assert kept[1] == found


def test_an_until_before_the_first_order_is_an_empty_history(shop: Shop, read: Read) -> None:
    put(shop, [(1, "2026-01-01T05:00Z", 100_00, "IDR")])
    found = read("forecast", "fit", "--until", "2025-06-01")
    assert (found["customers"], found["usable"]) == (0, False)
    with tenant(shop.app.engine, shop.merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM forecast_fit")) == 0
