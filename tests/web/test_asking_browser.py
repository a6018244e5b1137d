"""The pages about asking in a real browser, on a phone and on a desk."""

from __future__ import annotations

import pytest

from plugin_server.vault import CustomerLink, customer_token
from plugin_server.wiring import Services
from tests.web.test_browser import address, crowd, looker

__all__ = ["address", "crowd", "looker"]
pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "language"), [("phone", "id"), ("desk", "nl")])
def test_the_pages_about_asking(
    request: pytest.FixtureRequest, crowd: int, app: Services, merchant: int, size: str, language: str
) -> None:
    eye = request.getfixturevalue("looker")(size, language, logged_in=False)
    for number, score in enumerate((10, 8, 2)):
        token = customer_token(app.settings.keys, CustomerLink(merchant, crowd - number, 1))
        eye.page.goto(f"{eye.address}/c/{token}/ask/satisfaction?score={score}")
        with eye.page.expect_navigation():
            eye.page.click("main form button")
        eye.hold(f"after {score}")
    eye.page.fill("textarea", "Pecah semua")
    eye.page.click("main form button")
    eye.page.wait_for_selector("blockquote")
    for question in ("preferences", "birthday"):
        eye.look(f"/c/{token}/ask/{question}")
    owner = request.getfixturevalue("looker")(size, language)
    owner.look("/answers?route=detractor")
    assert "Pecah semua" in owner.page.content()
