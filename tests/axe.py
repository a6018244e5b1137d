"""What axe finds on a page."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Of what was looked at in vain, which is a hundred times as much, nothing leaves the browser. Frames do not know axe:
# it would only wait for their answer.
RUN = """
axe.run({resultTypes: ["violations"], iframes: false}).then((all) => all.violations.map((one) =>
    [`${one.id}: ${one.help}`, ...one.nodes.map((node) => node.html)].join("\\n  ")))
"""


def violations(page: Page) -> list[str]:
    """Each rule that is broken, and where."""
    page.evaluate(f"{AXE_SCRIPT};0")
    found: list[str] = page.evaluate(RUN)
    return found
