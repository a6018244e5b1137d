"""Segments on the page: built, counted, explained, saved; by forms alone, and in a browser on phone and desk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.ladder.facts import CATALOGUE
from plugin_server.db import figures
from plugin_server.db.ladder import counting
from plugin_server.db.session import tenant
from plugin_server.jobs import nightly
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_browser import SIZES, Looker, address, crowd, looker

__all__ = ["address", "crowd", "looker"]

LEAF = {"fact": "orders", "op": ">=", "value": "1"}
ONE = {"r.kind": "all", "r.0.fact": "orders", "r.0.op": ">=", "r.0.value": "3"}


@pytest.fixture
def marketer(logged_in: Callable[[str], Visitor], crowd: int) -> Visitor:
    return logged_in("marketer")


def test_a_form_without_scripts_builds_counts_and_saves(marketer: Visitor, app: Services, merchant: int) -> None:
    marketer.get("/segments/new")
    seen = marketer.post("/segments/look", {**ONE, "do": "add:r", "who": "c60@example.com"}).get_data(as_text=True)
    assert "paid orders: at least 3 and paid orders: at least 1" in seen
    assert "of 60 customers" in seen
    assert "(now: 1)" in seen
    assert "Not in the segment:" in seen
    assert marketer.post("/segments", {**ONE, "name": " "}).status_code == 422
    saved = marketer.post("/segments", {**ONE, "name": "Regulars"})
    assert saved.location == "/segments/regulars"
    assert "Regulars" in marketer.get("/segments").get_data(as_text=True)
    again = marketer.post("/segments", {**ONE, "r.0.value": "5", "key": "regulars", "name": "Regulars"})
    assert again.location == "/segments/regulars"
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT key, rule FROM segment")).all()
    assert [tuple(row) for row in rows] == [("regulars", {"kind": "cmp", "fact": "orders", "op": ">=", "value": 5})]
    assert marketer.post("/segments/regulars/remove").location == "/segments"
    assert marketer.get("/segments/regulars").status_code == 404


@pytest.fixture
def large(app: Services, merchant: int, crowd: int) -> int:
    """The shop as one whose customers are told of by a sample: here each third was drawn."""
    with tenant(app.engine, merchant) as connection:
        drawn = list(connection.scalars(text("SELECT id FROM customer WHERE id % 3 = 1 ORDER BY id")))
        figures.keep(
            connection,
            merchant_id=merchant,
            name=counting.FIGURE,
            make=lambda _: astuple(counting.Size(60, drawn)),
            now=app.now(),
        )
    return crowd


@pytest.mark.usefixtures("large")
def test_a_large_shop_is_told_of_at_once_and_exactly_a_moment_later(
    marketer: Visitor, app: Services, merchant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(do: str, **change: str) -> str:
        return marketer.post("/segments/look", {**ONE, **change, "do": do}).get_data(as_text=True)

    marketer.get("/segments/new")
    follow, ask = 'hx-vals=\'{"do": "exact"}\' hx-trigger=', "Counting exactly …"
    first = look("look")
    assert "about" in first
    assert "of 60 customers, between 23 and 47" in first
    assert "Siti Rahayu 13<" in first
    assert "Siti Rahayu 3<" not in first
    assert follow + '"load"' in first
    assert ask in first
    assert "fewer than <strong" in " ".join(look("look", **{"r.0.value": "99"}).split())
    exact = look("exact")
    assert '<strong class="large">36</strong> of 60 customers</p>' in exact
    assert ask not in exact
    with tenant(app.engine, merchant) as other:
        by = other.scalar(text("SELECT id FROM user_account WHERE role = 'marketer'"))
        other.execute(text("SELECT pg_advisory_xact_lock(:k, :by)"), {"k": counting.LOCK, "by": by})
        assert follow + '"load delay:1s"' in look("exact")
    monkeypatch.setattr(counting, "EXACT_MS", 50)
    with tenant(app.engine, merchant) as other:
        other.execute(text("LOCK TABLE customer_contact IN ACCESS EXCLUSIVE MODE"))
        late = look("exact", **{"r.0.fact": "points"})
    assert "Counting everybody takes too long just now" in late
    assert follow not in late


def test_any_fact_begins_a_segment(marketer: Visitor) -> None:
    listed = marketer.get("/segments/facts").get_data(as_text=True)
    for fact in CATALOGUE.values():
        assert f'href="/segments/new?fact={fact.name}"' in listed
        begun = marketer.get(f"/segments/new?fact={fact.name}").get_data(as_text=True)
        assert f'<option value="{fact.name}" selected>' in begun
    assert marketer.get("/segments/new?fact=shoe_size").status_code == 200


BAD: list[tuple[dict[str, str], str]] = [
    ({**ONE, "r.0.value": "many"}, "Give a whole number"),
    ({**ONE, "r.0.value": ""}, "Finish the conditions"),
    ({**ONE, "r.0.fact": "shoe_size"}, "Finish the conditions"),
    ({**ONE, "r.0.op": "~"}, "Finish the conditions"),
    ({"r.kind": "any"}, "Add a condition"),
    ({**ONE, "r.1.fact": "orders", "r.1.op": "<", "r.1.value": "2"}, "Nobody can ever meet this"),
    ({**ONE, "who": "nobody@example.com"}, "No customer has the address nobody@example.com"),
    ({"r.0.fact": "shoe_size"}, "paid orders: at least 1"),
]


@pytest.mark.parametrize(("form", "said"), BAD)
def test_what_is_wrong_is_said_at_its_place(marketer: Visitor, form: dict[str, str], said: str) -> None:
    marketer.get("/segments/new")
    answer = marketer.post("/segments/look", form)
    assert answer.status_code == 200
    assert said in answer.get_data(as_text=True)
    if "nobody" not in said and "paid orders" not in said and "No customer" not in said:
        assert marketer.post("/segments", {**form, "name": "x"}).status_code == 422


def test_why_nobody_is_in_it_is_said_and_kept_out(marketer: Visitor, app: Services, merchant: int) -> None:
    marketer.get("/segments/new")
    none = {"r.kind": "all", "r.0.fact": "orders", "r.0.op": "=", "r.0.value": "0"}
    spent = none | {"r.1.fact": "spend", "r.1.op": ">", "r.1.value": "100"}
    told = marketer.post("/segments/look", spent).get_data(as_text=True)
    assert "what is asked of “money spent” cannot be together with what is asked of “paid orders”" in told
    assert marketer.post("/segments", {**spent, "name": "x"}).status_code == 422
    chance = {"r.kind": "all", "r.0.fact": "buys_percent", "r.0.op": ">=", "r.0.value": "30"}
    told = marketer.post("/segments/look", chance).get_data(as_text=True)
    assert "The forecast is not made yet" in told
    assert 'hx-trigger="load delay:10s"' in told
    assert "<strong>not known yet</strong>" in told
    marketer.post("/segments", {**chance, "name": "Likely"})
    listed = marketer.get("/segments").get_data(as_text=True)
    assert "not known yet" in listed
    assert 'hx-trigger="load delay:10s"' in listed
    nightly.forecast_of(app, merchant)
    told = marketer.post("/segments/look", chance).get_data(as_text=True)
    assert "The forecast is closed" in told
    assert "delay:10s" not in told


def test_nonsense_is_refused(marketer: Visitor) -> None:
    marketer.get("/segments/new")
    deep = {f"r{'.0' * depth}.kind": "all" for depth in range(20)}
    wide = {f"r.{n}.{part}": said for n in range(201) for part, said in LEAF.items()} | {"r.kind": "any"}
    told = {"nested 12 deep at most": deep, "200 conditions at most": wide}
    told |= {"200 conditions at most.": {f"r.{n}.fact": "orders" for n in range(10_000)} | {"r.kind": "all"}}
    for sentence, form in told.items():
        assert sentence in marketer.post("/segments/look", form).get_data(as_text=True)
        assert marketer.post("/segments", {**form, "name": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fact": "ordrs"}, "There is no fact &#39;ordrs&#39;. Did you mean &#39;orders&#39;?"),
        ({"op": "~"}, "This is one of &#39;=&#39;"),
        ({"value": "1" + "0" * 400}, "Give a whole number"),
        ({"fact": "spend", "value": "NaN"}, "Give an amount"),
        ({"fact": "birthday", "op": "<", "value": "0000-00-00"}, "Give a date"),
        ({"fact": "country", "op": "=", "value": "x" * 501}, "A text has 500 letters at most."),
        ({"fact": "country", "op": "=", "value": ""}, "Say what it is compared with"),
        ({"fact": "country", "op": "=", "value": "I\x00D"}, "Here stood a character that no text can hold"),
    ],
)
def test_a_forged_condition_is_refused_where_it_stands(marketer: Visitor, change: dict[str, str], said: str) -> None:
    marketer.get("/segments/new")
    form = {f"r.0.{part}": value for part, value in (LEAF | change).items()} | {"r.kind": "all"}
    answer = marketer.post("/segments/look", form)
    assert answer.status_code == 200
    assert said in answer.get_data(as_text=True)
    assert marketer.post("/segments", {**form, "name": "x"}).status_code == 422


def test_a_character_that_no_text_can_hold_is_told_at_its_field(marketer: Visitor) -> None:
    marketer.get("/segments/new")
    named = marketer.post("/segments", {**ONE, "name": "Regu\x00lars"})
    assert named.status_code == 422
    assert re.search(r'value="Regulars"[^>]*>.*?Here stood a character', named.get_data(as_text=True), re.S)
    rung = {"rung": "g1", "g0-name-en": "Low", "g1-name-en": "Hi\x00gh", "g1.kind": "all"}
    told = marketer.post("/ladder", {**rung, **{f"g1.0.{part}": said for part, said in LEAF.items()}})
    assert told.status_code == 422
    assert "Here stood a character" in told.get_data(as_text=True)
    assert marketer.post("/settings", {"name": "\x00"}).status_code == 400


def test_a_button_at_the_limit_does_nothing_and_says_why(marketer: Visitor) -> None:
    marketer.get("/segments/new")
    full = {f"r.{n}.{part}": said for n in range(200) for part, said in LEAF.items()} | {"r.kind": "any"}
    told = marketer.post("/segments/look", {**full, "do": "add:r"}).get_data(as_text=True)
    assert "200 conditions at most" in told
    assert 'name="r.199.fact"' in told


def test_a_viewer_looks_but_does_not_save(logged_in: Callable[[str], Visitor], crowd: int) -> None:
    viewer = logged_in("viewer")
    assert viewer.get("/segments").status_code == 200
    assert viewer.get("/segments/new").status_code == 403
    assert viewer.post("/segments", {**ONE, "name": "x"}).status_code == 403


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_building_in_a_browser(looker: Callable[..., Looker], size: str, large: int, tmp_path: Any) -> None:
    eye = looker(size)
    page = eye.page
    eye.look("/segments")
    page.goto(f"{eye.address}/segments/new")
    page.keyboard.press("Tab")
    page.click("text=Add a condition")
    page.select_option("[name='r.1.fact']", "consent_promotions")
    page.wait_for_selector("select[name='r.1.value']")
    page.select_option("[name='r.1.value']", "subscribed")
    page.wait_for_selector("text=consent for promotions: said yes")
    page.fill("[name='r.0.value']", "4")
    page.press("[name='r.0.value']", "Tab")  # onto the button that takes the condition out, which must not act
    page.wait_for_selector("text=paid orders: at least 4")
    page.fill("[name='who']", "c60@example.com")
    page.press("[name='who']", "Enter")
    page.wait_for_selector("text=(now: 1)")
    page.wait_for_selector("text=Counting exactly", state="detached")
    assert "24" in page.inner_text("#builder .large")
    eye.hold("builder")
    page.fill("[name='name']", "Regulars who said yes")
    page.click("text=Save the segment")
    page.wait_for_url("**/segments/regulars-who-said-yes")
    eye.hold("saved")
