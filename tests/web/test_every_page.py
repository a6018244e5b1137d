"""Every page there is, found from the application's own routes: a new page is held to all of this by itself.

In three languages: it answers, its HTML is valid, nothing is inline, and a first visit weighs little. In a browser, on
a phone and on a desk: nothing sticks out, the console says nothing, axe finds nothing.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import Connection, text

from campaigns.offers.team import TeamTerms
from plugin_server.bench import pages_shop
from plugin_server.bench.pages import DRAFT, FILES, addresses, inside
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import identity
from plugin_server.db.friends import teams
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.axe import violations
from tests.series.definitions import campaign, letter
from tests.serving import served
from tests.web import odd_people

ORACLE = Path(__file__).parents[1] / "oracle"
VALIDATE = ORACLE / "node_modules" / ".bin" / "html-validate"
LANGUAGES = ("en", "id", "nl")
WIDTHS = (390, 1280)
AXE_AT = {"en": 1280, "id": 390}
"""Two looks are enough: a phone has another layout, and what else a language changes, axe does not see."""
HEAVIEST = 350_000
FIRST_VIEW = 8_000
"""Bytes: a fifth of a second at 400 kbit/s, beside the one time that the phone waits for the server."""
CUSTOMERS = ("/c/", "/r/", "/d/", "/join/")
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")
SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')
# Once nothing is fetched any more. Asked for in one go: a locator brings its own machinery to each page it looks at.
TOO_WIDE = """async () => {
    while (document.querySelector(".htmx-request")) await new Promise((soon) => setTimeout(soon, 20));
    return document.documentElement.scrollWidth - window.innerWidth;
}"""
FONT = re.compile(r'url\("?(?:\./)?([^")]+\.woff2)"?\)')

NO_PAGES = {
    "/mail/health/vouching", "/campaigns/bench/series", "/campaigns/bench/series/edit", "/campaigns/bench/mail/en/html",
    "/campaigns/bench/look/en/html", f"/campaigns/build/{DRAFT}/look", f"/campaigns/build/{DRAFT}/html",
}  # fmt: skip
"""What sends on, a campaign without steps, mails in their frames, and what a browser asks for while somebody types."""
FREE = {
    "static", "health.alive", "health.ready", "health.metrics", "home.start", "connect_embedded.enter",
    "connect_embedded.bounce", "storefront.script", "storefront.proxied", "wallet.apple_pass", "wallet.google_link",
    "members.picture", "code_picture.show", "api.openapi", "api.ladder", "api.list_customers", "api.show_customer",
    "api.list_segments", "api.show_audit", "api.list_campaigns", "api.preview_campaign", "api.campaign_results",
    "brand.picture", "login.form", "login.confirm",
}  # fmt: skip
"""Routes without a role that are no pages, or whose pages need more than a customer: other tests open those."""


def fill(connection: Connection, app: Services) -> dict[str, str]:
    """Long names, a series, a team deal and a merge; gives the addresses they add."""
    long = (
        "UPDATE customer SET first_name = 'Maximiliana-Wilhelmina', last_name = 'van den Hoogenbergsestraat', "
        "email = 'maximiliana.wilhelmina.van.den.hoogenberg+' || id || '@subdomain.example.com'"
    )
    connection.execute(text(long))
    campaigns.save(connection, merchant_id=1, campaign=campaign(letter()), by="t")
    terms = TeamTerms.model_validate({"seats": 3, "days": 3, "gift": {"kind": "percentage", "value": "20"}})
    deal = teams.save_deal(connection, 1, name="Kopi bareng", terms=terms, by="t", now=app.now())
    merge = identity.merge(connection, 20, 21, "one person", "t", app.now())
    return {
        "/teams/<int:deal_id>": f"/teams/{deal}",
        "/merges/<int:merge_id>": f"/merges/{merge}",
        "steps": "/campaigns/series/series",
        "editor": "/campaigns/series/series/edit",
        "campaign": "/campaigns/series",
    }


@pytest.fixture
def shop(app: Services, flask_app: Flask) -> tuple[FlaskClient, list[str]]:
    """A shop with some of everything: its owner's browser, and the addresses of all pages."""
    pages_shop.fill(app.engine, 60, lambda _: None, lambda: None)
    with tenant(app.engine, pages_shop.MERCHANT) as connection:
        more = fill(connection, app)
        values = odd_people.settle(connection, app)
    found, left_out = addresses(flask_app, app.engine)
    assert set(left_out) == set(FILES)
    return inside(flask_app, app.engine), [
        *(one for one in found if one not in NO_PAGES), *more.values(), *customers_own(flask_app, app, values),
    ]  # fmt: skip


def customers_own(flask_app: Flask, app: Services, values: dict[str, Any]) -> list[str]:
    """The pages that need no log-in, most of them by a customer's link, and more of what customers open."""
    rules = [
        rule
        for rule in flask_app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint not in FREE
        and not hasattr(flask_app.view_functions[rule.endpoint], "required_role")
    ]
    own = {"referrals.show": values["referral"], "teams.show": values["team"]}
    with flask_app.test_request_context():
        found = [
            flask_app.url_for(at, **{name: values[name] for name in named} | ({"token": own[at]} if at in own else {}))
            for at, named in ((one.endpoint, one.arguments) for one in rules)
        ]
    return [*found, *odd_people.cards(app), *odd_people.LOST]


def speak(app: Services, language: str) -> None:
    with tenant(app.engine, 1) as connection:
        connection.execute(text("UPDATE user_account SET locale = :l"), {"l": language})
        connection.execute(text("UPDATE customer SET language = :l"), {"l": language})


def test_every_page_is_valid_and_light_in_three_languages(
    shop: tuple[FlaskClient, list[str]], app: Services, tmp_path: Path
) -> None:
    client, pages = shop
    sizes: dict[str, int] = {}
    for language in LANGUAGES:
        speak(app, language)
        for number, path in enumerate(pages):
            answer = client.get(path, headers={"Accept-Language": language})
            lost = path in odd_people.LOST
            assert (answer.status_code, answer.mimetype) == (404 if lost else 200, "text/html"), path
            html = answer.get_data(as_text=True)
            assert f'<html lang="{language}"' in html, path
            own = path.startswith(CUSTOMERS)
            html = without_sheet(html, answer.headers["Content-Security-Policy"]) if own else html
            assert INLINE.search(html) is None, path
            loaded = sum(size(client, asset, sizes) for asset in set(ASSET.findall(html)))
            assert len(gzip.compress(html.encode())) + loaded < HEAVIEST, path
            name = re.sub(r"[^a-z0-9]+", "_", path.lower())[:60]
            (tmp_path / f"{language}{number}{name}.html").write_text(html)
    found = invalid(tmp_path)
    assert not found, "\n".join(found)


def size(client: FlaskClient, asset: str, known: dict[str, int]) -> int:
    """Compressed bytes of a file that a page loads, and of the fonts it names, which come compressed."""
    if asset not in known:
        with client.get(asset) as answer:
            body = answer.get_data()
        fonts = set(FONT.findall(body.decode())) if ".css" in asset else set()
        known[asset] = len(gzip.compress(body)) + sum(size(client, f"/static/dist/{font}", known) for font in fonts)
    return known[asset]


def without_sheet(html: str, policy: str) -> str:
    """A customer's page without the sheet within it, which its policy allows by name and which makes it no heavier.

    Nothing else has to come before a phone shows the page: no second sheet, no script that is waited for.
    """
    sheets = SHEET.findall(html)
    assert len(sheets) == 1
    assert f"style-src 'sha256-{b64encode(sha256(sheets[0].encode()).digest()).decode()}';" in policy
    assert 'rel="stylesheet"' not in html
    assert all(" defer>" in script for script in re.findall("<script[^>]*>", html))
    assert len(gzip.compress(html.encode())) < FIRST_VIEW
    return SHEET.sub("", html)


def invalid(folder: Path) -> list[str]:
    """What html-validate says of the files in a folder."""
    if not VALIDATE.exists():
        pytest.skip("html-validate is not installed: run `make setup`")
    said = subprocess.run(
        [VALIDATE, "--config", ORACLE / "htmlvalidate.json", "--formatter", "json", *sorted(folder.glob("*.html"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(said.stdout)
    return [
        f"{Path(one['filePath']).name}:{fault['line']} {fault['ruleId']}: {fault['message']}"
        for one in found
        for fault in one["messages"]
    ]


@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits_a_phone_and_a_desk(
    shop: tuple[FlaskClient, list[str]], flask_app: Flask, app: Services, chromium: Browser, language: str
) -> None:
    client, pages = shop
    speak(app, language)
    said: list[str] = []
    with served(flask_app) as address:
        context = chromium.new_context(locale=language)
        cookie = client.get_cookie("session") or client.get_cookie("tangga")
        assert cookie
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        page = context.new_page()
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        faults = []
        for path in pages:
            page.set_viewport_size({"width": WIDTHS[0], "height": 844})
            page.goto(address + path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 844})
                wide = page.evaluate(TOO_WIDE)
                faults += [f"{path} is {wide} px too wide at {width}"] if wide > 0 else []
                if width == AXE_AT.get(language):
                    faults += [f"{path}: {one}" for one in violations(page)]
            faults += [f"{path}: {one}" for one in said if path not in odd_people.LOST or "404" not in one]
            said.clear()
        context.close()
    assert not faults, "\n".join(faults)
