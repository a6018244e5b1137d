"""What people do on pages, in a real browser, on a phone and on a desk: nothing sticks out, axe finds nothing.

How each page looks that merely opens, ``test_every_page`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from plugin_server.db.ladder import facts
from plugin_server.db.ladder import placing as ladder
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import orders as points_orders
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services
from tests.axe import violations
from tests.points.conftest import program
from tests.serving import served

pytestmark = pytest.mark.browser

PATIENCE = 60_000
"""Milliseconds: a click may wait while the other half of the suite has both processors."""
SIZES = {"phone": (390, 844), "desk": (1280, 900)}


@pytest.fixture
def address(flask_app: Flask) -> Iterator[str]:
    with served(flask_app) as address:
        yield address


@pytest.fixture
def crowd(app: Services, merchant: int, woo: int) -> int:
    """A shop with sixty customers and their orders; gives one who bought often."""
    with tenant(app.engine, merchant) as connection:
        for statement in CROWD:
            connection.execute(text(statement), {"m": merchant, "s": woo, "now": app.now()})
        facts.refresh(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        ladder.climb(connection, merchant_id=merchant, customer_ids=None, now=app.now())
        found: int = connection.scalar(text("SELECT id FROM customer WHERE email_norm = 'c60@example.com'"))
        return found


CROWD = (
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language, has_account, enquired_at)
       SELECT :m, 'c' || g || '@example.com', 'c' || g || '@example.com', 'Siti', 'Rahayu ' || g, 'id', true, :now
       FROM generate_series(1, 60) g""",
    """INSERT INTO shop_order (merchant_id, store_id, external_id, number, customer_id, status, paid, placed_at,
           currency, total_minor, content)
       SELECT :m, :s, c.id || '-' || k, c.id || '-' || k, c.id, 'completed', true,
           CAST(:now AS timestamptz) - k * interval '30 days', 'IDR', 25000000, 'x'
       FROM customer c, generate_series(1, (c.id % 5)::int + 1) k""",
    """INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at)
       SELECT :m, id, 'subscribed', 'woocommerce', CAST(:now AS timestamptz) - interval '90 days' FROM customer""",
)


def settled(page: Page) -> None:
    """Wait until a loaded page has fetched the parts of it that come later."""
    page.locator(".htmx-request").first.wait_for(state="detached")


class Looker:
    """A browser's page that remembers what the console said."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def look(self, path: str) -> None:
        """Open a page and hold it to all that every page must keep."""
        answer = self.page.goto(self.address + path)
        assert answer
        assert answer.status == 200, path
        settled(self.page)
        self.hold(path)

    def hold(self, path: str) -> None:
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        assert violations(self.page) == [], path
        assert self.complaints == [], path


@pytest.fixture
def looker(
    chromium: Browser, address: str, app: Services, merchant: int, person: Callable[..., int]
) -> Iterator[Callable[..., Looker]]:
    opened: list[Any] = []

    def make(size: str, language: str = "en", *, logged_in: bool = True) -> Looker:
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, locale=language)
        opened.append(context)
        context.set_default_timeout(PATIENCE)
        made = Looker(context.new_page(), address)
        if logged_in:
            user = person("owner", f"{size}-{language}@example.com")
            with tenant(app.engine, merchant) as connection:
                connection.execute(
                    text("UPDATE user_account SET locale = :l WHERE id = :u"), {"l": language, "u": user}
                )
            link = make_login_link(app, merchant, user).removeprefix(app.settings.public_url)
            made.page.goto(address + link)
            made.page.click("main button")
        return made

    yield make
    for context in opened:
        context.close()


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_business_and_the_log_in(looker: Callable[..., Looker], size: str) -> None:
    looker(size, logged_in=False).look("/login")
    eye = looker(size)
    for path in ("/home", "/customers", "/campaigns"):
        eye.look(path)


@pytest.mark.parametrize("size", SIZES)
def test_the_customers_own_pages(
    looker: Callable[..., Looker], app: Services, merchant: int, size: str, crowd: int
) -> None:
    token = customer_token(app.settings.keys, CustomerLink(merchant, crowd))
    eye = looker(size, logged_in=False)
    with tenant(app.engine, merchant) as connection:
        points.save_program(connection, merchant, program(), by="owner@example.com")
        given = {"kind": "adjust", "key": "gift", "reason": "gift", "now": app.now(), "expires_at": None}
        points_ledger.give(connection, crowd, 600, **given)
    for path in (f"/c/{token}", f"/c/{token}/rewards/five"):
        eye.look(path)


def test_the_pages_of_points(looker: Callable[..., Looker], app: Services, merchant: int, crowd: int) -> None:
    eye = looker("phone", "id")
    eye.look("/points")
    with tenant(app.engine, merchant) as connection:
        points.save_program(connection, merchant, program(), by="owner@example.com")
        points_orders.settle(connection, merchant_id=merchant, order_ids=None, now=app.now())
    for path in ("/points", f"/points/customers/{crowd}"):
        eye.look(path)


@pytest.mark.parametrize("size", SIZES)
def test_from_an_idea_to_a_launch(looker: Callable[..., Looker], size: str, crowd: int) -> None:
    eye = looker(size)
    page = eye.page
    page.goto(f"{eye.address}/campaigns/new?rungs=shopper,customer,member")
    page.locator("#look iframe").wait_for()
    page.fill("[name='offer.percentage.value']", "15")
    page.locator("#told").get_by_text("15% off, by a code of their own").wait_for()
    eye.hold("idea")
    page.click(".saving button")
    page.wait_for_selector("#mail iframe")
    page.click("#mail button:has-text('ID')")
    page.wait_for_selector("#mail button:has-text('ID')[aria-pressed='true']")
    frame = page.frame_locator("#mail iframe")
    frame.locator("text=Halo Siti").first.wait_for()
    eye.hold("preview")
    page.click("a:has-text('Launch to')")
    page.locator("main").get_by_text("Nothing leaves for").wait_for()
    eye.hold("launch")
    page.click("button:has-text('Send to')")
    page.wait_for_url("**/runs/*")
    page.locator("main").get_by_text("Nothing has left yet").wait_for()
    eye.hold("run")
    page.click("button:has-text('Take it back')")
    page.locator("main").get_by_text("Nobody got anything").wait_for()
    eye.look(f"/campaigns/{page.url.rpartition('/')[2]}/back-test")


def test_typing_finds_a_customer_without_a_reload(looker: Callable[..., Looker], crowd: int) -> None:
    eye = looker("desk")
    eye.page.goto(f"{eye.address}/customers")
    eye.page.type("#f-q", "c60@")
    eye.page.locator("#rows tbody tr").nth(1).wait_for(state="detached")
    assert eye.page.get_attribute("#rows tbody a", "href") == f"/customers/{crowd}"
    eye.hold("search")
