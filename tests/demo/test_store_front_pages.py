"""The shop window in a real browser: axe finds nothing, on a phone and on a desk, by day and by night."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.axe import violations

pytestmark = pytest.mark.browser


def clean(page: Page) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1200, "dark")])
def test_a_visitor_orders_on_pages_without_faults(chromium: Browser, url: str, width: int, scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    page.goto(f"{url}/product/kaos/")
    clean(page)
    page.get_by_text("XL").click()
    page.get_by_role("button").click()
    clean(page)
    page.goto(f"{url}/checkout/")
    page.get_by_label("Nama").fill("Siti Rahma")
    page.get_by_label("Alamat e-mail").fill("siti@contoh.test")
    page.get_by_label("Kode promo").fill("TIDAKADA")
    page.get_by_role("button", name="Buat pesanan dan bayar").click()
    assert page.get_by_role("alert").inner_text() == "Kode TIDAKADA tidak ada. Periksa ejaannya."
    clean(page)
    page.get_by_label("Kode promo").fill("")
    page.get_by_role("button", name="Buat pesanan dan bayar").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Terima kasih, Siti."
    clean(page)
    page.goto(url)
    clean(page)
    context.close()
