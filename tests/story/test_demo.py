"""The two-minute visit: `tangga demo` as a person starts it, clicked through in a browser until a customer climbs."""

from __future__ import annotations

import email
import email.policy
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from plugin_server.demo.opening import free_port, remembered
from plugin_server.launcher.services import discard_data
from plugin_server.settings import child_environment
from tests.demo.test_store_front import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]
PATIENCE = 120_000
"""Milliseconds: ten times what a quiet machine needs."""


@dataclass
class Demo:
    """A running demo: where it is served, its log-in link and its home."""

    url: str
    login: str
    home: Path
    customers: int
    pictures: Path | None

    @property
    def shop(self) -> str:
        return remembered(self.home, seed=1, customers=self.customers).url

    def draw(self, page: Page, name: str) -> None:
        """Keep what the page shows, where pictures were asked for (`--pictures`)."""
        if self.pictures:
            self.pictures.mkdir(parents=True, exist_ok=True)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=self.pictures / f"{name}.png")

    def mails(self) -> list[EmailMessage]:
        """Those of campaigns; members of the demo's teams are written to as well."""
        files = sorted((self.home / "outbox").rglob("*.eml"))
        found = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        return [mail for mail in found if mail["X-Tangga-Message"]]  # type: ignore[misc]


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Demo]:
    home, port = tmp_path / "home", free_port()
    pictures: str | None = request.config.getoption("--pictures")
    customers = 5000 if pictures else 120
    if "pictures" in request.node.name and not pictures:
        pytest.skip("drawn on demand: --pictures docs/pictures")
    argv = [
        sys.executable,
        "-m",
        "plugin_server.cli",
        "demo",
        "--home",
        home,
        "--port",
        str(port),
        "--customers",
        str(customers),
    ]
    log = (tmp_path / "log").open("w")
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=log, text=True, env=child_environment(TANGGA_ENV="development")
    ) as process:
        assert process.stdout is not None
        try:
            ready, login = process.stdout.readline(), process.stdout.readline()
            assert ready == f"ready: http://127.0.0.1:{port}\n", (tmp_path / "log").read_text()
            way_in = login.removeprefix("login: ").strip()
            yield Demo(f"http://127.0.0.1:{port}", way_in, home, customers, Path(pictures) if pictures else None)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            log.close()
    discard_data(home)


@pytest.fixture
def page(demo: Demo, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    shown = context.new_page()
    shown.set_default_timeout(PATIENCE)
    shown.on("dialog", lambda dialog: dialog.accept())
    shown.goto(demo.login)
    shown.click("main button")
    yield shown
    context.close()


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.5)
    return False


def counted(page: Page, rung: str) -> int:
    """How many the ladder of the home page shows on a rung."""
    page.goto(re.sub(r"(://[^/]+).*", r"\1/home", page.url))
    row = page.locator("main").inner_text()
    found = re.search(rf"{rung}\s+([\d,]+)", row)
    return int(found[1].replace(",", "")) if found else 0


def test_a_visitor_sees_the_ladder_fill_launches_a_campaign_buys_and_climbs(demo: Demo, page: Page) -> None:
    assert until(lambda: counted(page, "Prospect") + counted(page, "Suspect") == 48)
    assert until(lambda: counted(page, "Shopper") > 30)

    page.goto(f"{demo.url}/campaigns/new")
    page.click(".saving button")
    expect(page.locator("main")).to_contain_text("people will get it")
    page.click("main a:has-text('Launch')")
    page.click("main button:has-text('Send to')")
    expect(page.locator("main .tag").first).to_contain_text("done", timeout=PATIENCE)

    mails = demo.mails()
    assert len(mails) > 5
    assert len({mail["X-Tangga-Message"] for mail in mails}) == len(mails)

    shoppers, climber = counted(page, "Shopper"), shopper_of(page, demo, mails)
    address, code = climber
    assert buy(demo, "stranger@contoh.test", code).status_code == 422
    assert buy(demo, address, code).status_code == 200
    assert until(lambda: counted(page, "Shopper") == shoppers - 1)


def shopper_of(page: Page, demo: Demo, mails: list[EmailMessage]) -> tuple[str, str]:
    """The address and code of a mailed customer who has bought once."""
    for mail in mails:
        address = mail["To"].addresses[0].addr_spec
        page.goto(f"{demo.url}/customers?q={address}")
        if "Shopper" in page.locator("table, main .rows, main ul").last.inner_text():
            text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
            return address, re.findall(r"\b[A-Z]+-[A-Z0-9]{8}\b", text)[0]
    raise AssertionError("no shopper among those mailed")


def buy(demo: Demo, address: str, code: str) -> object:
    """Four pieces of the first thing in the window."""
    visitor = Visitor(demo.shop)
    slug = re.findall(r'href="(/product/[^"]+)"', visitor.get("/?lang=en").text)[0]
    numbers = re.findall(r'name="id"[^>]*value="(\d+)"|<option value="(\d+)"', visitor.get(slug).text)
    product = next(int(number) for pair in numbers for number in pair if number)
    visitor.take(product, 4)
    return visitor.checkout(email=address, code=code)


def test_the_pictures_of_the_documentation(demo: Demo, page: Page) -> None:
    """Not a check: walks through a full demo shop and keeps what it shows, for README and docs."""
    assert until(lambda: counted(page, "Raving fan") > 5, 180)
    page.wait_for_timeout(20_000)
    page.goto(f"{demo.url}/home")
    demo.draw(page, "ladder")
    page.goto(f"{demo.url}/campaigns/new")
    page.wait_for_timeout(3_000)
    demo.draw(page, "builder")
    page.click(".saving button")
    expect(page.locator("main")).to_contain_text("people will get it")
    demo.draw(page, "confirmation")
    page.click("main a:has-text('Launch')")
    page.click("main button:has-text('Send to')")
    expect(page.locator("main .tag").first).to_contain_text("done", timeout=PATIENCE)
    mail = page.context.browser.new_page(viewport={"width": 640, "height": 900})  # type: ignore[union-attr]
    mail.set_content(demo.mails()[0].get_body(("html",)).get_content())  # type: ignore[union-attr]
    demo.draw(mail, "mail")
    page.goto(f"{demo.url}/proof")
    demo.draw(page, "proof")
    page.goto(f"{demo.url}/audit")
    demo.draw(page, "audit")
