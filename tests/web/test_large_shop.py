"""A large shop: pages answer at once and say that figures are being added up, and show them once a worker has."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from plugin_server.db.campaigning import campaigns
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs.figures import made, make_figure
from plugin_server.jobs.queues import queue
from plugin_server.wiring import Services
from tests.points.conftest import program
from tests.web.conftest import Visitor
from tests.web.test_calendar import campaign

MANY = (
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language)
       SELECT :m, g || '@example.com', g || '@example.com', 'Siti', 'Rahayu', 'en' FROM generate_series(1, 20001) g""",
    """INSERT INTO customer_facts (merchant_id, customer_id, rung, rung_since, activity, consent_promotions)
       SELECT :m, id, 'prospect', :now, 'none', 'subscribed' FROM customer""",
)


@pytest.fixture
def large(app: Services, merchant: int) -> int:
    """More customers than are counted while somebody waits, and a campaign for all that has run; gives the run."""
    campaign(app, merchant, "tea", "draft", trigger={"kind": "once"})
    with tenant(app.engine, merchant) as connection:
        for statement in MANY:
            connection.execute(text(statement), {"m": merchant, "now": app.now()})
        points.save_program(connection, merchant, program(), by="owner@example.com")
        run, _ = campaigns.open_run(
            connection, merchant_id=merchant, saved=campaigns.need(connection, "tea"), occasion="x", due_at=app.now(),
            by="t",
        )  # fmt: skip
        connection.execute(text("UPDATE campaign_run SET state = 'done', frozen_at = :now"), {"now": app.now()})
    return run


def work(app: Services) -> list[str]:
    """Make what pages asked for, as a worker does; gives the names of the figures."""
    waiting = queue(app.redis, "bulk")
    asked = [job.args for job in waiting.jobs if str(job.func_name).endswith(make_figure.__name__)]
    waiting.empty()  # type: ignore[no-untyped-call]  # the library is not typed here
    for merchant_id, name in asked:
        made(app, merchant_id, name)
    return [name for _, name in asked]


def test_no_page_of_a_large_shop_waits_for_a_figure(
    app: Services, large: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor = logged_in("owner")
    app.redis.flushdb()
    pages = {
        f"/runs/{large}": {f"told:{large}:done", f"result:{large}:done"},
        "/campaigns/tea": {"audience:tea:1"},
        "/campaigns/tea/launch": {"audience:tea:1"},
        "/campaigns/tea/back-test": {"back_test:tea:1"},
        "/campaigns/tea/results": {f"outcome:tea:{large}:done"},
        "/home/what-if": {"what_if"},
        "/welcome/costs": {"what_if"},
        "/points": {"points"},
        "/answers": {"answers"},
    }
    with tenant(app.engine, 1) as connection:
        connection.execute(text("DELETE FROM kept_figure"))
    for path in pages:
        first = visitor.get(path).text
        assert "being added up" in first, path
        assert "Look again" in first, path
        assert "Send to" not in first, path
    assert set(work(app)) == set().union(*pages.values())
    for path in pages:
        assert "being added up" not in visitor.get(path).text, path
    assert re.search(r"Send to 1[78],\d{3} customers", visitor.get("/campaigns/tea/launch").text)


def test_a_launch_says_when_its_people_were_counted(
    app: Services, large: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor = logged_in("marketer")
    made(app, 1, "audience:tea:1")
    with tenant(app.engine, 1) as connection:
        connection.execute(text("UPDATE kept_figure SET made_at = made_at - interval '5 minutes', seconds = 9"))
    assert "Counted 5 minutes ago. Who is in it is decided when it starts." in visitor.get("/campaigns/tea/launch").text
