"""Everything by keys alone: each stop is seen, parts drawn anew keep the focus, a refusal takes it to the fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.web.test_browser import Looker, address, crowd, looker, settled

__all__ = ["address", "crowd", "looker"]
pytestmark = pytest.mark.browser

FOCUSED = """() => {
  let one = document.activeElement;
  if (one.tagName === "IFRAME") return "inside";
  if (one.type === "radio" || one.type === "checkbox") one = [one, one.nextElementSibling || one].find(seen) || one;
  function seen(each) { return getComputedStyle(each).outlineStyle !== "none"; }
  return seen(one) ? "seen" : one.outerHTML.slice(0, 120);
}"""


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until this has the focus; every stop on the way must be seen to have it."""
    for _ in range(150):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) in ("seen", "inside")
        if page.locator(wanted).first.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab does not come to {wanted}")


def holds(page: Page, wanted: str) -> bool:
    """Whether this has the focus, once the page has come to rest."""
    settled(page)
    page.locator("body :focus").wait_for()
    return bool(page.locator(wanted).first.evaluate("one => one === document.activeElement"))


@pytest.fixture
def eye(looker: Callable[..., Looker], crowd: int) -> Looker:
    return looker("desk")


def test_a_campaign_is_made_launched_and_taken_back(eye: Looker) -> None:
    page = eye.page
    page.goto(f"{eye.address}/campaigns/new?rungs=shopper,customer,member")
    page.locator("#look iframe").wait_for()
    tab_to(page, "[name='offer.percentage.value']")
    page.keyboard.type("15")
    page.locator("#told").get_by_text("15% off, by a code of their own").wait_for()
    tab_to(page, ".saving button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mail iframe")
    settled(page)
    tab_to(page, "a:has-text('Launch to')")
    page.keyboard.press("Enter")
    page.locator("main").get_by_text("Nothing leaves for").wait_for()
    tab_to(page, "button:has-text('Send to')")
    page.keyboard.press("Enter")
    page.locator("main").get_by_text("Nothing has left yet").wait_for()
    tab_to(page, "button:has-text('Take it back')")
    with page.expect_response("**/runs/*"):  # the page asks every two seconds how it goes, and draws itself anew
        pass
    assert holds(page, "button:has-text('Take it back')")
    page.keyboard.press("Enter")
    page.locator("main").get_by_text("Nobody got anything").wait_for()
    assert eye.complaints == []


def test_rows_that_come_move_and_go_keep_the_focus_and_are_said(eye: Looker) -> None:
    page = eye.page
    page.goto(f"{eye.address}/segments/new")
    page.locator("button[value='add:r']").focus()
    page.keyboard.press("Enter")
    page.locator("#f-r\\.1-fact").wait_for()
    assert holds(page, "#f-r\\.1-fact")
    page.locator("button[value='remove:r.1']").focus()
    page.keyboard.press("Enter")
    page.locator("#f-r\\.1-fact").wait_for(state="detached")
    assert holds(page, "#builder :focus")
    assert "customers" in page.locator("#said").inner_text()
    page.goto(f"{eye.address}/ladder/edit")
    page.locator("button[value='up:g3']").focus()
    with page.expect_response("**/ladder/look"):
        page.keyboard.press("Enter")
    page.locator("input[name=rung][value=g4] + input[name=rung][value=g3]").wait_for(state="attached")
    assert holds(page, "button[value='up:g3']")
    tab_to(page, "#f-g3-en")
    page.keyboard.type("Regular")
    page.keyboard.press("Tab")
    page.locator("#t-g3:has-text('Regular')").wait_for()
    assert holds(page, "#f-g3-id")
    page.goto(f"{eye.address}/campaigns/new?rungs=shopper")
    page.locator("#look iframe").wait_for()
    page.locator("details:has([name='message.en.body']) > summary").focus()
    page.keyboard.press("Enter")
    page.locator("[name='message.en.body']").select_option("blocks")
    page.locator("details:has(> p > button[value='part:en:add:text']) > summary").focus()
    page.keyboard.press("Enter")
    tab_to(page, "button[value='part:en:add:text']")
    page.keyboard.press("Enter")
    page.locator("[name='message.en.b4.text']:focus").wait_for()
    page.locator("button[value='part:en:down:0']").focus()
    page.keyboard.press("Enter")
    page.locator("button[value='part:en:down:1']:focus").wait_for()


def test_a_refused_form_begins_at_its_first_fault(eye: Looker) -> None:
    page = eye.page
    page.goto(f"{eye.address}/segments/new")
    page.locator("main form button:not([name])").focus()
    page.keyboard.press("Enter")
    page.locator(".fault").wait_for()
    assert holds(page, "#f-name")
    page.goto(f"{eye.address}/campaigns/new?rungs=shopper")
    page.fill("[name='measure.window_days']", "many")
    page.locator(".saving button").focus()
    page.keyboard.press("Enter")
    page.locator("text=Some answers need another look").wait_for()
    assert holds(page, "[name='measure.window_days']")


def test_what_opens_over_the_page_closes_with_escape_and_gives_the_focus_back(eye: Looker) -> None:
    page = eye.page
    page.goto(f"{eye.address}/customers")
    page.locator("#f-rung").focus()
    page.locator(".menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert holds(page, ".menu form button")
    page.keyboard.press("Escape")
    assert page.locator("details.menu[open]").count() == 0
    assert holds(page, ".menu summary")
    page.keyboard.press("?")
    page.locator("dialog#keys[open]").wait_for()
    eye.hold("keys")
    page.keyboard.press("Escape")
    assert holds(page, ".menu summary")


REACH = """() => {
  const own = (one) => !one.matches(":disabled") && one.tabIndex >= 0 && one.type !== "radio"
    && one.checkVisibility({ visibilityProperty: true }) && !one.closest("dialog:not([open])");
  const kinds = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  return [...document.querySelectorAll(kinds)].filter((one) => own(one) && !one.dataset.met)
    .map((one) => one.outerHTML.slice(0, 90));
}"""
MEET = """() => {
  const one = document.activeElement;
  if (one === document.body) return "out";
  const box = one.getBoundingClientRect();
  const marked = (each) => each && getComputedStyle(each).outlineStyle !== "none";
  const shown = [one, one.nextElementSibling, one.closest("label")].some(marked);
  const there = one.tagName === "IFRAME" || (shown && box.bottom > 0 && box.top < innerHeight);
  const again = one.dataset.met && !["date", "time", "month", "datetime-local"].includes(one.type); // of many stops
  one.dataset.met = 1;
  return again ? "again" : there ? "" : one.outerHTML.slice(0, 90);
}"""
BY_KEYS = (
    "/points", "/settings", "/settings/benefits", "/settings/members", "/settings/referral", "/settings/guards",
    "/settings/holidays", "/settings/brand", "/settings/topics", "/settings/people", "/mail/health", "/teams/new",
    "/campaigns/calendar", "/answers", "/points/customers/{}",
)  # fmt: skip


def test_tab_comes_to_everything_is_seen_there_and_is_let_go(eye: Looker, crowd: int) -> None:
    """Each page from its first stop to its last, folded parts open: nothing is left out, unseen, or holds on."""
    page, wrong = eye.page, []
    for path in (one.format(crowd) for one in BY_KEYS):
        page.goto(eye.address + path)
        settled(page)
        page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((one) => { one.open = true; })")
        for _ in range(300):
            page.keyboard.press("Tab")
            met = page.evaluate(MEET)
            if met in ("out", "again"):
                break
            wrong += [f"{path}: {met}"] if met else []
        else:
            wrong.append(f"{path} holds on")
        wrong += [f"{path} never comes to {one}" for one in page.evaluate(REACH)]
    assert wrong == []


def test_a_holiday_is_added_moved_and_taken_away_by_keys(eye: Looker) -> None:
    page = eye.page
    page.goto(f"{eye.address}/settings/holidays")
    tab_to(page, "#f-name")
    page.keyboard.type("Shop day")
    page.locator("#f-day").fill("2027-01-09")
    page.keyboard.press("Enter")
    page.locator(".note.good").wait_for()
    row = "li:has(input[name=key][value=shop_day])"
    tab_to(page, f"{row} summary")
    page.keyboard.press("Enter")
    page.locator(f"{row} input[type=date]").fill("2027-01-10")
    tab_to(page, f"{row} button")
    page.keyboard.press("Enter")
    page.get_by_text("Sunday 10 January 2027").wait_for()
    tab_to(page, f"{row} summary")
    page.keyboard.press("Enter")
    asked: list[str] = []
    page.once("dialog", lambda one: (asked.append(one.message), one.accept())[-1])
    tab_to(page, f"{row} form[data-confirm] button")
    page.keyboard.press("Enter")
    page.get_by_text("Taken away: it stood on").wait_for()
    assert asked == ["Remove Shop day? No running campaign hangs on it."]
    assert page.locator(row).count() == 0
    assert eye.complaints == []
