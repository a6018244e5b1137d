"""The audit's page: figures, freshness, days that are none, and what the owner spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from connectors.types import Order
from plugin_server.db import pulse
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.audit import spending
from plugin_server.db.ingest.orders import ingest_orders
from plugin_server.db.ladder import forecast
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.jobs import audit, nightly
from plugin_server.jobs.climb import recomputed
from plugin_server.jobs.consequences import follow
from plugin_server.wiring import Services
from tests.data.making import NOW, order
from tests.data.making import Shop as Till
from tests.web.conftest import Visitor


@pytest.fixture
def bought(shop: Till) -> None:
    """Two orders, one of them a guest's without an address."""
    come(shop, order("1"), order("2", email=None, name=None))


def come(shop: Till, *orders: Order) -> None:
    """Orders, with all that follows from them."""
    with tenant(shop.app.engine, shop.merchant) as conn:
        done = ingest_orders(conn, merchant_id=shop.merchant, store_id=shop.store, orders=orders, now=NOW)
        follow(conn, merchant_id=shop.merchant, done=done, now=NOW)


@pytest.mark.usefixtures("bought")
def test_the_page_shows_the_figures_of_now(logged_in: Callable[[str], Visitor], app: Services, merchant: int) -> None:
    visitor = logged_in("viewer")
    said = visitor.get("/audit").get_data(as_text=True)
    assert "Rp100" in said
    assert "guest order" in said
    assert "Orders changed since" not in said
    audit.made(app, merchant, "all")
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text("UPDATE audit_rollup SET document = jsonb_set(document, '{audit,customers}', '77'), seconds = 9")
        )
    assert ">77<" in visitor.get("/audit").get_data(as_text=True)
    # A large shop's page does not wait: it says that orders changed, and a worker is woken.
    with tenant(app.engine, merchant) as conn:
        pulse.beat(conn, merchant_id=merchant, now=NOW)
    said = visitor.get("/audit").get_data(as_text=True)
    assert ">77<" in said
    assert "Orders changed since" in said
    # What an older release kept may lack what the page shows.
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE audit_rollup SET document = '{}'"))
    assert ">77<" not in visitor.get("/audit").get_data(as_text=True)


def test_what_was_kept_of_an_empty_shop_is_not_shown_of_one_that_fills(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, shop: Till
) -> None:
    audit.made(app, merchant, "all")
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE audit_rollup SET seconds = 9"))
    come(shop, order("1"))
    assert "Rp100" in logged_in("viewer").get("/audit").get_data(as_text=True)


def test_an_empty_shop_and_days_that_are_none(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("viewer")
    for query, sentence in (
        ("", "No known customer"),
        ("?from=2026-13-40", "is not a day"),
        ("?from=2026-05-01&to=2026-01-01", "swap them"),
        ("?to=0001-01-01", "is not a day"),
    ):
        answer = visitor.get(f"/audit{query}")
        assert (answer.status_code, sentence in answer.get_data(as_text=True)) == (200, True)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"month": "2026-10", "channel": "Ads", "amount": "1250000"}, "Noted"),
        ({"month": "2026-10", "channel": "Ads", "amount": "1.250.000"}, "not an amount"),
        ({"month": "2026-10", "channel": "Ads", "amount": "NaN"}, "not an amount"),
        ({"month": "October", "channel": "Ads", "amount": "1"}, "Choose a month"),
        ({"month": "2027-01", "channel": "Ads", "amount": "1"}, "Choose a month"),
        ({"month": "2026-10", "channel": "", "amount": "1"}, "spent on"),
    ],
)
def test_spend_is_typed_in(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int, form: dict[str, str], sentence: str
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/audit")
    answer = visitor.post("/audit/spending", form)
    assert answer.status_code == (302 if sentence == "Noted" else 422)
    assert sentence in (visitor.get("/audit") if sentence == "Noted" else answer).text
    with tenant(app.engine, merchant) as conn:
        kept = [entry["amount_minor"] for entry in spending.entries(conn)]
    assert kept == ([125_000_000] if sentence == "Noted" else [])


def test_a_viewer_types_nothing_in(logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("viewer")
    visitor.get("/audit")
    assert visitor.post("/audit/spending", {"month": "2026-10", "channel": "Ads", "amount": "1"}).status_code == 403


@pytest.mark.usefixtures("bought")
def test_the_page_gives_itself_on_paper(logged_in: Callable[[str], Visitor], app: Services, merchant: int) -> None:
    visitor = logged_in("viewer")
    answer = visitor.client.get("/audit.pdf?from=2026-01-01")
    assert (answer.status_code, answer.mimetype, answer.get_data()[:5]) == (200, "application/pdf", b"%PDF-")
    assert 'formaction="/audit.pdf"' in visitor.get("/audit").get_data(as_text=True)


@pytest.mark.usefixtures("bought")
def test_every_transaction_that_changes_orders_is_felt(shop: Till, app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        audit_rollup.make(conn, merchant=merchants.get(conn), span="all", now=NOW)
        before, _ = pulse.current(conn)
    come(shop, order("3", email=None, name=None))
    with tenant(app.engine, merchant) as conn:
        kept = audit_rollup.kept(conn, "all")
        assert (pulse.current(conn)[0], kept and kept.stale_since is not None) == (before + 1, True)


def test_the_forecast_page_tells_what_is_missing(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    visitor = logged_in("viewer")
    assert "being made" in visitor.get("/forecast").get_data(as_text=True)
    nightly.forecast_of(app, merchant)
    said = visitor.get("/forecast").get_data(as_text=True)
    assert "No forecast yet" in said
    assert "not known" in said
    # The gates of an empty shop say nothing of one that fills.
    with tenant(app.engine, merchant) as conn:
        pulse.beat(conn, merchant_id=merchant, now=NOW + timedelta(seconds=1))
    assert "being made" in visitor.get("/forecast").get_data(as_text=True)


def test_the_forecast_page_says_what_it_is_made_of_and_that_orders_came_since(
    logged_in: Callable[[str], Visitor], app: Services, merchant: int
) -> None:
    made = {"usable": True, "customers": 700, "since": "2025-01-02", "until": "2026-11-01", "stale_days": 0,
            "gates": [], "confidence": "good", "parameters": None, "spend": None,
            "calibration": {"error": 0.05, "weeks": 26, "customers": 9, "predicted": 3.0, "actual": 3,
                            "by_repeats": [], "by_chance": []},
            "outlook": {"weeks": 13, "orders": 147.2, "orders_between": [131.6, 162.8], "spend": None, "alive": 517.0},
            }  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        forecast.keep(conn, merchant_id=merchant, document=made, now=NOW)
    visitor = logged_in("viewer")
    said = visitor.get("/forecast").get_data(as_text=True)
    for words in (
        "Paid orders from 2 Jan 2025 to 1 Nov 2026",
        "(132–163)",
        "The chance of each customer with an order",
    ):
        assert words in said
    assert "Orders changed since" not in said
    with tenant(app.engine, merchant) as conn:
        pulse.beat(conn, merchant_id=merchant, now=NOW + timedelta(seconds=1))
    assert "Orders changed since" in visitor.get("/forecast").get_data(as_text=True)


def test_orders_in_other_money_alone_are_no_silent_zero(
    logged_in: Callable[[str], Visitor], shop: Till, app: Services, merchant: int
) -> None:
    come(shop, order("1"))
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE shop_order SET currency = 'USD'"))
    recomputed(app, merchant)
    visitor = logged_in("viewer")
    assert "Nobody has paid an order in your own currency yet" in visitor.get("/home/what-if").get_data(as_text=True)
    page = visitor.get("/audit").get_data(as_text=True)
    assert "Apart: 1 order in another currency" in page
    assert "Paid orders from" in page
    assert "Highest month" not in page, "there is none"


def test_sliders_move_the_what_if(logged_in: Callable[[str], Visitor], shop: Till) -> None:
    come(shop, order("1"))
    visitor = logged_in("viewer")
    assert "+ Rp100" in visitor.get("/home/what-if").get_data(as_text=True)
    part = visitor.get("/home/what-if?s-shopper=50&margin=80", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in part
    assert "+ Rp50" in part
    assert "+ Rp40" in part
    assert "With an assumed margin of 30%" in visitor.get("/home/what-if?margin=30").get_data(as_text=True)
    for odd in ("x", "-5", "1e999", "NaN"):
        assert visitor.get(f"/home/what-if?s-shopper={odd}&margin={odd}").status_code == 200
