"""What campaigns brought about, on its pages."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import text

from plugin_server.db.proof import results
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.proof.conftest import READ, Past, past
from tests.web.conftest import Clock, Visitor
from tests.web.test_browser import SIZES, Looker, address, looker

__all__ = ["address", "looker", "past"]
KEY = "eid-al-fitr-thanks"


def test_figures_and_verdicts_are_on_the_pages(past: Past, clock: Clock, logged_in: Callable[[str], Visitor]) -> None:
    clock.now = READ
    viewer = logged_in("viewer")
    shown = viewer.get(f"/campaigns/{KEY}/results").get_data(as_text=True)
    assert "Inconclusive" in shown
    assert 'class="whisker"' in shown
    assert "would not be there without it" in shown
    pooled = viewer.get("/proof").get_data(as_text=True)
    assert "Quarter 1 of 2026" in pooled
    assert "All quarters together" in pooled
    assert "Could get some" in pooled
    assert viewer.get("/campaigns/none/results").status_code == 404


def test_before_the_day_there_is_no_verdict(past: Past, clock: Clock, logged_in: Callable[[str], Visitor]) -> None:
    clock.now = READ.replace(month=5, day=25)
    shown = logged_in("viewer").get(f"/runs/{past.runs[1]}").get_data(as_text=True)
    assert "Read on 9 Jun 2026. Until then there are figures, and no verdict" in shown
    assert "Share who bought" not in shown


def test_what_can_be_shown_is_said_beside_the_launch(
    past: Past, app: Services, clock: Clock, logged_in: Callable[[str], Visitor]
) -> None:
    clock.now = READ
    shown = logged_in("viewer").get(f"/campaigns/{KEY}/power").get_data(as_text=True)
    assert "What this can show" in shown
    with tenant(app.engine, past.merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM campaign_run")) == 2


NOT_OF = "DELETE FROM shop_order o USING audience_member a WHERE a.customer_id = o.customer_id AND a.run_id = :r "
STATES = {
    "worked": (NOT_OF + "AND a.arm = 'holdout'", ["It worked", "Share who bought, against those left out: +"]),
    "harmed": (NOT_OF + "AND a.arm = 'treated'", ["It did harm", "Share who bought, against those left out: −"]),
    "few": (
        NOT_OF + "AND a.customer_id > 12",
        ["Too few reached the goal to tell an effect from chance", "points or more, four times out of five"],
    ),
    "uneven": (
        "UPDATE audience_member SET arm = 'excluded' WHERE run_id = :r AND arm = 'holdout' AND customer_id % 20 < 10",
        ["The groups are not of their planned sizes"],
    ),
    "no_holdout": (
        "UPDATE audience_member SET arm = 'excluded' WHERE run_id = :r AND arm = 'holdout'",
        ["Nobody was left out, so nobody can say", "nobody was left out to compare with"],
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_each_verdict_says_what_is_so(
    app: Services, past: Past, clock: Clock, logged_in: Callable[[str], Visitor], state: str
) -> None:
    clock.now = READ
    change, sentences = STATES[state]
    with tenant(app.engine, past.merchant) as conn:
        conn.execute(text(change), {"r": past.runs[1]})
        assert results.results(conn, run_id=past.runs[1], now=READ)["verdict_key"] == state
    shown = unescape(logged_in("viewer").get(f"/campaigns/{KEY}/results").get_data(as_text=True))
    for sentence in sentences:
        assert sentence in shown
    if state in ("worked", "harmed", "few"):  # without ten buyers in each group nobody knows the money, nor ever will
        assert shown.count("too few bought to say") == 2
    assert "not known yet" not in shown


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [("phone", "id"), ("desk", "nl")])
def test_proof_in_a_browser(past: Past, clock: Clock, looker: Callable[..., Looker], size: str, language: str) -> None:
    clock.now = READ
    eye = looker(size, language)
    for path in ("/proof", f"/campaigns/{KEY}/results"):
        eye.look(path)
    assert size in SIZES
