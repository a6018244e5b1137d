"""A large shop: pages answer at once and say that figures are being added up, and show them once a worker has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from campaigns.recipes import recipes
from plugin_server.db.campaigning import campaigns
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.jobs.figures import AT_NIGHT, made, make_figure
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
    """INSERT INTO suppression (merchant_id, email_norm, reason, source)
       SELECT :m, 'gone' || g || '@example.com', 'bounced', 'provider' FROM generate_series(1, 3000) g""",
)


@pytest.fixture
def large(app: Services, merchant: int) -> int:
    """More customers than are counted while somebody waits, and a campaign for all that has run; gives the run."""
    campaign(app, merchant, "tea", "draft", trigger={"kind": "once"})
    with tenant(app.engine, merchant) as connection:
        for statement in MANY:
            told = {"m": merchant, "now": app.now()}
            connection.execute(text(statement), {name: told[name] for name in told if f":{name}" in statement})
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
        "/campaigns/tea/end": {"codes:tea"},
        "/campaigns/tea/back-test": {"back_test:tea:1"},
        "/campaigns/tea/results": {f"outcome:tea:{large}:done"},
        "/home/what-if": {"what_if"},
        "/welcome/costs": {"what_if"},
        "/points": {"points"},
        "/points/pause": {"points"},
        "/answers": {"answers"},
        "/home": {"tally", "moved"},
        "/welcome": {"tally", "moved"},
        "/campaigns/tea/lint": {"lately:2:7"},
    }
    with tenant(app.engine, 1) as connection:
        connection.execute(text("DELETE FROM kept_figure"))
    for path in pages:
        first = visitor.get(path).text
        assert "being added up" in first, path
        assert "Look again" in first, path
        assert "Send to" not in first, path
        assert 'value="pause"' not in first, path
    assert set(work(app)) == set().union(*pages.values())
    for path in pages:
        assert "being added up" not in visitor.get(path).text, path
    partly = {"HX-Request": "true"}
    assert visitor.get("/home?counting=1", headers=partly).headers["HX-Refresh"] == "true"
    assert re.search(r"Send to 1[78],\d{3} customers", visitor.get("/campaigns/tea/launch").text)


def test_a_launch_says_when_its_people_were_counted(
    app: Services, large: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor = logged_in("marketer")
    made(app, 1, "audience:tea:1")
    with tenant(app.engine, 1) as connection:
        connection.execute(text("UPDATE kept_figure SET made_at = made_at - interval '5 minutes', seconds = 9"))
    assert "Counted 5 minutes ago. Who is in it is decided when it starts." in visitor.get("/campaigns/tea/launch").text


def test_a_pause_says_when_its_people_were_counted(
    app: Services, large: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor = logged_in("marketer")
    made(app, 1, "points")
    with tenant(app.engine, 1) as connection:
        connection.execute(text("UPDATE kept_figure SET made_at = made_at - interval '5 minutes', seconds = 9"))
    shown = visitor.get("/points/pause").text
    assert "0 customers keep the 0 points" in shown
    assert "Counted 5 minutes ago" in shown
    assert 'value="pause"' in shown


def test_a_series_is_counted_by_a_worker_and_says_when(
    app: Services, large: int, logged_in: Callable[[str], Visitor]
) -> None:
    visitor, path = logged_in("viewer"), "/campaigns/win-back-series/series"
    with tenant(app.engine, 1) as connection:
        found = next(one.campaign for one in recipes() if one.campaign.key == "win-back-series")
        campaigns.save(connection, merchant_id=1, campaign=found, by="t")
    assert "being added up" in visitor.get(path).text
    assert work(app) == ["series:win-back-series:1"]
    assert "being added up" not in visitor.get(path).text
    with tenant(app.engine, 1) as connection:
        connection.execute(text("UPDATE kept_figure SET made_at = made_at - interval '5 minutes', seconds = 9"))
    assert "Counted 5 minutes ago." in visitor.get(path).text


FEW = 2_000
"""Rows of one table that a page may read, in a shop of ten times as many customers."""
COUNTS = {
    "/segments/new": "from a hundred thousand customers on it counts a sample of them, always as large",
    "/audit": "is added up by another worker",
    "/audit.pdf": "likewise",
}


def test_no_page_reads_all_customers(
    app: Services, large: int, logged_in: Callable[[str], Visitor], flask_app: Flask
) -> None:
    """Once workers have made what it asked for: rows are told by the database, for every page that has no number."""
    visitor, read = logged_in("owner"), Counter[str]()
    app.redis.flushdb()
    pages = {
        rule.rule
        for rule in flask_app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and hasattr(flask_app.view_functions[rule.endpoint], "required_role")
    }
    pages |= {"/customers/20000", "/customers/20000/merge", f"/runs/{large}"}
    with tenant(app.engine, 1) as connection:
        bought = "UPDATE customer_facts SET orders = 1, last_order_at = :now - customer_id * interval '1 minute'"
        connection.execute(text(bought), {"now": app.now()})
    for path in pages:
        visitor.client.get(path).get_data()
    work(app)
    for name in AT_NIGHT:
        made(app, 1, name)
    with tenant(app.engine, 1) as connection:
        connection.execute(text("SELECT tangga_analyze()"))
    greedy = {}
    with told_rows(app, read):
        for path in sorted(pages - set(COUNTS)):
            read.clear()
            visitor.client.get(path).get_data()
            greedy[path] = {table: rows for table, rows in read.items() if rows > FEW}
        read.clear()
        visitor.client.get("/campaigns/tea").get_data()
        # For its readers PostgreSQL may go through everybody in a shop of this size; addresses shut off it looks up.
        assert read["suppression"] < FEW
    assert len(greedy) > 40
    assert {path: tables for path, tables in greedy.items() if tables} == {}


@contextmanager
def told_rows(app: Services, read: Counter[str]) -> Iterator[None]:
    """Add the rows that each transaction read from each table."""
    query = text("SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables")
    before: dict[Connection, Counter[str]] = {}

    def now(connection: Connection) -> Counter[str]:
        return Counter({row[0]: row[1] for row in connection.execute(query)})

    def begun(connection: Connection) -> None:
        # What earlier transactions of this connection read may still be counted in.
        before[connection] = now(connection)

    def done(connection: Connection) -> None:
        read.update(now(connection) - before.pop(connection))

    event.listen(app.engine, "begin", begun)
    event.listen(app.engine, "commit", done)
    try:
        yield
    finally:
        event.remove(app.engine, "begin", begun)
        event.remove(app.engine, "commit", done)
