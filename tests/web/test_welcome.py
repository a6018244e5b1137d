"""From an empty business to its first campaign, and what home says once there is a shop."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from campaigns.recipes import recipes
from campaigns.schema import parse
from plugin_server.db import figures, pulse
from plugin_server.db.audit.story import GROUPS
from plugin_server.db.campaigning import agenda, campaigns, reach
from plugin_server.db.ladder import counting, facts, rungs
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.merchant import attention, checklist
from plugin_server.db.session import tenant
from plugin_server.db.shops import sync
from plugin_server.jobs import figures as ready
from plugin_server.web.ladder import moves
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled
from tests.web.test_browser import CROWD


@pytest.fixture
def crowd(app: Services, merchant: int, woo: int) -> None:
    """Sixty customers with one to five orders each."""
    with tenant(app.engine, merchant) as connection:
        for statement in CROWD:
            connection.execute(text(statement), {"m": merchant, "s": woo, "now": app.now()})
        facts.refresh(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=None, now=app.now())


MIXED = """
    UPDATE customer_facts SET activity = (ARRAY['active', 'cooling', 'lapsed'])[1 + customer_id / 5 % 3],
        orders = CASE WHEN customer_id % 7 = 0 THEN 0 ELSE orders END,
        order_days = CASE WHEN customer_id % 7 = 0 THEN 0 ELSE order_days END,
        consent_promotions = CASE WHEN customer_id % 4 = 0 THEN 'unsubscribed' ELSE consent_promotions END"""
JUST_BOUGHT = "UPDATE shop_order SET placed_at = :since WHERE external_id LIKE '%-1'"


def missing(app: Services, merchant: int, *, covered: float | None = None, leaves: bool = True) -> list[str]:
    with tenant(app.engine, merchant) as connection:
        return [item.key for item in checklist.look(connection, covered=covered, leaves=leaves).open]


def test_an_empty_business_begins_with_the_address_of_its_shop(logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    assert owner.get("/home").location == "/welcome"
    page = owner.get("/welcome").text
    assert 'name="url"' in page
    assert owner.post("/welcome", {"url": "https://Kopi.myshopify.com/admin"}).location == (
        "/connect/shopify?shop=kopi.myshopify.com"
    )
    asked = owner.post("/welcome", {"url": "kopi.example.com"})
    assert (asked.status_code, asked.location) == (307, "/connect/woocommerce")
    assert owner.post("/welcome", {"url": "  "}).location == "/welcome"
    assert logged_in("viewer").post("/welcome", {"url": "kopi.example.com"}).status_code == 403


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_shop_fills_the_pages_while_it_is_read(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor], state: str
) -> None:
    visitor = logged_in("owner")
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "INSERT INTO sync_run (merchant_id, store_id, kind, state, seen, total, phase, started_at) "
                "VALUES (:m, :s, 'full', :state, 30, 60, 'orders', :now)"
            ),
            {"m": merchant, "s": woo, "state": state, "now": app.now()},
        )
    for path in ("/welcome", "/home"):
        for headers in ({}, {"HX-Request": "true"}):
            answer = visitor.get(path, headers=headers)
            assert answer.status_code == 200, path
            assert "Reading Toko Senja" in answer.text, path
            assert ("30 of 60" in answer.text or "of 60" in answer.text) == (state == "running"), path


def test_a_shop_just_connected_is_being_read_until_it_turns_out_that_it_cannot_be(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    viewer, kinds = logged_in("viewer"), text("SELECT kind, state FROM sync_run")
    asked = {"merchant_id": merchant, "store_id": woo, "now": app.now()}
    with tenant(app.engine, merchant) as connection:
        sync.promise(connection, **asked)
        sync.promise(connection, **asked)
        assert [tuple(row) for row in connection.execute(kinds)] == [("full", "queued")]
    assert "Reading Toko Senja" in viewer.get("/home").text
    with tenant(app.engine, merchant) as connection:
        sync.forgo(connection, woo)
    assert "Reading Toko Senja" not in viewer.get("/home").text
    with tenant(app.engine, merchant) as connection:
        run, _ = sync.begin(connection, merchant_id=merchant, store_id=woo, kind="full", now=app.now())
        connection.execute(text("UPDATE sync_run SET state = 'done' WHERE id = :id"), {"id": run})
        sync.promise(connection, **asked)
        assert [tuple(row) for row in connection.execute(kinds)] == [("full", "done")]


def test_the_list_knows_what_is_missing(app: Services, merchant: int, crowd: None) -> None:
    assert missing(app, merchant) == ["webhooks", "address", "domain", "costs", "campaign"]
    assert missing(app, merchant, covered=0.79, leaves=False) == ["webhooks", "address", "costs", "campaign"]
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE merchant SET postal_address = 'Jalan Senja 1'"))
    assert missing(app, merchant, covered=0.8) == ["webhooks", "domain", "campaign"]


def test_a_business_without_anything_misses_everything(app: Services, merchant: int) -> None:
    assert missing(app, merchant) == ["shop", "address", "domain", "costs", "consent", "campaign"]


def test_home_says_what_to_do_and_folds_the_list_away(
    app: Services, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    marketer = logged_in("marketer")
    home = marketer.get("/home").text
    assert "/campaigns/new?recipe=second_order&amp;move=second_order" in home
    assert "largest step" in home
    assert "The laws of many countries" in home
    assert marketer.post("/welcome/fold", {"fold": "1"}).location == "/home"
    folded = marketer.get("/home").text
    assert "The laws of many countries" not in folded
    assert "Your postal address" in folded
    marketer.post("/welcome/fold", {"fold": "0"})
    assert "The laws of many countries" in marketer.get("/home").text


def test_the_slider_of_home_counts_a_share_of_everybody(logged_in: Callable[[str], Visitor], crowd: None) -> None:
    viewer = logged_in("viewer")
    asked = {"HX-Request": "true"}
    none, half, all_ = (viewer.get(f"/home/what-if?all={n}", headers=asked).text for n in (0, 50, 100))
    assert len({none, half, all_}) == 3
    assert "+ 0" in none


def test_what_waits_for_a_person_is_counted_and_led_to(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    with tenant(app.engine, merchant) as connection:
        assert attention.waiting(connection, app.now()) == []
        connection.execute(
            text(
                "INSERT INTO conversation (merchant_id, email, subject, state, changed_at) "
                "VALUES (:m, 'a@example.com', 'Hm', 'open', :now), (:m, 'b@example.com', 'Ah', 'closed', :now)"
            ),
            {"m": merchant, "now": app.now()},
        )
        connection.execute(text("UPDATE store SET state = 'frozen'"))
        found = attention.waiting(connection, app.now())
    assert [(one.kind, one.count) for one in found] == [("conversations", 1), ("stores", 1)]
    home = logged_in("viewer").get("/home").text
    assert "1 customer waits for an answer" in home
    assert f'href="/stores/{found[1].number}">1 shop needs you' in home


@pytest.mark.parametrize("action", sorted(moves.WHOM))
def test_a_move_begins_with_a_mail_to_the_people_it_counts(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], crowd: None, action: str
) -> None:
    now, recipe = app.now(), next(one for one in recipes() if one.key == moves.RECIPES[action])
    made = parse(moves.to_these(recipe.document, action))
    with tenant(app.engine, merchant) as connection:
        connection.execute(text(MIXED))
        counted = {row.action: row for row in connection.execute(text(GROUPS))}[action]
        reached = reach.reach(connection, merchant_id=merchant, campaign=made, campaign_id=0, now=now)
        assert made.audience.rule is not None
        assert not isinstance(made.audience.rule, str)
        held = counting.look(connection, rungs.shop(connection, merchant), made.audience.rule, now, sample=0).count
    # The audit's invitation to a first order names subscribers alone; the other groups count everybody.
    assert counted.people == (counted.reachable if action == "first_order" else held)
    assert 0 < counted.reachable == reached["treated"] + reached["holdout"] <= held
    page = logged_in("marketer").get(f"/campaigns/new?recipe={recipe.key}&move={action}").text
    assert 'value="once" checked' in page
    assert f'name="base" value="recipe:{recipe.key}"' in page
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=made, by="test")
        saved = campaigns.need(connection, made.key)
        campaigns.open_run(connection, merchant_id=merchant, saved=saved, occasion="once", due_at=now, by="test")
        launched = agenda.launched_to(connection, moves.WHOM, now - moves.RESTS)
        assert agenda.launched_to(connection, moves.WHOM, now + timedelta(seconds=1)) == {}
    assert {name: entry.key for name, entry in launched.items()} == {action: made.key}


def test_a_move_that_was_made_rests(app: Services, logged_in: Callable[[str], Visitor], crowd: None) -> None:
    marketer = logged_in("marketer")
    before = marketer.get("/home").text
    sent = filled(
        parse(moves.to_these(next(one for one in recipes() if one.key == "second_order").document, "second_order")),
        base="recipe:second_order", name="Again", **{"measure.holdout": "0"},
    )  # fmt: skip
    marketer.get("/campaigns/new")
    assert marketer.post("/campaigns/new", sent).location == "/campaigns/again"
    run = marketer.post("/campaigns/again/launch").location
    after = marketer.get("/home").text
    assert ("recipe=second_order&amp;move=second_order" in before, f'href="{run}">Launched on' in before) == (
        True,
        False,
    )
    assert ("recipe=second_order&amp;move=second_order" in after, f'href="{run}">Launched on' in after) == (False, True)


def test_a_campaign_on_an_event_says_whom_it_meets_in_time(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    recipe = next(one for one in recipes() if one.key == "second_order")
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=recipe.campaign, by="test")
        connection.execute(text(JUST_BOUGHT), {"since": app.now() - timedelta(days=20)})
        facts.refresh(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=None, now=app.now())
    page = logged_in("marketer").get("/campaigns/second-order").text
    met = re.search(r"In the last 30 days it would have met (\d+) people", page)
    assert met
    assert int(met[1]) > 1
    assert "Today it would meet 0 people" in page
    assert "It is nobody&#39;s day today" in page
    assert re.search(r'<button name="state" value="active">Send by itself from .* on</button>', page)
    assert "day by day" in logged_in("viewer").get("/campaigns/second-order/power").text


@pytest.mark.parametrize("recipe", sorted(set(moves.RECIPES.values())))
def test_a_dry_run_of_every_move_says_what_it_would_have_done(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], crowd: None, recipe: str
) -> None:
    assert recipe in {one.key for one in recipes()}
    answer = logged_in("viewer").get(f"/welcome/try/{recipe}")
    assert answer.status_code == 200
    assert "the last 12 months" in answer.text
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign")) == 0
        kept = ready.anew(connection, merchant, f"dry_run:{recipe}", app.now()).document
    assert "sample" not in kept


def test_costs_are_asked_for_where_they_tell_most(
    app: Services, merchant: int, woo: int, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "INSERT INTO product (merchant_id, store_id, external_id, title, currency, unit_cost_minor) VALUES "
                "(:m, :s, 'a', 'Kopi Gayo', 'IDR', NULL), (:m, :s, 'b', 'Kopi Toraja', 'IDR', 100)"
            ),
            {"m": merchant, "s": woo},
        )
        connection.execute(
            text(
                "INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, total_minor) "
                "SELECT :m, id, n, CASE n WHEN 0 THEN 'a' ELSE 'b' END, 1, 1000 * (1 + n * 3) "
                "FROM shop_order, generate_series(0, 1) AS n"
            ),
            {"m": merchant},
        )
    page = logged_in("viewer").get("/welcome/costs").text
    assert "80%" in page
    assert "Kopi Gayo" in page
    assert "Kopi Toraja" not in page


def test_a_kept_figure_is_shown_until_orders_change(app: Services, merchant: int, crowd: None) -> None:
    now = app.now()
    with tenant(app.engine, merchant) as connection:
        pulse.beat(connection, merchant_id=merchant, now=now)
        made = ready.anew(connection, merchant, "tally", now)
        fresh = figures.kept(connection, "tally", now)
        assert fresh is not None
        assert (fresh.document, fresh.stale) == (made.document, False)
        old = figures.kept(connection, "tally", now + figures.OLD + timedelta(seconds=1))
        assert old is not None
        assert old.stale
        pulse.beat(connection, merchant_id=merchant, now=now)
        changed = figures.kept(connection, "tally", now)
        assert changed is not None
        assert changed.stale
        connection.execute(text("DELETE FROM customer_facts WHERE customer_id % 2 = 0"))
        # A small shop's figure is never shown stale, however long it took.
        connection.execute(text("UPDATE kept_figure SET seconds = 9"))
        shown = ready.ready(app, connection, merchant, "tally")
        assert sum(row[2] for row in shown.document) == 30


def test_nothing_that_was_made_in_an_empty_shop_is_shown_later(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as connection:
        ready.anew(connection, merchant, "tally", app.now())
        assert figures.kept(connection, "tally", app.now()) is not None
        pulse.beat(connection, merchant_id=merchant, now=app.now())
        assert figures.kept(connection, "tally", app.now()) is None


def test_results_follow_the_run_though_no_order_came(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], crowd: None
) -> None:
    now, visitor = app.now(), logged_in("marketer")
    recipe = next(one for one in recipes() if one.key == "second_order")
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=recipe.campaign, by="test")
        saved = campaigns.need(connection, "second-order")
        run, _ = campaigns.open_run(
            connection, merchant_id=merchant, saved=saved, occasion="once", due_at=now, by="test"
        )
        for name in (f"result:{run}:planned", f"outcome:second-order:{run}:planned", "proof"):
            ready.anew(connection, merchant, name, now - timedelta(minutes=1))
    assert "Figures appear when the first mails are out" in visitor.get(f"/runs/{run}").text
    assert "No campaign has run yet" in visitor.get("/proof").text
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE campaign_run SET state = 'done', frozen_at = :now"), {"now": now})
        connection.execute(
            text(
                "INSERT INTO audience_member (merchant_id, run_id, customer_id, arm, reason, rung) "
                "SELECT :m, :run, id, 'treated', '', 'shopper' FROM customer"
            ),
            {"m": merchant, "run": run},
        )
    assert "Figures appear when the first mails are out" not in visitor.get(f"/runs/{run}").text
    assert "<table>" in visitor.get("/campaigns/second-order/results").text
    assert "No campaign has run yet" not in visitor.get("/proof").text
