"""From the question to the first mail: it says what will happen, and can be taken back while nothing has."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import text

from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.run import launch
from plugin_server.web.campaigning.launching import GRACE
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor
from tests.web.test_calendar import campaign, five

__all__ = ["five"]


def runs(app: Services, merchant: int) -> list[tuple[str, str]]:
    with tenant(app.engine, merchant) as connection:
        rows = connection.execute(text("SELECT occasion, state FROM campaign_run ORDER BY id"))
        return [tuple(row) for row in rows]


def test_a_launch_says_what_will_happen_and_can_be_taken_back(
    app: Services, five: int, logged_in: Callable[[str], Visitor], clock: Clock
) -> None:
    campaign(app, five, "tea", "draft", trigger={"kind": "once"})
    visitor = logged_in("marketer")
    asked = unescape(visitor.get("/campaigns/tea/launch").text)
    assert "Send to 5 customers" in asked
    assert "people on every rung who said yes to mails get a mail without an offer" in asked
    started = visitor.post("/campaigns/tea/launch").location
    assert "Nothing has left yet. It begins at 16:01:00." in visitor.get(started).text
    assert visitor.post(f"{started}/undo").location == "/campaigns/tea"
    assert "Nobody got anything" in visitor.get("/campaigns/tea").text
    assert runs(app, five) == []
    asked_on = visitor.get(started, headers={"HX-Request": "true"})
    assert (visitor.get(started).status_code, asked_on.status_code) == (404, 286)
    with tenant(app.engine, five) as connection:
        actions = connection.scalars(text("SELECT action FROM audit_log WHERE subject = 'tea' ORDER BY id")).all()
    assert actions == ["campaign_started", "campaign_launched", "run_undone"]

    again = visitor.post("/campaigns/tea/launch").location
    clock.forward(seconds=GRACE.total_seconds() + 1)
    assert visitor.post(f"{again}/undo").location == again
    assert "Too late to take it back" in visitor.get(again).text
    assert runs(app, five) == [("once", "planned")]
    assert visitor.post("/runs/999999/undo").status_code == 404


def test_what_was_launched_for_an_occasion_is_not_offered_for_it_again(
    app: Services, five: int, logged_in: Callable[[str], Visitor], clock: Clock
) -> None:
    campaign(app, five, "thanks", "draft", trigger={"kind": "event", "event": "birthday"})
    marketer, run = logged_in("marketer"), launch(app, five, "thanks", "t", clock.now)
    for path in ("/campaigns/thanks", "/campaigns/thanks/launch"):
        page = marketer.get(path).text
        assert "nobody gets it twice" in page
        assert f'href="/runs/{run}"' in page
        assert "Send to" not in page
    clock.forward(days=1)
    assert "nobody gets it twice" not in marketer.get("/campaigns/thanks/launch").text


def test_what_waits_for_peoples_own_days_says_so(app: Services, five: int, logged_in: Callable[[str], Visitor]) -> None:
    born = {"kind": "event", "event": "birthday", "after_days": -3}
    campaign(app, five, "cake", "draft", trigger=born)
    campaign(app, five, "feast", "draft", trigger={"kind": "once", "day": "2026-12-12"})
    visitor = logged_in("marketer")
    cake, feast = (unescape(visitor.get(f"/campaigns/{key}").text) for key in ("cake", "feast"))
    assert "It is nobody's day today." in cake
    assert re.search(r"Send by itself from \d+ \w+ 2026 on<", cake)
    assert "Send by itself on 12 Dec 2026<" in feast


def test_what_the_calendar_would_start_again_is_stopped_instead(app: Services, five: int) -> None:
    campaign(app, five, "tea")
    run = launch(app, five, "tea", "t", app.now(), grace=timedelta(seconds=30))
    with tenant(app.engine, five) as connection:
        assert campaigns.undo(connection, run, app.now())
        assert not campaigns.undo(connection, run, app.now())
    assert runs(app, five) == [("once", "stopped")]


def test_commands_have_no_grace(app: Services, five: int) -> None:
    campaign(app, five, "tea")
    run = launch(app, five, "tea", "t", app.now())
    with tenant(app.engine, five) as connection:
        assert campaigns.run(connection, run).not_before is None
        assert not campaigns.undo(connection, run, app.now())


def test_a_launch_that_is_refused_says_why_and_has_no_button(
    app: Services, five: int, logged_in: Callable[[str], Visitor]
) -> None:
    campaign(app, five, "tea", "paused")
    page = logged_in("marketer").get("/campaigns/tea/launch").text
    assert "This campaign is paused" in page
    assert "Send to" not in page


@pytest.mark.parametrize("language", ["en", "id", "nl"])
def test_the_last_twelve_months_as_a_picture_and_a_table(
    app: Services, five: int, logged_in: Callable[[str], Visitor], language: str
) -> None:
    campaign(app, five, "weekly", trigger={"kind": "recurring", "every": "month", "on": 1})
    campaign(app, five, "by-hand", trigger={"kind": "once"})
    visitor = logged_in("owner")
    visitor.post("/language", {"language": language})
    page = visitor.get("/campaigns/weekly/back-test").text
    assert page.count("<tr>") == 13
    assert page.count('<rect class="s0"') == 13
    said = {"en": "caps and quiet hours", "id": "Batas frekuensi", "nl": "De grens op"}[language]
    assert said in page
    assert '<svg class="chart"' not in visitor.get("/campaigns/by-hand/back-test").text


def test_a_margin_that_rests_on_few_sales_is_called_a_guess(
    app: Services, five: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, five) as connection:
        connection.execute(text(GOODS))
        connection.execute(text(SOLD))
    offer = {"kind": "percentage", "value": "10"}
    campaign(app, five, "off", "draft", trigger={"kind": "once"}, offer=offer, message=CODE)
    page = unescape(logged_in("marketer").get("/campaigns/off").text)
    assert "Giving 10.0% of a margin of 40.0% pays off from 33.3% more sales on." in page
    assert "25.0% of the orders with it must be ones that would not have come without it" in page
    assert "Unit costs are known for 50% of your sales alone" in page
    assert 'href="/welcome/costs"' in page


CODE = {"en": {"subject": "Hello", "html": "<p>{{ offer.code }}</p>"}}
GOODS = """
INSERT INTO product (merchant_id, store_id, external_id, title, price_minor, unit_cost_minor, currency)
SELECT s.merchant_id, s.id, x, x, 10000000, cost, 'IDR' FROM store s, (VALUES ('a', 6000000), ('b', NULL)) g(x, cost)
"""
SOLD = """
WITH sold AS (
    INSERT INTO shop_order (merchant_id, store_id, external_id, customer_id, status, paid, placed_at, currency,
                            total_minor, content)
    SELECT s.merchant_id, s.id, 'few', (SELECT min(id) FROM customer), 'completed', true, '2026-05-01', 'IDR',
           20000000, 'x' FROM store s LIMIT 1 RETURNING id, merchant_id
)
INSERT INTO order_line (merchant_id, order_id, position, product_external_id, quantity, total_minor)
SELECT merchant_id, id, n, CASE n WHEN 1 THEN 'a' ELSE 'b' END, 1, 10000000 FROM sold, generate_series(1, 2) n
"""


def after(visitor: Visitor, path: str) -> str:
    """The page that pressing a button there leads to."""
    return visitor.get(visitor.post(path).location).text


def test_an_end_says_first_what_it_means_and_stops_what_is_under_way(
    app: Services, five: int, logged_in: Callable[[str], Visitor], clock: Clock
) -> None:
    campaign(app, five, "tea", "draft", trigger={"kind": "once"})
    visitor = logged_in("marketer")
    visitor.post("/campaigns/tea/launch")
    [(_, state)] = runs(app, five)
    assert state == "planned"
    asked = unescape(visitor.get("/campaigns/tea/end").text)
    assert "No mail is waiting." in asked
    assert "This cannot be undone." in asked
    assert runs(app, five)[0][1] == "planned"
    assert "The campaign has ended." in unescape(after(visitor, "/campaigns/tea/end"))
    assert runs(app, five)[0][1] == "stopped"
    with tenant(app.engine, five) as connection:
        told = connection.execute(text("SELECT c.state, r.state_reason FROM campaign c JOIN campaign_run r ON true"))
        assert tuple(told.one()) == ("ended", "The campaign has ended.")
    shown = unescape(after(visitor, "/campaigns/tea/end"))
    assert "This campaign has ended. Add it again under another name" in shown
    assert "End it" not in shown
    assert visitor.get("/campaigns/tea/end").location.endswith("/campaigns/tea")
    assert logged_in("viewer").get("/campaigns/tea/end").status_code == 403
