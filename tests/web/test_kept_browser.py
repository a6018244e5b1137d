"""What somebody typed is not lost: to a log-in that ended, a network that went, a page loaded again, a second press."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from plugin_server.db.merchant import people
from plugin_server.db.session import tenant
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services
from tests.web.test_browser import Looker, address, crowd, looker, settled

__all__ = ["address", "crowd", "looker"]
pytestmark = pytest.mark.browser
KEPT = "What you had typed is back"


class Doorman:
    """Ends somebody's log-in, and lets them in again by a link as it comes by mail."""

    def __init__(self, app: Services, merchant: int, eye: Looker) -> None:
        self.app, self.merchant, self.eye = app, merchant, eye
        with tenant(app.engine, merchant) as connection:
            self.user = connection.scalar(text("SELECT id FROM user_account WHERE email LIKE 'desk-%'"))

    def ends(self) -> None:
        with tenant(self.app.engine, self.merchant) as connection:
            people.log_out_everywhere(connection, self.user)

    def opens(self) -> None:
        self.eye.page.wait_for_url("**/login?next=**")
        link = make_login_link(self.app, self.merchant, self.user).removeprefix(self.app.settings.public_url)
        self.eye.page.goto(self.eye.address + link)
        self.eye.page.click("main button")


@pytest.fixture
def eye(looker: Callable[..., Looker], crowd: int) -> Looker:
    return looker("desk")


@pytest.fixture
def doorman(app: Services, merchant: int, eye: Looker) -> Doorman:
    return Doorman(app, merchant, eye)


def test_plain_forms_come_back_on_their_own_page_and_are_sent_once(
    eye: Looker, doorman: Doorman, app: Services, merchant: int
) -> None:
    page = eye.page
    page.goto(f"{eye.address}/settings")
    page.fill("#f-name", "Kopi Baru")
    page.fill("#f-postal_address", "Jalan Senja 7\nBandung")
    doorman.ends()
    page.click("main form[action='/settings'] button:has-text('Save')")
    doorman.opens()
    page.wait_for_url("**/settings")
    page.locator(f"text={KEPT}").wait_for()
    assert page.input_value("#f-name") == "Kopi Baru"
    assert page.input_value("#f-postal_address") == "Jalan Senja 7\nBandung"
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT name FROM merchant")) == "Kopi Tangga"
    page.click("main form[action='/settings'] button:has-text('Save')")
    page.locator("text=Saved").first.wait_for()
    assert page.evaluate("localStorage.getItem('tangga.form')") is None


def test_a_chosen_file_is_asked_for_again_and_the_rest_is_back(eye: Looker, doorman: Doorman, tmp_path: Path) -> None:
    page, logo = eye.page, tmp_path / "logo.png"
    logo.write_bytes(b"no picture")
    page.goto(f"{eye.address}/settings/brand")
    page.fill("#f-color", "#7A1F5C")
    page.set_input_files("#f-logo", logo)
    doorman.ends()
    page.click("main form[action='/settings/brand'] button")
    doorman.opens()
    page.locator(f"text={KEPT}").wait_for()
    assert "The file you had chosen is not kept: choose it again." in page.locator("#kept").inner_text()
    assert page.input_value("#f-color") == "#7A1F5C"
    page.fill("#f-color", "nonsense")
    page.set_input_files("#f-logo", logo)
    page.click("main form[action='/settings/brand'] button")
    assert page.locator("#h-logo").inner_text() == "The file you had chosen is not kept: choose it again."


def test_forms_that_grow_come_back_as_they_had_grown(eye: Looker, doorman: Doorman, crowd: int) -> None:
    """A second condition, typed while the log-in ended: the very question how many it holds leads to the log-in."""
    page = eye.page
    page.goto(f"{eye.address}/segments/new")
    page.fill("#f-name", "Quiet for long")
    page.click("button[value='add:r']")
    page.locator("#f-r\\.1-fact").wait_for()
    page.select_option("#f-r\\.1-fact", "orders")
    settled(page)
    doorman.ends()
    page.locator("#f-r\\.1-1").fill("7")
    page.keyboard.press("Tab")  # no field is waited for: the page's own question may have led to the log-in already
    doorman.opens()
    page.locator(f"text={KEPT}").wait_for()
    assert page.input_value("#f-name") == "Quiet for long"
    assert (page.input_value("#f-r\\.1-fact"), page.input_value("#f-r\\.1-1")) == ("orders", "7")
    page.goto(f"{eye.address}/ladder/edit")
    page.click("button[value='new']")
    page.locator("#f-g7-en").fill("Friend of the house")
    doorman.ends()
    page.keyboard.press("Tab")
    doorman.opens()
    page.locator(f"text={KEPT}").wait_for()
    assert page.input_value("#f-g7-en") == "Friend of the house"


PRESSED = """(one, words) => {
  one.value = words;
  one.dispatchEvent(new Event("input", { bubbles: true }));
  document.querySelector(".saving button").click();
}"""


def test_the_builder_is_there_after_a_log_in_and_when_it_is_loaded_again(eye: Looker, doorman: Doorman) -> None:
    page = eye.page
    page.goto(f"{eye.address}/campaigns/new?rungs=shopper,customer")
    page.wait_for_url("**draft=**")
    with page.expect_response("**/campaigns/build/told"):
        page.fill("[name='name']", "Rainy week")
    page.reload()
    assert page.input_value("[name='name']") == "Rainy week"
    page.locator("text=It is not saved yet").wait_for()
    doorman.ends()
    # Typed and pressed at once: a moment later the page's own question would have led to the log-in already.
    page.locator("[name='name']").evaluate(PRESSED, "Rainy month")
    doorman.opens()
    page.locator("text=Your log-in had run out").wait_for()
    assert page.input_value("[name='name']") == "Rainy month"
    assert page.locator("#kept").count() == 0


def test_without_a_network_the_page_says_so_and_keeps_the_words(
    eye: Looker, app: Services, merchant: int, crowd: int
) -> None:
    page = eye.page
    page.goto(f"{eye.address}/points/customers/{crowd}")
    page.fill("#f-amount", "50")
    page.fill("#f-reason", "late parcel")
    page.context.set_offline(True)
    page.click("form:has(#f-amount) button")
    page.locator("text=We cannot be reached just now").wait_for()
    assert page.input_value("#f-reason") == "late parcel"
    page.context.set_offline(False)
    page.locator("text=We cannot be reached just now").wait_for(state="detached")
    # The network breaks off just then: the browser shows its own page, and ours lead to what was typed.
    page.route("**/points/customers/*", lambda one: one.abort() if one.request.method == "POST" else one.continue_())
    page.click("form:has(#f-amount) button")
    page.wait_for_url("chrome-error://**")
    page.unroute_all()
    page.goto(f"{eye.address}/home")
    page.click("text=What you had typed was not sent yet")
    page.locator(f"text={KEPT}").wait_for()
    assert page.input_value("#f-amount") == "50"
    page.locator("form:has(#f-amount) button").dblclick()
    page.locator("text=+50").wait_for()
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM point_entry WHERE kind = 'adjust'")) == 1


def test_a_part_that_cannot_be_fetched_leaves_what_is_there(eye: Looker) -> None:
    page: Page = eye.page
    page.goto(f"{eye.address}/customers")
    page.route("**/customers?**", lambda route: route.abort())
    page.fill("#f-q", "c1")
    page.locator("text=We cannot be reached just now").wait_for()
    assert page.locator("#rows tbody tr").count() == 50
    page.unroute_all()
    page.fill("#f-q", "c11@")
    page.locator("text=We cannot be reached just now").wait_for(state="detached")
    page.wait_for_url("**q=c11%40**")
    page.locator("#said:text-is('1 customer shown.')").wait_for(state="attached")
