"""Logging in by a link: once, within a quarter of an hour, never by merely opening it."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes

import pytest

from plugin_server.jobs.letters.login import send
from plugin_server.web.login import PER_ADDRESS, make_login_link
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor


@pytest.fixture
def link(app: Services, merchant: int, person: Callable[..., int]) -> str:
    return make_login_link(app, merchant, person("owner")).removeprefix(app.settings.public_url)


def test_opening_a_link_does_not_use_it_up(visitor: Visitor, link: str) -> None:
    for _ in range(3):
        assert visitor.get(link).status_code == 200
    assert visitor.get("/home").location == "/login?next=/home"


def test_the_button_logs_in(visitor: Visitor, link: str) -> None:
    visitor.get(link)
    assert visitor.post(link).location == "/home"
    assert visitor.get("/settings").status_code == 200


def test_a_link_works_once(visitor: Visitor, link: str) -> None:
    visitor.get(link)
    visitor.post(link)
    visitor.get("/settings")
    visitor.post("/logout")
    assert visitor.get(link).status_code == 410
    visitor.get("/login")
    assert visitor.post(link).status_code == 410


def test_a_link_is_too_old_after_a_quarter_of_an_hour(visitor: Visitor, clock: Clock, link: str) -> None:
    clock.forward(minutes=16)
    assert visitor.get(link).status_code == 410


def test_without_the_forms_token_nothing_happens(visitor: Visitor, link: str) -> None:
    visitor.get(link)
    visitor.token = "made-up"
    assert visitor.post(link).status_code == 400
    assert visitor.get("/home").status_code == 302


def test_the_answer_does_not_tell_who_is_known(visitor: Visitor, app: Services, person: Callable[..., int]) -> None:
    person("owner", "known@example.com")
    app.redis.flushdb()
    visitor.get("/login")
    known = visitor.post("/login", {"email": "known@example.com"})
    unknown = visitor.post("/login", {"email": "nobody@example.com"})
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert known.text.replace("known@", "") == unknown.text.replace("nobody@", "")


def test_asking_too_often_is_refused(visitor: Visitor, app: Services) -> None:
    app.redis.flushdb()
    visitor.get("/login")
    codes = [visitor.post("/login", {"email": "often@example.com"}).status_code for _ in range(PER_ADDRESS + 1)]
    assert codes == [200] * PER_ADDRESS + [429]


def test_what_is_no_address_is_said_beside_the_field(visitor: Visitor) -> None:
    visitor.get("/login")
    answer = visitor.post("/login", {"email": "nonsense"})
    assert answer.status_code == 422
    assert "name@example.com" in answer.text


def test_the_mail_carries_a_link_that_works(
    visitor: Visitor, app: Services, merchant: int, person: Callable[..., int]
) -> None:
    send(app, merchant, person("marketer", "rina@example.com"))
    (mail,) = (message_from_bytes(path.read_bytes()) for path in app.settings.outbox.rglob("*.eml"))
    assert mail["To"] == "rina@example.com"
    text = str(
        next(part for part in mail.walk() if part.get_content_type() == "text/plain").get_payload(decode=True), "utf-8"
    )
    path = next(word for word in text.split() if "/login/" in word).removeprefix(app.settings.public_url)
    visitor.get(path)
    assert visitor.post(path).location == "/home"


def test_the_page_asked_for_opens_after_the_log_in_that_came_by_mail(visitor: Visitor, link: str) -> None:
    wanted = visitor.get("/customers?rung=shopper&after=x").location
    assert wanted == "/login?next=/customers?rung%3Dshopper%26after%3Dx"
    visitor.get(wanted)
    visitor.post("/login", {"email": "nonsense"})
    visitor.get(link)
    assert visitor.post(link).location == "/customers?rung=shopper&after=x"
    assert visitor.get("/login?next=/audit").location == "/audit"


@pytest.mark.parametrize(
    ("came_from", "next_"),
    [
        ("http://localhost/segments/new?fact=orders", "/login?next=/segments/new?fact%3Dorders"),
        ("http://evil.example/segments/new", "/login"),
        ("http://localhost/ladder/look", "/login"),  # an answer to a form: nothing to open
        ("nonsense", "/login"),
    ],
)
def test_a_form_without_a_log_in_leads_back_to_its_page(visitor: Visitor, came_from: str, next_: str) -> None:
    visitor.get("/login")
    assert visitor.post("/segments", headers={"Referer": came_from}).location == next_
    fetched = visitor.post("/segments", headers={"HX-Request": "true", "HX-Current-URL": came_from})
    assert (fetched.status_code, fetched.headers["HX-Redirect"]) == (401, next_)


def test_next_never_leads_to_another_site(visitor: Visitor, link: str) -> None:
    for evil in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        visitor.get("/login")
        answer = visitor.post("/language", {"language": "nl", "next": evil})
        assert answer.location == "/login"
        visitor.get("/login", query_string={"next": evil})
    visitor.get(link)
    assert visitor.post(link).location == "/home"


def test_logging_out_everywhere_ends_other_sessions(
    app: Services, merchant: int, person: Callable[..., int], visitor: Visitor, logged_in: Callable[[str], Visitor]
) -> None:
    user = person("viewer")
    visitor.log_in(app, merchant, user)
    other = Visitor(visitor.client.application.test_client())
    other.log_in(app, merchant, user)
    visitor.post("/logout/everywhere")
    assert other.get("/home").location == "/login?next=/home"


@pytest.mark.parametrize(("language", "title"), [("en", "Log in"), ("id", "Masuk"), ("nl", "Inloggen")])
def test_the_browsers_language_is_spoken(visitor: Visitor, language: str, title: str) -> None:
    answer = visitor.get("/login", headers={"Accept-Language": f"{language};q=1"})
    assert f"<h1>{title}</h1>" in answer.text
    assert f'<html lang="{language}">' in answer.text


def test_the_chosen_language_stays(visitor: Visitor) -> None:
    visitor.get("/login")
    visitor.post("/language", {"language": "nl", "next": "/login"})
    assert "<h1>Inloggen</h1>" in visitor.get("/login", headers={"Accept-Language": "en"}).text
