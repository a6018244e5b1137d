"""The points pages: the owner's, and the customer's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask

from connectors.types import Money
from plugin_server.db.points import actions, ledger
from plugin_server.db.points import programme as points
from plugin_server.jobs.giving.points_night import rounded
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.web.giving import points_form
from plugin_server.wiring import Services
from tests.data.making import DAY, NOW, Shop, order
from tests.points.conftest import points_shop, program
from tests.points.test_orders import has, take
from tests.web.conftest import Clock, Visitor

__all__ = ["points_shop"]

FORM = {
    "since": "2020-01-01", "points": "1", "per": "10", "pending_days": "14", "expires_days": "", "point_value": "1",
    "action_birthday": "20", "reward_name_0": "Rp 500 off", "reward_points_0": "500", "reward_kind_0": "fixed",
    "reward_value_0": "500", "reward_days_0": "30",
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "per", "value", "worth"),
    [
        (Money(30499400, "IDR"), "5000", "250", "25000"),
        (Money(4512, "EUR"), "1", "0.05", "5"),
        (Money(9900, "JPY"), "200", "10", "1000"),
    ],
)
def test_a_first_programme_begins_with_sums_that_give_five_percent_back(
    order: Money, per: str, value: str, worth: str
) -> None:
    form = points_form.begun(NOW.date(), order, lambda money: f"{money.amount} off", "en")
    assert (form["per"], form["point_value"], form["reward_value_0"]) == (per, value, worth)
    document, faults = points_form.read(form, "en", "en")
    assert faults == {}
    made = points_form.checked(document)
    assert [(one.key.split("-")[-1], one.points) for one in made.rewards] == [("off", 100)]
    assert "per" not in points_form.begun(NOW.date(), Money(0, order.currency), str, "en")


@pytest.fixture
def points_shop_like(shop: Shop) -> Shop:
    """A shop whose programme has what the form has no field for."""
    rules = [
        {"kind": "amount", "points": 1, "per": "10"},
        {"kind": "amount", "points": 2, "per": "10", "category": "Tea"},
    ]
    chosen = program(earn=rules, multipliers=[{"rung": "member", "times": "2"}])
    shop.do(lambda conn: points.save_program(conn, shop.merchant, chosen, by="o"))
    return shop


def card(shop: Shop) -> str:
    customer = shop.rows("SELECT id FROM customer")[0][0]
    return f"/c/{customer_token(shop.app.settings.keys, CustomerLink(shop.merchant, customer))}"


def test_a_marketer_starts_a_programme_and_changes_it(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    visitor.get("/points")
    assert visitor.post("/points", FORM).status_code == 302
    saved = shop.rows("SELECT version, definition->'rewards'->0->>'key', definition->'expires_days' FROM point_program")
    assert saved == [(1, "rp-500-off", None)]
    page = unescape(visitor.get("/points").get_data(as_text=True))
    fields = dict(re.findall(r'name="([^"]+)" type="[a-z]+" value="([^"]*)"', page))
    assert (fields["per"], fields["action_birthday"], fields["reward_value_0"]) == ("10", "20", "500")


def test_what_the_form_shows_goes_in_again_unchanged(
    points_shop_like: Shop, logged_in: Callable[[str], Visitor]
) -> None:
    shop, visitor = points_shop_like, logged_in("marketer")
    page = unescape(visitor.get("/points").get_data(as_text=True))
    fields = dict(re.findall(r'name="([^"]+)" (?:type="[a-z]+" )?value="([^"]*)"', page.replace("&#34;", "'")))
    kinds = dict(re.findall(r'<select id="f-[^"]+" name="([^"]+)".*?<option value="([A-Za-z_]+)" selected', page, re.S))
    assert visitor.post("/points", fields | kinds).status_code == 302
    newest, before = shop.rows("SELECT definition FROM point_program ORDER BY version DESC LIMIT 2")
    assert newest[0]["multipliers"] == before[0]["multipliers"] == [{"rung": "member", "times": "2"}]
    assert newest[0]["earn"] == before[0]["earn"]
    assert newest[0]["rewards"][0] | {"name": {"en": "Rp 500 off"}} == before[0]["rewards"][0]


def test_rungs_categories_and_names_are_fields(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    visitor.get("/points")
    tea = {"category_name_0": "Tea", "category_points_0": "3", "category_per_0": "20"}
    more = tea | {"times_member": "1.5", "times_advocate": "", "reward_name_0_nl": "Rp 500 korting"}
    shop.rows("UPDATE merchant SET locale = 'id' RETURNING id")
    assert visitor.post("/points", FORM | more).status_code == 302
    ((saved,),) = shop.rows("SELECT definition FROM point_program")
    assert saved["multipliers"] == [{"rung": "member", "times": "1.5"}]
    assert [(rule.get("category"), rule["points"], rule.get("per")) for rule in saved["earn"]] == [
        (None, 1, "10"), ("Tea", 3, "20"), (None, 20, None),
    ]  # fmt: skip
    assert saved["rewards"][0]["name"] == {"id": "Rp 500 off", "nl": "Rp 500 korting"}
    for wrong, said in (({"times_member": "0"}, "Write a number above zero"), ({"category_per_0": "0"}, "Write an am"),
                        ({"category_name_0": "Coffee"}, "Choose a cat")):  # fmt: skip
        store = shop.rows("SELECT id, merchant_id FROM store")[0]
        shop.rows("INSERT INTO category (store_id, merchant_id, external_id, name) VALUES "
                  f"({store[0]}, {store[1]}, gen_random_uuid()::text, 'Tea') RETURNING id")  # fmt: skip
        answer = visitor.post("/points", FORM | more | wrong)
        assert (answer.status_code, said in answer.text) == (422, True), wrong
    assert len(shop.rows("SELECT 1 FROM point_program")) == 1


def test_a_wrong_form_says_where_and_keeps_what_was_typed(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    visitor.get("/points")
    answer = visitor.post("/points", FORM | {"per": "0", "reward_value_0": ""})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Write an amount above zero." in text
    assert "Write an amount above zero; percent go up to 100." in text
    assert 'value="Rp 500 off"' in text
    assert shop.rows("SELECT 1 FROM point_program") == []


def test_half_a_reward_is_asked_about_and_an_emptied_one_goes(shop: Shop, logged_in: Callable[[str], Visitor]) -> None:
    visitor = logged_in("marketer")
    visitor.get("/points")
    half = {"reward_name_1": "Ongkir", "reward_points_1": "", "reward_value_1": "9"}
    answer = visitor.post("/points", FORM | half)
    assert answer.status_code == 422
    assert 'value="Ongkir"' in answer.text
    visitor.post("/points", FORM)
    gone = FORM | {"reward_key_0": "rp-500-off", "reward_name_0": "", "reward_points_0": ""}
    assert visitor.post("/points", gone).status_code == 302
    left = "SELECT jsonb_array_length(definition->'rewards') FROM point_program ORDER BY version DESC LIMIT 1"
    assert shop.rows(left) == [(0,)]


def test_the_ledger_calls_an_order_as_the_shop_does(
    points_shop_like: Shop, logged_in: Callable[[str], Visitor]
) -> None:
    for external, number in (("1", "#1001"), ("2", "1002")):
        take(points_shop_like, order(external, number=number))
    customer = points_shop_like.rows("SELECT id FROM customer")[0][0]
    page = logged_in("viewer").get(f"/points/customers/{customer}").text
    assert re.findall(r">(#+100\d)<", page) == ["#1002", "#1001"]


def test_everything_that_moves_points_has_a_name(points_shop_like: Shop, logged_in: Callable[[str], Visitor]) -> None:
    """Cashback comes in points too; a reward of an order that fell through comes back."""
    take(points_shop_like, order())
    customer = points_shop_like.rows("SELECT id FROM customer")[0][0]
    moves = [("action", "cashback"), ("restore", "the order with this reward fell through"), ("reverse", "referral")]
    for number, (kind, reason) in enumerate(moves):
        points_shop_like.do(
            lambda conn, kind=kind, reason=reason, number=number: ledger.give(  # type: ignore[misc]
                conn, customer, 5, kind=kind, key=f"k{number}", reason=reason, now=NOW, expires_at=None
            )
        )
    shown = logged_in("viewer").get(f"/points/customers/{customer}").text
    for name in ("Cashback of an order", "the order with this reward fell through", "A friend who bought"):
        assert name in shown


def test_a_viewer_may_look_and_not_give(points_shop_like: Shop, logged_in: Callable[[str], Visitor]) -> None:
    take(points_shop_like, order())
    customer = points_shop_like.rows("SELECT id FROM customer")[0][0]
    visitor = logged_in("viewer")
    assert visitor.get(f"/points/customers/{customer}").status_code == 200
    assert visitor.post(f"/points/customers/{customer}", {"amount": "5", "reason": "x"}).status_code == 403


def test_points_by_hand_need_a_reason_and_cannot_go_below_zero(
    points_shop_like: Shop, logged_in: Callable[[str], Visitor]
) -> None:
    take(points_shop_like, order())
    customer = points_shop_like.rows("SELECT id FROM customer")[0][0]
    visitor, path = logged_in("marketer"), f"/points/customers/{customer}"
    visitor.get(path)
    for wrong in ({"amount": "5", "reason": ""}, {"amount": "0", "reason": "x"}, {"amount": "-500", "reason": "x"}):
        assert visitor.post(path, wrong).status_code == 422
    assert visitor.post(path, {"amount": "+5", "reason": "sorry"}).status_code == 302
    assert has(points_shop_like, NOW) == (15, 0)


def test_points_by_hand_are_given_once_by_one_form_and_a_fault_keeps_what_was_typed(
    points_shop_like: Shop, logged_in: Callable[[str], Visitor]
) -> None:
    shop = points_shop_like
    take(shop, order())
    customer = shop.rows("SELECT id FROM customer")[0][0]
    visitor, path = logged_in("marketer"), f"/points/customers/{customer}"
    ticket = re.findall(r'name="ticket" value="(\w{32})"', visitor.get(path).text)[0]
    refused = visitor.post(path, {"amount": "2,5", "reason": "late parcel", "ticket": ticket}).text
    assert ('value="2,5"' in refused, 'value="late parcel"' in refused, f'value="{ticket}"' in refused) == (True,) * 3
    for _ in range(2):
        assert visitor.post(path, {"amount": "25", "reason": "late parcel", "ticket": ticket}).status_code == 302
    by_hand = "SELECT array_agg(points) FROM point_entry WHERE kind = 'adjust'"
    assert shop.rows(by_hand) == [([25],)]
    visitor.post(path, {"amount": "25", "reason": "late parcel", "ticket": "f" * 32})
    assert shop.rows(by_hand) == [([25, 25],)]


def test_points_by_hand_are_taken_back_once_and_for_a_day(
    points_shop_like: Shop, logged_in: Callable[[str], Visitor], clock: Clock
) -> None:
    take(points_shop_like, order())
    customer = points_shop_like.rows("SELECT id FROM customer")[0][0]
    visitor, path = logged_in("marketer"), f"/points/customers/{customer}"
    undo = re.compile(rf'action="({path}/undo/\d+)"')
    for amount, stands in (("+5", 15), ("-4", 6)):
        visitor.get(path)
        visitor.post(path, {"amount": amount, "reason": "oops"})
        assert has(points_shop_like, NOW) == (stands, 0)
        (way,) = undo.findall(visitor.get(path).text)
        assert logged_in("viewer").post(way).status_code == 403
        assert [visitor.post(way).status_code for _ in range(2)] == [302, 302]
        assert has(points_shop_like, NOW) == (10, 0)
        assert undo.findall(visitor.get(path).text) == []
    visitor.post(path, {"amount": "+5", "reason": "meant"})
    (way,) = undo.findall(visitor.get(path).text)
    visitor.post(path, {"amount": "-15", "reason": "spent"})
    visitor.post(way)
    assert "spent since" in visitor.get(path).text
    assert has(points_shop_like, NOW) == (0, 0)
    clock.forward(hours=25)
    assert undo.findall(visitor.get(path).text) == []
    done = points_shop_like.rows("SELECT detail ->> 'points' FROM audit_log WHERE action = 'points_undone' ORDER BY id")
    assert [row[0] for row in done] == ["-5", "4"]


def test_a_customer_takes_a_reward_in_two_taps(points_shop_like: Shop, visitor: Visitor, app: Services) -> None:
    shop = points_shop_like
    shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    take(shop, order(total_minor=600_000, placed_at=DAY))
    page = visitor.get(card(shop)).get_data(as_text=True)
    link = re.search(r'href="(/c/[^"]+/rewards/five)"', page)
    assert link is not None
    asked = visitor.get(link[1]).get_data(as_text=True)
    assert "500" in asked
    assert "100" in asked
    assert shop.rows("SELECT 1 FROM reward_claim") == []
    assert visitor.client.post(link[1]).status_code == 302
    assert shop.rows("SELECT state FROM reward_claim") == [("planned",)]
    again = visitor.client.post(link[1], follow_redirects=True).get_data(as_text=True)
    assert "500" in again
    assert len(shop.rows("SELECT 1 FROM reward_claim")) == 1


def test_a_reward_asked_for_in_two_windows_is_taken_once(points_shop_like: Shop, flask_app: Flask) -> None:
    """There are points for three; whoever asks anew afterwards gets a second one."""
    shop = points_shop_like
    shop.rows("UPDATE store SET platform = 'woocommerce', state = 'connected' RETURNING id")
    take(shop, order(total_minor=1_600_000, placed_at=DAY))
    path = f"{card(shop)}/rewards/five"

    def seen() -> dict[str, str]:
        return dict(re.findall(r'name="(seen)" value="(\d+)"', flask_app.test_client().get(path).text))

    first = seen()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: flask_app.test_client().post(path, data=first).status_code, range(4)))
    assert answers == [302] * 4
    assert shop.rows("SELECT count(*) FROM reward_claim") == [(1,)]
    assert flask_app.test_client().post(path, data=seen()).status_code == 302
    assert shop.rows("SELECT count(*) FROM reward_claim") == [(2,)]


def test_what_an_answer_brings_is_said_before_and_after_it(shop: Shop, visitor: Visitor) -> None:
    take(shop, order())
    rules = [{"kind": "action", "action": "birthday_told", "points": 20}]
    shop.do(lambda conn: points.save_program(conn, shop.merchant, program(earn=rules), by="o"))
    ask = f"{card(shop)}/ask/birthday"
    english = {"headers": {"Accept-Language": "en"}}
    assert "You get 20 points for telling us, once." in visitor.get(ask, **english).text
    assert "points" not in visitor.get(f"{card(shop)}/ask/preferences", **english).text
    visitor.client.post(ask, data={"day": "1990-03-14"})
    assert "Your 20 points come within a day." in visitor.get(ask, **english).text
    shop.do(lambda conn: actions.reward_actions(conn, merchant_id=shop.merchant, now=NOW))
    assert "points" not in visitor.get(ask, **english).text


def test_points_in_the_return_window_and_those_that_end_are_told(points_shop_like: Shop, visitor: Visitor) -> None:
    shop = points_shop_like
    take(shop, order(placed_at=NOW - timedelta(days=2), total_minor=70_000), now=NOW)
    page = visitor.get(card(shop)).get_data(as_text=True)
    assert "70 lagi mulai 4 Des 2026" in page


@pytest.mark.parametrize(("ends", "of_the_pause"), [("resume", 0), ("undo", 10)])
def test_what_is_bought_in_a_pause_earns_nothing_unless_it_is_undone(
    points_shop: Shop, logged_in: Callable[[str], Visitor], clock: Clock, ends: str, of_the_pause: int
) -> None:
    """An order of before the pause that is read during it earns; pressing twice does it once."""
    take(points_shop, order("before", placed_at=clock.now - timedelta(days=20)), now=clock.now)
    visitor = logged_in("marketer")
    page = visitor.get("/points/pause").text
    assert "1 customer earned points with an order in the last 30 days" in page
    assert "1 customer keeps the 10 points" in page
    clock.forward(minutes=1)
    for _ in range(2):
        assert visitor.post("/points/pause", {"do": "pause"}).status_code == 302
    assert "Points are paused" in visitor.get("/points").text
    at = clock.now
    clock.forward(hours=5)
    take(points_shop, order("during", placed_at=at + timedelta(hours=1)), now=clock.now)
    take(points_shop, order("late", placed_at=at - timedelta(hours=1)), now=clock.now)
    assert has(points_shop, at + timedelta(days=30)) == (20, 0)
    assert "1 order was placed" in visitor.get("/points/pause").text
    assert visitor.post("/points/pause", {"do": "stop"}).status_code == 400
    visitor.post("/points", FORM | {"since": "2020-01-01", "expires_days": "365"})
    for _ in range(2):
        visitor.post("/points/pause", {"do": ends})
    clock.forward(hours=1)
    take(points_shop, order("after", placed_at=clock.now), now=clock.now)
    rounded(points_shop.app, points_shop.merchant)
    assert has(points_shop, at + timedelta(days=30)) == (30 + of_the_pause, 0)
    done = ["points_paused", "points_resumed" if ends == "resume" else "points_pause_undone"]
    said = "SELECT action FROM audit_log WHERE action LIKE 'points%pause%' OR action LIKE 'points_resumed' ORDER BY id"
    assert [action for (action,) in points_shop.rows(said)] == done


def test_a_pause_of_two_days_ago_can_only_be_ended(
    points_shop: Shop, logged_in: Callable[[str], Visitor], clock: Clock
) -> None:
    visitor = logged_in("marketer")
    visitor.get("/points/pause")
    visitor.post("/points/pause", {"do": "pause"})
    clock.forward(days=2)
    assert 'value="undo"' not in visitor.get("/points/pause").text
    visitor.post("/points/pause", {"do": "undo"})
    assert "Points are paused" in visitor.get("/points").text
    visitor.post("/points/pause", {"do": "resume"})
    assert "Points are paused" not in visitor.get("/points").text
