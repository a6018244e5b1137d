"""The customer's card: what stands on its front, in whose words, how heavy it is, and how it prints."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import segno
from playwright.sync_api import Browser
from sqlalchemy import text

from campaigns.membership import MembershipTerms
from campaigns.referral import ReferralTerms
from plugin_server.db.customers import benefits, membership
from plugin_server.db.friends import referrals
from plugin_server.db.merchant import brand
from plugin_server.db.points import ledger as points_ledger
from plugin_server.db.points import programme as points
from plugin_server.db.session import tenant
from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.points.conftest import program
from tests.web.conftest import Visitor
from tests.web.test_browser import SIZES, Looker, address, crowd, looker

__all__ = ["address", "crowd", "looker"]

Card = Callable[..., str]


@pytest.fixture
def full(app: Services, merchant: int, woo: int, crowd: int) -> str:
    """The card of somebody who has everything: a number, points, two codes, friends to bring, benefits."""
    with tenant(app.engine, merchant) as conn:
        points.save_program(conn, merchant, program(), by="owner@example.com")
        gift: dict[str, Any] = {"kind": "adjust", "key": "gift", "reason": "gift", "now": app.now(), "expires_at": None}
        points_ledger.give(conn, crowd, 1250, **gift)
        referrals.save_terms(conn, ReferralTerms(on=True))
        membership.save_terms(conn, MembershipTerms("invite", "customer", 3))
        benefits.save(conn, {"customer": {"en": ["Free wrapping"], "id": ["Bungkus gratis"]}})
        conn.execute(
            text("UPDATE customer SET member_number = '0000 0018', member_since = '2026-01-05' WHERE id = :c"),
            {"c": crowd},
        )
        for code, value, days in (("SENJA-5AB2", 5, 9), ("SENJA-15CD", 15, 22)):
            conn.execute(
                text(CODE), {"m": merchant, "c": crowd, "s": woo, "code": code, "v": value,
                             "until": app.now() + timedelta(days=days), "now": app.now()},
            )  # fmt: skip
    return f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, crowd))}"


MEMBER = "UPDATE customer SET member_number = '0000 0018', member_since = '2026-01-05' WHERE id = :c"
CODE = """
INSERT INTO offer_code (merchant_id, customer_id, store_id, code, state, kind, value, currency, email, expires_at,
                        issued_at)
VALUES (:m, :c, :s, :code, 'issued', 'percentage', :v, 'IDR', 'c60@example.com', :until, :now)
"""


def test_the_front_says_one_thing_of_each(visitor: Visitor, full: str) -> None:
    said = visitor.get(full).get_data(as_text=True)
    front = said.partition("</article>")[0]
    assert front.count("<h1>") == 1
    assert re.findall(r"SENJA-\w+", front) == ["SENJA-15CD"]
    assert "SENJA-5AB2" in said
    assert "0000 0018" in front
    assert "1.250" in front
    assert '<svg viewBox="0 0 25 25" class="qr">' in front
    assert "/r/" in front
    assert "Bungkus gratis" in said


def test_a_card_is_light(visitor: Visitor, full: str) -> None:
    """One answer is all that must come before something is seen. At 400 kbit/s eight kilobytes take 0.16 s."""
    packed = {"Accept-Encoding": "gzip"}
    answer = visitor.client.get(full, headers=packed)
    assert answer.headers["Content-Encoding"] == "gzip"
    said = gzip.decompress(answer.data).decode()
    assert all(" defer>" in script for script in re.findall(r"<script[^>]*>", said))
    assert 'rel="stylesheet"' not in said
    assert "<img" not in said
    assert len(answer.data) < 8_000
    with visitor.client.get(re.findall(r"url\((/static/[^)]+)\)", said)[-1]) as letters:
        assert (letters.status_code, letters.cache_control.max_age) == (200, 31_536_000)
        assert not letters.cache_control.no_cache
    plain = visitor.client.get(full)
    assert "Content-Encoding" not in plain.headers
    assert plain.get_data(as_text=True) == said


def test_a_card_shows_what_still_holds(
    app: Services, merchant: int, woo: int, crowd: int, visitor: Visitor, full: str
) -> None:
    """What somebody likes stands there; a shop that left takes no codes; who was forgotten has no page."""

    def said(change: str) -> str:
        with tenant(app.engine, merchant) as conn:
            conn.execute(text(change), {"m": merchant, "c": crowd, "s": woo, "now": app.now()})
        return visitor.get(full).get_data(as_text=True)

    assert "Yang Anda sukai" not in said("SELECT 1")
    assert "Yang Anda sukai" in said(
        "INSERT INTO category (merchant_id, store_id, external_id, name) VALUES (:m, :s, '1', 'Teh')"
    )
    assert ">Teh<" in said(LIKES)
    assert "SENJA-15CD" not in said("UPDATE store SET state = 'disconnected' WHERE id = :s")
    assert "0000 0018" not in said("UPDATE customer SET erased_at = :now WHERE id = :c")
    for path in ("", "/preferences", "/member", "/code.png"):
        assert visitor.client.get(full + path).status_code == 404


LIKES = """
INSERT INTO survey_answer (merchant_id, customer_id, question, occasion, choices, first_at, answered_at)
VALUES (:m, :c, 'preferences', 'page', '{Teh}', :now, :now)
"""


def test_forty_codes_and_no_address(
    app: Services, merchant: int, woo: int, crowd: int, visitor: Visitor, full: str
) -> None:
    """The best of all codes stands on the front and none is left out; what only a mail can bring is not offered."""
    with tenant(app.engine, merchant) as conn:
        for n in range(40):
            until = app.now() + timedelta(days=1, hours=n)
            told = {"m": merchant, "c": crowd, "s": woo, "v": 10 + n % 39, "until": until, "now": app.now()}
            conn.execute(text(CODE), told | {"code": f"MANY-{n:02}"})
    front, _, below = visitor.get(full).text.partition("</article>")
    assert re.findall(r"[A-Z]+-\w+(?=</span>)", front) == ["MANY-38"]
    shown, _, rest = below.partition("<details>")
    assert "<summary>37 lagi</summary>" in rest
    assert re.findall(r"MANY-\d\d(?=</span>)", shown) == ["MANY-00", "MANY-01", "MANY-02", "MANY-03"]
    assert len(set(re.findall(r"(?:MANY|SENJA)-\w+(?=</span>)", front + below))) == 42
    assert "/r/" in front
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer SET email = NULL, email_norm = NULL WHERE id = :c"), {"c": crowd})
    said = visitor.get(full).text
    assert "/r/" not in said
    assert 'name="promotions"' not in said


def test_pages_behind_a_log_in_are_not_packed(logged_in: Callable[[str], Visitor]) -> None:
    assert "Content-Encoding" not in logged_in("owner").client.get("/home", headers={"Accept-Encoding": "gzip"}).headers


@pytest.mark.parametrize(
    ("language", "step"),
    [
        ("en", "Customer, with one more purchase."),
        ("id", "Pelanggan, dengan 1 pembelian lagi."),
        ("nl", "Klant, met nog één aankoop."),
    ],
)
def test_the_next_step_in_the_customers_words(
    app: Services, merchant: int, visitor: Visitor, crowd: int, language: str, step: str
) -> None:
    with tenant(app.engine, merchant) as conn:
        once = conn.scalar(text("SELECT customer_id FROM customer_facts WHERE rung = 'shopper' LIMIT 1"))
        conn.execute(text("UPDATE customer SET language = :l WHERE id = :c"), {"l": language, "c": once})
    said = visitor.get(f"/c/{customer_token(app.settings.keys, CustomerLink(merchant, once))}")
    assert step in said.get_data(as_text=True)


@pytest.mark.browser
def test_the_front_fits_one_screen(looker: Callable[..., Looker], app: Services, merchant: int, full: str) -> None:
    for size, language in (("phone", "id"), ("phone", "nl"), ("desk", "en"), ("phone", "en")):
        with tenant(app.engine, merchant) as conn:
            conn.execute(text("UPDATE customer SET language = :l"), {"l": language})
        eye = looker(size, language, logged_in=False)
        eye.look(full)
        assert eye.page.get_attribute("html", "lang") == language
        assert eye.page.evaluate("document.querySelector('.front').getBoundingClientRect().bottom") <= SIZES[size][1]
    eye.page.click("button[data-copy='code-best']")
    eye.page.wait_for_selector("button[data-copy='code-best']:text('Copied')")
    eye.page.focus("#own-link")
    assert eye.page.evaluate("window.getSelection().toString()").startswith("http")
    # The smallest phone there is, and a rung with the longest name that can be given.
    eye.page.set_viewport_size({"width": 320, "height": 600})
    eye.page.evaluate("document.querySelector('.who .name').textContent = 'W'.repeat(60)")
    assert eye.page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.browser
def test_letters_that_come_late_move_nothing(chromium: Browser, address: str, full: str) -> None:
    """The system's letters are drawn as wide as ours, so that no line breaks anew when these arrive."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.add_init_script(MOVED)
    slow = {"offline": False, "latency": 300, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.goto(address + full)
    page.evaluate("document.fonts.ready")
    page.wait_for_function("document.fonts.check('16px \"Plus Jakarta Sans\"')")
    moved = page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(window.moved))))")
    assert sum(one[0] for one in moved) < 0.02, moved
    context.close()


MOVED = """
window.moved = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => window.moved.push(
  [one.value, ...one.sources.map(({ node }) => node && (node.outerHTML || node.data).slice(0, 80))])))
  .observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.browser
def test_the_card_without_a_script_and_on_paper(
    app: Services, merchant: int, chromium: Browser, address: str, full: str
) -> None:
    """One sheet as large as a bank card, in ink on white, whatever the names, the logo and the screen are like."""
    logo = io.BytesIO()
    segno.make("logo").save(logo, kind="png", scale=40)
    with tenant(app.engine, merchant) as conn:
        brand.save(conn, merchant, color="#7A1F5C", logo=logo.getvalue(), now=app.now())
        conn.execute(text("UPDATE merchant SET name = :n"), {"n": "Toko Senja " * 10})
        conn.execute(text("UPDATE customer SET last_name = :n"), {"n": "van den Hoogenbergsestraat " * 3})
        conn.execute(text("UPDATE offer_code SET code = 'TWELVESIGNS1-AB2CD4EF' WHERE code = 'SENJA-15CD'"))
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(address + full)
    assert not page.is_visible("button[data-copy]")
    page.click("#code-best")
    for _ in range(2):
        page.click("main a:has-text('Ambil'), main button:has-text('Ambil')")
    page.locator("[role=status]").get_by_text("Milik Anda").wait_for()
    sheets = [page.pdf(prefer_css_page_size=True)]
    page.goto(f"{address}{full}/member")
    sheets.append(page.pdf(prefer_css_page_size=True))
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("h1").evaluate("one => getComputedStyle(one).color") == "rgb(31, 36, 48)"
    context.close()
    for printed in sheets:
        boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
        assert [(round(float(wide)), round(float(high))) for wide, high in boxes] == [
            (243, 153)
        ]  # 85.6 × 54 mm in points


def test_benefits_are_written_by_owners_and_checked(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    owner.get("/settings/benefits")
    answer = owner.post("/settings/benefits", {"benefit-member-en": "x" * 121, "benefit-member-nl": "Gratis inpakken"})
    assert answer.status_code == 422
    assert "Gratis inpakken" in answer.get_data(as_text=True)
    assert (
        owner.post(
            "/settings/benefits", {"benefit-member-nl": " Gratis  inpakken \n\n<b>Eerst</b>", "benefit-nobody-en": "x"}
        ).status_code
        == 302
    )
    with tenant(app.engine, merchant) as conn:
        assert benefits.every(conn) == {"member": {"nl": ["Gratis inpakken", "<b>Eerst</b>"]}}
        assert benefits.of_rung(conn, "member", "en", "id") == ["Gratis inpakken", "<b>Eerst</b>"]
    assert logged_in("marketer").post("/settings/benefits", {"benefit-member-nl": "y"}).status_code == 403


def test_a_promoter_finds_the_link_for_friends(app: Services, visitor: Visitor, full: str) -> None:
    visitor.post(f"{full}/ask/satisfaction", {"score": "10"})
    assert "/r/" in visitor.get(f"{full}/ask/satisfaction").get_data(as_text=True)
    visitor.post(f"{full}/ask/satisfaction", {"score": "7"})
    assert "/r/" not in visitor.get(f"{full}/ask/satisfaction").get_data(as_text=True)


def test_a_promoter_passes_the_shop_on_where_friends_get_no_price(
    app: Services, merchant: int, visitor: Visitor, full: str
) -> None:
    with tenant(app.engine, merchant) as conn:
        referrals.save_terms(conn, ReferralTerms(on=False))
    visitor.client.post(f"{full}/ask/satisfaction", data={"score": "9"})
    told = visitor.get(f"{full}/ask/satisfaction").text
    assert "/r/" not in told
    assert ">https://toko.example.com<" in told
    visitor.client.post(f"{full}/ask/satisfaction", data={"score": "8"})
    assert ">https://toko.example.com<" not in visitor.get(f"{full}/ask/satisfaction").text
