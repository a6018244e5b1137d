"""The pages of series and tasks: what they show, who may change what, and that faults are told at their place."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
import yaml
from sqlalchemy import text

from campaigns.recipes import recipes
from campaigns.schema import dump
from campaigns.series_parts import series_of
from plugin_server.db.campaigning import campaigns
from plugin_server.db.series import owner_tasks
from plugin_server.db.series import told as series_told
from plugin_server.db.session import tenant
from plugin_server.web.campaigning import series_picture
from plugin_server.wiring import Services
from tests.series.definitions import BOUGHT_MORE, OFFER, campaign, letter
from tests.web.conftest import Visitor
from tests.web.filled import filled
from tests.web.test_browser import address, looker

__all__ = ["address", "looker"]

STEPS = (
    letter("Hello {{ customer.first_name }}", key="hello"),
    {"kind": "wait", "key": "rest", "days": 3},
    {"kind": "condition", "key": "ask", "rule": BOUGHT_MORE, "then": "call", "else": "gift"},
    {"kind": "offer", "key": "gift", "offer": OFFER},
    letter("{{ offer.code }}", key="code", next="goal"),
    {"kind": "task", "key": "call", "title": "Call them"},
    {"kind": "webhook", "key": "tell", "url": "https://crm.example/hook"},
    {"kind": "goal", "key": "goal", "days": 14},
)

STAND = [("rest", "waiting"), ("rest", "resting"), ("goal", "waiting"), ("ask", "left")]


@pytest.fixture
def inside(app: Services, merchant: int) -> int:
    """A series with somebody at two steps, somebody who left, and a task; gives its number."""
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign(*STEPS, name="My series"), by="test")
        saved = campaigns.need(conn, "series")
        run, _ = campaigns.open_run(
            conn, merchant_id=merchant, saved=saved, occasion="once", due_at=app.now(), by="test"
        )
        for n, (step, state) in enumerate(
            [("rest", "waiting"), ("rest", "resting"), ("goal", "waiting"), ("ask", "left")]
        ):
            conn.execute(
                text("INSERT INTO customer (merchant_id, email, email_norm, first_name) VALUES (:m, :e, :e, 'Siti')"),
                {"m": merchant, "e": f"s{n}@example.com"},
            )
            conn.execute(
                text(
                    "INSERT INTO series_place (merchant_id, campaign_id, run_id, customer_id, version, step, state, "
                    "outcome, due_at, step_since, entered_at, left_at) SELECT :m, :c, :r, max(id), 1, :step, :state, "
                    "CASE WHEN :state = 'left' THEN 'goal' ELSE '' END, :now, :now, :now, "
                    "CASE WHEN :state = 'left' THEN CAST(:now AS timestamptz) END FROM customer"
                ),
                {"m": merchant, "c": saved.id, "r": run, "step": step, "state": state, "now": app.now()},
            )
        places = conn.scalars(text("SELECT id FROM series_place ORDER BY id")).all()
        owner_tasks.add(conn, places[:2], step="call", title="Call them", note="Ask why", now=app.now())
    return saved.id


def test_the_page_tells_where_people_stand(inside: int, logged_in: Callable[[str], Visitor]) -> None:
    page = unescape(logged_in("viewer").get("/campaigns/series/series").text)
    assert re.search(
        r"<dt>Entered</dt><dd>4</dd>.*<dt>Inside now</dt><dd>3</dd>.*<dt>Reached the goal</dt>", page, re.S
    )
    assert "1 wait for our answer" in page
    assert page.count('<g class="step') == 8
    assert "yes: 6. Task for you: Call them</span>" in page
    assert "no: 4. Personal code: " in page
    assert "Reached the goal · 3. Question · " in page
    assert "Secret of your webhooks" not in page
    assert "Secret of your webhooks" in logged_in("owner").get("/campaigns/series/series").text


def test_steps_lie_below_each_other_and_ways_lead_where_they_say() -> None:
    flow = series_told.flow(series_of(campaign(*STEPS)))
    steps = [one | {"title": one["kind"], "words": "w" * 60, "standing": 0} for one in flow]
    picture = series_picture.drawn(steps, {"then": "yes", "else": "no"})
    assert [box.y for box in picture.boxes] == [4 + 76 * n for n in range(8)]
    assert all(len(box.words) == 34 for box in picture.boxes)
    assert [way.label for way in picture.ways if way.label] == ["yes", "no"]
    assert len(picture.ways) == 8
    assert not [way for way in picture.ways if way.out]
    assert picture.height == 4 + 76 * 7 + 48 + 8


def test_a_change_is_saved_as_a_version_and_moves_nobody_by_itself(
    app: Services, merchant: int, inside: int, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    assert logged_in("viewer").get("/campaigns/series/series/edit").status_code == 403
    source = re.search(r"<textarea[^>]*>(.*?)</textarea>", marketer.get("/campaigns/series/series/edit").text, re.S)
    assert source is not None
    document = yaml.safe_load(unescape(source[1]))
    document["steps"][1]["days"] = 9
    answer = marketer.post("/campaigns/series/series/edit", {"source": yaml.safe_dump(document)})
    assert answer.location == "/campaigns/series/series"
    page = unescape(marketer.get("/campaigns/series/series").text)
    assert "2 people at 2. Wait, version 1" in page
    marketer.post("/campaigns/series/series/move", {"version": "1"})
    with tenant(app.engine, merchant) as conn:
        assert conn.scalars(text("SELECT DISTINCT version FROM series_place")).all() == [1]
    marketer.get("/campaigns/series/series")
    marketer.post("/campaigns/series/series/move", {"version": "2"})
    with tenant(app.engine, merchant) as conn:
        rows = conn.execute(text("SELECT version, count(*) FROM series_place GROUP BY 1 ORDER BY 1")).all()
    assert [tuple(row) for row in rows] == [(1, 1), (2, 3)]


def test_faults_of_a_definition_stand_with_their_path_and_nothing_is_saved(
    app: Services, merchant: int, inside: int, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    marketer.get("/campaigns/series/series/edit")
    document = dump(campaign(*STEPS))
    document["steps"][1]["next"] = "hello"
    answer = marketer.post("/campaigns/series/series/edit", {"source": yaml.safe_dump(document)})
    assert answer.status_code == 422
    assert "<code>steps.1.next</code>: leads back to 'hello'" in unescape(answer.text)
    assert marketer.post("/campaigns/series/series/edit", {"source": "a: [b"}).status_code == 422
    with tenant(app.engine, merchant) as conn:
        assert campaigns.need(conn, "series").version == 1


def test_a_ready_series_becomes_a_draft_of_one_s_own(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    assert "/campaigns/new?recipe=welcome_series" in marketer.get("/campaigns/recipes").text
    ready = next(one.campaign for one in recipes() if one.key == "welcome_series")
    sent = filled(ready, base="recipe:welcome_series")
    first, second = (marketer.post("/campaigns/new", sent).location for _ in range(2))
    assert (first, second) == ("/campaigns/welcome-series", "/campaigns/welcome-series-2")
    page = unescape(marketer.get(first).text)
    assert "Step by step: 10 steps" in page
    assert marketer.get("/campaigns/welcome-series/edit").status_code == 200
    assert marketer.get("/campaigns/welcome-series/lint").status_code == 200


def test_tasks_are_ticked_off_once_and_home_counts_them(
    app: Services, merchant: int, woo: int, inside: int, logged_in: Callable[[str], Visitor]
) -> None:
    marketer = logged_in("marketer")
    page = unescape(marketer.get("/tasks").text)
    assert "2 tasks wait" in page
    assert "Ask why" in page
    with tenant(app.engine, merchant) as conn:
        task = conn.scalar(text("SELECT min(id) FROM owner_task"))
    for _ in range(2):
        marketer.post(f"/tasks/{task}", {"do": "done"})
    said = unescape(marketer.get("/tasks").text)
    assert "1 task waits" in said
    assert "somebody else did it before" in said
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'task_done'")) == 1
    marketer.post(f"/tasks/{task}", {"do": "again"})
    assert "2 tasks of series" in marketer.get("/home").text
    assert marketer.post(f"/tasks/{task}", {"do": "x"}).status_code == 400


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [("phone", "nl"), ("desk", "id")])
def test_the_pages_in_a_browser(request: pytest.FixtureRequest, inside: int, size: str, language: str) -> None:
    eye = request.getfixturevalue("looker")(size, language)
    for path in ("/campaigns/series/series", "/tasks"):
        eye.look(path)
