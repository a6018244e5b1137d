"""An owner connects a shop by saying yes over there, in a browser: nothing is pasted, and the shop is read at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from plugin_server import wiring
from plugin_server.app import create_app
from plugin_server.db.session import tenant
from plugin_server.demo.generator import generate
from plugin_server.demo.opening import free_port
from plugin_server.demo.shop import ShopState, running_shop, stock
from plugin_server.jobs.reading.connect import settled
from plugin_server.jobs.reading.sync import read_store
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services, utc_now
from tests.connectors.certificate import certificate_of
from tests.serving import served

pytestmark = pytest.mark.browser


@dataclass
class Approving:
    """An owner at the page that asks for a shop's address, and the shop."""

    services: Services
    merchant: int
    shop: ShopState
    shop_url: str
    page: Page

    def ask(self) -> None:
        """Give the shop's address, and go where we send the owner."""
        self.page.goto(f"{self.services.settings.public_url}/connect/woocommerce")
        self.page.locator("main input[name=url]").first.fill(self.shop_url)
        self.page.locator("main form button").first.click()
        self.page.locator("main a.button").click()

    def stores(self) -> list[int]:
        with tenant(self.services.engine, self.merchant) as connection:
            return list(connection.scalars(text("SELECT id FROM store ORDER BY id")))


@pytest.fixture
def approving(
    app: Services, merchant: int, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Approving]:
    port, certificate = free_port(), certificate_of(tmp_path)
    # The shop posts the keys over https, and believes nobody but whom its machine believes.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    settings = app.settings.model_copy(update={"public_url": f"https://127.0.0.1:{port}"})
    services = replace(app, settings=settings, now=utc_now)
    with tenant(services.engine, merchant) as connection:
        owner = connection.scalar(text("SELECT id FROM user_account"))
    shop = ShopState()
    stock(shop, generate(seed=5, customers=30, now=utc_now().replace(microsecond=0)))
    context = chromium.new_context(ignore_https_errors=True)
    with served(create_app(services), port, certificate), running_shop(shop, interval=60) as url:
        page = context.new_page()
        page.goto(make_login_link(services, merchant, owner or 0))
        page.click("main button")
        yield Approving(services, merchant, shop, url, page)
        context.close()


def test_a_yes_in_the_shop_connects_it(approving: Approving) -> None:
    approving.ask()
    page, before = approving.page, len(approving.shop.keys)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tangga would like to connect to your store")
    grant = page.get_by_role("link", name="Approve").get_attribute("href")
    page.get_by_role("link", name="Approve").click()
    page.wait_for_url(f"{approving.services.settings.public_url}/**")
    (store,) = approving.stores()
    assert settled(approving.services, approving.merchant, store, wiring.connector)
    told = read_store(approving.services, approving.merchant, store, "full", wiring.connector)
    assert told["orders"]["created"] == len(approving.shop.orders) > 0
    page.goto(f"{approving.shop_url}{grant}")
    expect(page.locator("body")).to_contain_text("unable to send the consumer data")
    assert (approving.stores(), len(approving.shop.keys)) == ([store], before + 1)


def test_a_no_in_the_shop_connects_nothing(approving: Approving) -> None:
    approving.ask()
    approving.page.get_by_role("link", name="Deny").click()
    approving.page.wait_for_url(f"{approving.services.settings.public_url}/**")
    expect(approving.page.locator("main")).to_contain_text("tidak ada yang disimpan")
    assert approving.stores() == []
