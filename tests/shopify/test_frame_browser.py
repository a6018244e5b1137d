"""The frame of a shop's admin in a real browser: another site around us, no cookie of ours, a token for every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from playwright.sync_api import Browser, Frame, Page, expect

from connectors.shopify.auth import SCOPES, Grant
from plugin_server import shop_access, wiring
from plugin_server.demo.opening import free_port
from plugin_server.wiring import Services
from tests.connectors.server import Answer, Asked, LoopbackServer, serving
from tests.serving import served
from tests.shopify.conftest import SHOP, Admin
from tests.shopify.test_embedded import ROOT, SARI, token

pytestmark = pytest.mark.browser

BRIDGE = """
const home = new URL(document.currentScript.src).origin;
window.shopify = { idToken: async () => (await fetch(home + "/token")).text() };
const wish = new URLSearchParams(location.search).get("shopify-reload");
if (wish) window.shopify.idToken().then((token) => {
  const url = new URL(wish);
  url.searchParams.set("id_token", token);
  location.replace(url);
});
"""
OLD = """async () => {
  const real = window.shopify.idToken;
  await real();
  window.shopify.idToken = async () => "old";
  document.dispatchEvent(new Event("visibilitychange"));
  window.shopify.idToken = real;
}"""
HTML, SCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"


@pytest.fixture
def oauth(admin: Admin) -> Iterator[LoopbackServer]:
    """The shop's admin as a browser sees it: a page with a frame, its script, and its tokens; at another site."""

    def script(asked: Asked) -> Answer:
        if asked.path == "/shopifycloud/app-bridge.js":
            return Answer(BRIDGE.encode(), headers={"Content-Type": SCRIPT})
        if asked.path == "/favicon.ico":
            return Answer(b"", 204)
        if asked.path == "/token":
            return Answer(token().encode(), headers={"Access-Control-Allow-Origin": "*", "Content-Type": "text/plain"})
        if asked.path == "/admin":
            frame = (
                f'<!doctype html><title>Admin</title><iframe src="{asked.query["src"]}" width=1200 height=800></iframe>'
            )
            return Answer(frame.encode(), headers={"Content-Type": HTML})
        return admin(asked)

    with serving(script) as server:
        yield server


@pytest.fixture
def address(
    app: Services, merchant: int, shopify: int, admin: Admin, oauth: LoopbackServer, serve: Callable[[Services], Flask]
) -> Iterator[str]:
    """Where our pages are served; the admin is at ``localhost``, which for a browser is another site."""
    port, far = free_port(), f"http://localhost:{oauth.server_address[1]}"
    known = {"public_url": f"http://127.0.0.1:{port}", "shopify_admin_origin": far}
    made = replace(app, settings=app.settings.model_copy(update=known), now=lambda: datetime.now(UTC))
    grant = Grant("shpat_0", SCOPES, made.now() + timedelta(days=1), "shprt_0", made.now() + timedelta(days=90))
    shop_access.keep(wiring.vault(made), merchant, shopify, grant)
    admin.staff = SARI
    with served(serve(made), port) as address:
        yield address


def framed(page: Page) -> Frame:
    return page.frames[1]


def send(page: Page, path: str) -> None:
    """Let the frame go to a path, once this call is over: what it leaves would take the call along."""
    framed(page).evaluate("path => void setTimeout(() => location.assign(path))", path)


def grow_old(page: Page) -> None:
    """Make the framed page's token one of long ago, once its script is there and has fetched its first one."""
    framed(page).wait_for_load_state()
    framed(page).evaluate(OLD)


def test_a_visitor_walks_through_the_pages_in_the_frame_of_another_site(
    chromium: Browser, address: str, oauth: LoopbackServer, shopify: int
) -> None:
    said: list[str] = []
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    entrance = quote(f"{address}/shopify?embedded=1&shop={SHOP}&host=aG9zdA", safe="")
    page.goto(f"http://localhost:{oauth.server_address[1]}/admin?src={entrance}")
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("navigation")).to_be_visible()
    page.context.clear_cookies()
    inside.get_by_role("link", name="Customers").click()
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Customers")
    assert framed(page).url.startswith(f"{address}{ROOT}/customers?id_token=")
    inside.get_by_role("searchbox").fill("nobody")
    inside.get_by_role("link", name="Settings").click()
    inside.get_by_role("link", name="Toko Senja").click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Toko Senja")
    # An old token in the address, as after an hour on one page: one bounce more, and no log-in.
    send(page, f"{ROOT}/campaigns?id_token=old")
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Campaigns")
    send(page, f"{ROOT}/stores/{shopify}")
    page.context.clear_cookies()
    inside.get_by_role("button", name="Read what changed").click()
    expect(inside.get_by_role("heading", level=1)).to_have_text("Toko Senja")
    assert said == []
    page.close()


def test_nothing_typed_is_lost_to_an_old_token(
    chromium: Browser, address: str, oauth: LoopbackServer, shopify: int
) -> None:
    """A laptop wakes up: the page holds a token of long ago. Forms and lists fetch a new one before they ask."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    entrance = quote(f"{address}/shopify?embedded=1&shop={SHOP}&host=aG9zdA", safe="")
    page.goto(f"http://localhost:{oauth.server_address[1]}/admin?src={entrance}")
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("navigation")).to_be_visible()
    menu = framed(page).evaluate(
        "[...document.querySelectorAll('s-app-nav s-link')].map((one) => one.getAttribute('href'))"
    )
    assert menu == [f"{ROOT}/{name}" for name in ("home", "customers", "campaigns", "points", "audit", "settings")]
    send(page, f"{ROOT}/customers")
    expect(inside.get_by_role("heading", level=1)).to_contain_text("Customers")
    grow_old(page)
    with page.expect_response(lambda answer: "q=zzz" in answer.url) as found:
        inside.get_by_role("searchbox").fill("zzz")
    assert found.value.status == 200
    send(page, f"{ROOT}/stores/{shopify}")
    expect(inside.get_by_role("heading", level=1)).to_have_text("Toko Senja")
    grow_old(page)
    inside.get_by_role("button", name="Read what changed").click()
    expect(inside.get_by_text("The reading begins in a moment.")).to_be_visible()
    assert refused == []
    page.close()


def test_no_other_site_may_frame_us(chromium: Browser, address: str, oauth: LoopbackServer) -> None:
    page = chromium.new_page()
    # The same pages framed by a site that is not the shop's admin: 127.0.0.1 is not localhost.
    with page.expect_console_message(lambda line: "frame-ancestors" in line.text):
        page.goto(f"{oauth.url}/admin?src={quote(f'{address}{ROOT}/home?id_token={token()}', safe='')}")
    page.close()
