"""Habits: the log of acts by person and day, pages of settings in one place, keys, and forms that are not lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from plugin_server.db.merchant import audit_log, brand
from plugin_server.db.session import tenant
from plugin_server.web.settings.acts import PAGES
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.test_browser import Looker, address, crowd, looker

__all__ = ["address", "crowd", "looker"]


@pytest.fixture
def acts(app: Services, merchant: int) -> None:
    """Sixty log-ins of Ani on one day, two settings of Budi on the next."""
    with tenant(app.engine, merchant) as connection:
        connection.execute(
            text(
                "INSERT INTO audit_log (merchant_id, actor, action, subject, at) "
                "SELECT :m, 'ani@example.com', 'login', 'n' || n, CAST(:at AS timestamptz) "
                "FROM generate_series(1, 60) n "
                "UNION ALL SELECT :m, 'budi@example.com', 'settings_changed', 'b' || n, "
                "CAST(:at AS timestamptz) + interval '1 day' FROM generate_series(1, 2) n"
            ),
            {"m": merchant, "at": app.now() - timedelta(days=10)},
        )


def rows(page: str) -> int:
    return page.count("<td>") // 3


def test_the_log_is_asked_by_person_act_and_day(app: Services, logged_in: Callable[[str], Visitor], acts: None) -> None:
    owner = logged_in("owner")
    assert rows(owner.get("/settings/audit?who=budi@example.com").text) == 2
    assert rows(owner.get("/settings/audit?act=settings_changed&who=ani@example.com").text) == 0
    day = (app.now() - timedelta(days=10)).date()
    assert rows(owner.get(f"/settings/audit?from={day}&to={day}").text) == 50
    assert rows(owner.get("/settings/audit?who=%27&from=no&to=0001-01-01").text) == 0


@pytest.mark.parametrize("language", ["en", "id", "nl"])
def test_the_log_says_to_whom_and_leads_there(app: Services, merchant: int, logged_in: Callable[[str], Visitor],
                                              language: str) -> None:  # fmt: skip
    """Whatever is written down by its number has words; of those with a page the words lead to it."""
    owner = logged_in("owner")
    with tenant(app.engine, merchant) as connection:
        connection.execute(text("UPDATE user_account SET locale = :l"), {"l": language})
        for kind in [*PAGES, "nothing known"]:
            audit_log.record(connection, merchant, actor="a@example.com", action="login", subject=f"{kind} 1234")
    said = owner.get("/settings/audit").text
    for path in ("/customers/1234", "/runs/1234", "/teams/1234", "/stores/1234", "/conversations/1234"):
        assert f'href="{path}"' in said
    word = {"en": "customer", "id": "pelanggan", "nl": "klant"}[language]
    assert f">{word} 1234</a>" in said
    assert ">nothing known 1234<" in said
    assert ("person 1234" in said) == (language == "en")


def test_the_log_goes_on_where_the_page_before_ended(logged_in: Callable[[str], Visitor], acts: None) -> None:
    owner = logged_in("owner")
    first = owner.get("/settings/audit?act=login&who=ani@example.com").text
    more = re.search(r'href="(/settings/audit\?before=[^"]+)"', first)
    assert more
    second = owner.get(more[1].replace("&amp;", "&")).text
    assert (rows(first), rows(second)) == (50, 10)
    seen = re.findall(r">(n\d+)<", first + second)
    assert len(set(seen)) == 60


def test_settings_lead_everywhere_and_only_where_one_may(logged_in: Callable[[str], Visitor]) -> None:
    links = {}
    for role in ("viewer", "owner"):
        page = logged_in(role).get("/settings").text
        bar = page[page.index('class="places"') : page.index("</nav>", page.index('class="places"'))]
        links[role] = re.findall(r'href="([^"]+)"', bar)
    assert set(links["owner"]) - set(links["viewer"]) == {
        "/settings/people", "/settings/keys", "/settings/privacy", "/settings/audit",
    }  # fmt: skip
    owner = logged_in("owner")
    assert all(owner.get(link).status_code == 200 for link in links["owner"])


def test_a_form_without_a_session_leads_to_the_log_in(visitor: Visitor) -> None:
    answer = visitor.post("/settings", {"name": "Kopi"})
    assert (answer.status_code, answer.location) == (302, "/login")
    assert visitor.post("/login", {"email": "a@example.com"}).status_code == 400


@pytest.mark.browser
def test_keys_lead_to_pages_and_are_off_where_one_types(looker: Callable[..., Looker], crowd: int) -> None:
    eye = looker("desk")
    page = eye.page
    page.goto(f"{eye.address}/home")
    page.keyboard.press("?")
    page.locator("dialog#keys[open]").wait_for()
    eye.hold("keys")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/customers")
    page.keyboard.press("/")
    page.keyboard.type("gh")
    assert page.input_value("#f-q") == "gh"
    assert page.url.startswith(f"{eye.address}/customers")


@pytest.mark.browser
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_the_first_step_of_an_empty_business(looker: Callable[..., Looker], size: str) -> None:
    eye = looker(size)
    eye.look("/welcome")
    assert eye.page.input_value("#f-url") == ""


def test_empty_pages_say_what_fills_them_and_lead_there(logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    ways = {"/customers": "/welcome", "/audit": "/welcome", "/conversations": "/mail/health",
            "/proof": "/campaigns/recipes", "/campaigns": "/campaigns/recipes",
            "/segments": "/segments/new", "/teams": "/teams/new", "/home/what-if": "/welcome",
            "/ladder/movement": "/welcome"}  # fmt: skip
    for path, way in ways.items():
        page = owner.get(path).text
        assert re.search(rf'<a class="button[^"]*" href="{way}"', page), path


def test_a_refusal_wears_the_look_of_its_readers_and_says_what_to_do(
    app: Services, flask_app: Flask, merchant: int, visitor: Visitor, logged_in: Callable[[str], Visitor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Owners' pages lead back into the shop, customers' stay out of it; each says what is safe and what to do."""
    with tenant(app.engine, merchant) as connection:
        brand.save(connection, merchant, color="#7A1F5C", logo=None, now=app.now())

    def fail() -> str:
        raise RuntimeError("on purpose")

    # One page of each kind that breaks: what breaks is the route, and everything around it is the real thing.
    for page in ("preferences.form", "customers.index"):
        monkeypatch.setitem(flask_app.view_functions, page, lambda **_: fail())
    owner, viewer = logged_in("owner"), logged_in("viewer")
    large = {"words": "x" * 1_100_000}
    said = {
        (403, "Ask an owner of the shop."): viewer.get("/settings/people"),
        (404, "The address is wrong"): owner.get("/no/such/page"),
        (405, "Use the button on its page."): owner.get("/logout"),
        (410, "It was used already"): owner.get("/login/no-such-link"),
        (413, "Send less at once."): owner.post("/settings", large),
        (500, "What you had saved is safe."): owner.get("/customers"),
    }
    for (status, sentence), answer in said.items():
        assert (answer.status_code, sentence in answer.text) == (status, True), sentence
        assert re.search(r'<a class="button[^"]*" href="/', answer.text), status
    for _ in range(20):
        app.redis.incr("join:127.0.0.1")
    form, joining = {"email": "a@example.com", "topic": "promotions"}, f"/join/{merchant}"
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    own = {
        (404, "It may have been cut off:"): visitor.get("/c/no-such-link"),
        (429, "Wait a quarter of an hour and try again."): visitor.client.post(joining, data=form),
        (413, "Send less at once."): visitor.client.post(joining, data=large),
        (500, "What you had saved is safe."): visitor.get(joining),
    }
    for (status, sentence), answer in own.items():
        assert (answer.status_code, sentence in answer.text) == (status, True), sentence
        assert 'class="card-page"' in answer.text
        assert "/home" not in answer.text
    assert "--accent:#7A1F5C" in own[429, "Wait a quarter of an hour and try again."].text
