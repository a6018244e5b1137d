"""What a role may not do is not offered to it on any page; pressed all the same, it is refused in one's own words."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.exceptions import HTTPException

from plugin_server.bench import pages_shop
from plugin_server.bench.pages import addresses, inside
from plugin_server.db.merchant.merchants import ROLES
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.forms import read
from tests.web.policies import every_address

REFUSED = {
    "en": ("You may not do this", "Ask an owner of the shop."),
    "id": ("Anda tidak berwenang", "Hubungi pemilik toko."),
    "nl": ("Dit mag je niet", "Vraag het een eigenaar van de winkel."),
}


def needs(flask_app: Flask, path: str, method: str) -> str:
    """The role that an address asks for; "" where it asks for none, or there is no such address."""
    try:
        endpoint, _ = flask_app.url_map.bind("").match(path.partition("?")[0], method=method)
    except HTTPException:
        return ""
    return str(getattr(flask_app.view_functions[endpoint], "required_role", ""))


@pytest.fixture
def shop(app: Services, flask_app: Flask) -> tuple[FlaskClient, list[str]]:
    """A shop with some of everything, its one person's browser, and the addresses of all pages."""
    pages_shop.fill(app.engine, 30, lambda _: None, lambda: None)
    return inside(flask_app, app.engine), addresses(flask_app, app.engine)[0]


def become(app: Services, role: str, language: str) -> None:
    with tenant(app.engine, pages_shop.MERCHANT) as connection:
        connection.execute(text("UPDATE user_account SET role = :r, locale = :l"), {"r": role, "l": language})


def offered(client: FlaskClient, flask_app: Flask, pages: list[str], above: tuple[str, ...]) -> set[str]:
    """Buttons and links of these pages to what asks for one of the roles ``above``."""
    found = set()
    for path in pages:
        answer = client.get(path)
        if answer.status_code == 403 or answer.mimetype != "text/html":
            continue
        for form in (form for form in read(answer.text) if form.method == "post"):
            for one in (one for one in form.fields if one.kind == "submit" and one.on):
                if needs(flask_app, one.action or form.action, "POST") in above:
                    found.add(f"{path}: button to {one.action or form.action}")
        for link in re.findall(r'<a [^>]*href="(/[^"#]*)', answer.text):
            if needs(flask_app, link, "GET") in above:
                found.add(f"{path}: link to {link}")
    return found


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_no_page_offers_what_its_reader_may_not_do(
    shop: tuple[FlaskClient, list[str]], flask_app: Flask, app: Services, role: str
) -> None:
    client, pages = shop
    above = ROLES[: ROLES.index(role)]
    settings = [page for page in pages if page.startswith("/settings")]
    assert len(offered(client, flask_app, settings, above)) > 20
    become(app, role, "en")
    assert sorted(offered(client, flask_app, pages, above)) == []


@pytest.mark.parametrize("language", list(REFUSED))
def test_what_is_not_ones_own_to_do_is_refused_in_words(
    shop: tuple[FlaskClient, list[str]], flask_app: Flask, app: Services, language: str
) -> None:
    client, _ = shop
    become(app, "viewer", language)
    token = read(client.get("/settings").text)
    sent = {"csrf_token": next(form.values["csrf_token"] for form in token if "csrf_token" in form.values)}
    tried = 0
    for rule, path in every_address(flask_app):
        role = getattr(flask_app.view_functions.get(rule.endpoint), "required_role", "viewer")
        if role == "viewer" or "POST" not in (rule.methods or ()):
            continue
        answer, tried = client.post(path, data=sent), tried + 1
        title, advice = REFUSED[language]
        assert (answer.status_code, title in answer.text, advice in answer.text) == (403, True, True), path
    assert tried > 40


def test_a_frame_within_a_page_is_not_where_the_log_in_leads(visitor: Visitor) -> None:
    answer = visitor.client.get("/campaigns/build/x/html", headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.location == "/login"
