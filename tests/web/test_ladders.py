"""The shop's ladder on its pages: shown, changed, previewed, put in force; and somebody held by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.datastructures import MultiDict

from campaigns.ladder import draft
from campaigns.ladder.presets import SEVEN_RUNGS, THREE_STAGES
from plugin_server.db.ladder import counting
from plugin_server.db.session import tenant
from plugin_server.web.ladder import form as ladder_form
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_browser import SIZES, Looker, address, crowd, looker

__all__ = ["address", "crowd", "looker"]


def fields(ladder: Any = SEVEN_RUNGS, **changes: Any) -> dict[str, Any]:
    """The form of a ladder as a browser sends it."""
    form = ladder_form.of(ladder)
    made: dict[str, Any] = {"title": form.title, "every": "", "grace_days": "30", "rung": [r.name for r in form.rungs]}
    for rung in form.rungs:
        made[f"{rung.name}-key"] = rung.key
        made |= {f"{rung.name}-name-{lang}": name for lang, name in rung.names.items()}
        made |= draft.fields(rung.rule, rung.name) if rung.rule else {}
    return {**made, **changes}


@pytest.fixture
def marketer(logged_in: Callable[[str], Visitor], crowd: int) -> Visitor:
    made = logged_in("marketer")
    made.get("/ladder/edit")
    return made


def standing(app: Services, merchant: int) -> dict[str, int]:
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT rung, count(*) FROM customer_facts GROUP BY 1"))
        return {row[0]: row[1] for row in rows}


def test_what_is_in_force_goes_through_the_form_unchanged(marketer: Visitor, app: Services, merchant: int) -> None:
    seen = marketer.post("/ladder/look", fields()).get_data(as_text=True)
    assert "60 of 60 customers stay where they are." in seen
    assert marketer.post("/ladder", fields()).location == "/ladder"
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM ladder_version")) == 0


def test_a_preset_is_previewed_then_put_in_force(marketer: Visitor, app: Services, merchant: int) -> None:
    seen = marketer.post("/ladder/look", fields(do="preset", preset="three-stages")).get_data(as_text=True)
    assert "0 of 60 customers stay where they are." in seen
    assert "Acquisition" in seen
    assert standing(app, merchant) == {"shopper": 12, "customer": 48}
    answer = marketer.post("/ladder", fields(THREE_STAGES, every="quarter", grace_days="14"))
    assert answer.location == "/ladder"
    assert standing(app, merchant) == {"acquisition": 12, "retained": 48}
    shown = marketer.get("/ladder").get_data(as_text=True)
    assert "first of a quarter" in shown
    assert "Everybody has 14 days" in shown
    assert 'href="/campaigns/new?recipe=rung_ends"' in shown
    assert re.search(r'value="rung_ends"[^>]* selected', marketer.get("/campaigns/new?recipe=rung_ends").text)


def test_an_earlier_ladder_is_opened_again_and_put_in_force(marketer: Visitor, app: Services, merchant: int) -> None:
    for ladder in (THREE_STAGES, SEVEN_RUNGS):
        marketer.post("/ladder", fields(ladder))
    ways = re.findall(r'href="(/ladder/edit\?version=\d+)"', marketer.get("/ladder").text)
    assert ways == ["/ladder/edit?version=1"]
    assert "Acquisition" in marketer.get(ways[0]).text
    assert marketer.get("/ladder/edit?version=99999999999999999999").status_code == 404
    marketer.post("/ladder", fields(THREE_STAGES))
    with tenant(app.engine, merchant) as connection:
        kept = connection.scalars(text("SELECT definition - 'name' FROM ladder_version ORDER BY version")).all()
    assert kept[0] == kept[2] != kept[1]


def test_rungs_are_moved_added_and_taken_out(marketer: Visitor) -> None:
    def names(**form: Any) -> list[str]:
        made = ladder_form.sent(MultiDict(fields(THREE_STAGES, **form)))
        return [rung.key or "new" for rung in made.rungs]

    assert names(do="up:g1") == ["pre_sales", "retained", "acquisition"]
    assert names(do="down:g1") == ["pre_sales", "acquisition", "retained"]
    assert names(do="drop:g0") == ["pre_sales", "acquisition", "retained"]
    assert names(do="drop:g2") == ["pre_sales", "acquisition"]
    assert names(do="new") == ["pre_sales", "acquisition", "retained", "new"]
    tall = {"rung": [f"g{n}" for n in range(20)]} | {f"g{n}-key": [f"key_{n}"] for n in range(20)}
    assert names(do="new", **tall)[17:] == ["key_17", "key_18", "key_19"]
    full = ladder_form.sent(MultiDict(fields(THREE_STAGES, do="new", **tall)))
    assert (full.faulty, full.fault) == ("g19", "A ladder has two to twenty rungs.")


LEAF = {"fact": "orders", "op": ">=", "value": "1"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"g1-name-en": " "}, "Give the rung an English name"),
    ({"g1.0.value": ["5"]}, "Nobody can stand on rung “Acquisition”: whoever meets its rule meets that of “Retained”"),
    ({"g1.0.value": ["many"]}, "A condition of this rung is not finished"),
    ({"g1.1.fact": ["orders"], "g1.1.op": ["<"], "g1.1.value": ["1"]}, "Nobody can ever meet this"),
    ({"every": "month", "grace_days": "999"}, "number from 0 to 366"),
    ({"g0-shown-nl": "Prospect"}, "nobody likes to be called"),
    ({"rung": ["g0"]}, "two to twenty rungs"),
    ({"g2-name-en": "pre-sales ", "g2-name-nl": ""}, "have the same name"),
    ({"g1-name-en": "x\u202ey"}, "all of which can be printed"),
    ({"g1.0.fact": ["rung"], "g1.0.op": ["="], "g1.0.value": ["x"]}, "follows from the ladder itself, in a circle"),
    ({"g1.0.fact": ["ordrs"]}, "A condition of this rung is not finished"),
    ({f"g1.{n}.{part}": [said] for n in range(201) for part, said in LEAF.items()}, "200 conditions at most"),
    ({f"g1{'.0' * depth}.kind": ["all"] for depth in range(20)}, "nested 12 deep at most"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_ladder_that_cannot_be_is_explained_and_not_saved(
    marketer: Visitor, app: Services, merchant: int, change: dict[str, Any], said: str
) -> None:
    assert said in marketer.post("/ladder/look", fields(THREE_STAGES, **change)).get_data(as_text=True)
    assert marketer.post("/ladder", fields(THREE_STAGES, **change)).status_code == 422
    assert standing(app, merchant) == {"shopper": 12, "customer": 48}


def test_a_large_shop_is_told_a_moment_later_who_would_move(
    marketer: Visitor, app: Services, merchant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "INSERT INTO customer_facts (merchant_id, customer_id, orders, rung) "
                "SELECT :m, 1000000 + n, 0, 'suspect' FROM generate_series(1, 20001) n"
            ),
            {"m": merchant},
        )
    follow, form = 'hx-vals=\'{"do": "moves"}\' hx-trigger="load"', fields(THREE_STAGES)
    first = marketer.post("/ladder/look", form).text
    assert follow in first
    assert "stay where they are" not in first
    told = marketer.post("/ladder/look", form | {"do": "moves"}).text
    assert "0 of 20,061 customers stay where they are" in told
    assert follow not in told
    monkeypatch.setattr(counting, "EXACT_MS", 50)
    with tenant(app.engine, merchant) as other:
        other.execute(text("LOCK TABLE customer_facts IN ACCESS EXCLUSIVE MODE"))
        late = marketer.post("/ladder/look", form | {"do": "moves"}).text
    assert "takes too long just now" in late
    assert follow not in late


def test_somebody_is_held_by_hand(marketer: Visitor, crowd: int) -> None:
    marketer.post(f"/customers/{crowd}/pin", {"rung": "advocate", "reason": "Writes about us every week"})
    shown = marketer.get(f"/customers/{crowd}").get_data(as_text=True)
    assert "Held here by" in shown
    assert "Writes about us every week" in shown
    marketer.post(f"/customers/{crowd}/pin", {"rung": "advocate", "reason": ""})
    assert "Nothing was changed" in marketer.get(f"/customers/{crowd}").get_data(as_text=True)
    marketer.post(f"/customers/{crowd}/pin", {"rung": ""})
    assert "Held here by" not in marketer.get(f"/customers/{crowd}").get_data(as_text=True)
    assert marketer.post("/customers/999999/pin", {"rung": "advocate", "reason": "x"}).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_changing_the_ladder_in_a_browser(looker: Callable[..., Looker], size: str, crowd: int) -> None:
    eye = looker(size)
    page = eye.page
    page.set_default_timeout(8000)
    page.goto(f"{eye.address}/ladder/edit")
    page.fill("[name='g3.0.value']", "3")
    before = page.evaluate("scrollY")
    page.press("[name='g3.0.value']", "Tab")
    page.wait_for_selector("td:text('Shopper')")
    assert abs(page.evaluate("scrollY") - before) < 100, "the page jumped away from what is edited"
    assert page.evaluate("document.activeElement.value") == "remove:g3.0"
    eye.hold("preview")
    page.fill("[name='g3.0.value']", "1")
    page.press("[name='g3.0.value']", "Tab")
    page.wait_for_selector("text=one of them nobody can stand on")
    eye.hold("fault")
    page.fill("[name='g3.0.value']", "3")
    page.press("[name='g3.0.value']", "Tab")
    page.wait_for_selector("td:text('Shopper')")
    page.click("text=Put this ladder in force")
    page.wait_for_url("**/ladder")
    eye.hold("in force")
