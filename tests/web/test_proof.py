"""What campaigns brought about, on its pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

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
    assert viewer.get("/campaigns/none/results").status_code == 404


def test_before_the_day_there_is_no_verdict(past: Past, clock: Clock, logged_in: Callable[[str], Visitor]) -> None:
    clock.now = READ.replace(month=5, day=25)
    shown = logged_in("viewer").get(f"/runs/{past.runs[1]}").get_data(as_text=True)
    assert "Read on 9 Jun 2026. Until then there are figures, and no verdict" in shown
    assert "points more buyers" not in shown


def test_what_can_be_shown_is_said_beside_the_launch(
    past: Past, app: Services, clock: Clock, logged_in: Callable[[str], Visitor]
) -> None:
    clock.now = READ
    shown = logged_in("viewer").get(f"/campaigns/{KEY}/power").get_data(as_text=True)
    assert "What this can show" in shown
    with tenant(app.engine, past.merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM campaign_run")) == 2


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [("phone", "id"), ("desk", "nl")])
def test_proof_in_a_browser(past: Past, clock: Clock, looker: Callable[..., Looker], size: str, language: str) -> None:
    clock.now = READ
    eye = looker(size, language)
    for path in ("/proof", f"/campaigns/{KEY}/results", f"/campaigns/{KEY}", f"/runs/{past.runs[0]}"):
        eye.look(path)
    assert size in SIZES
