"""What an entry of the audit log was done to, in the reader's words, with the page that shows it."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import url_for

from plugin_server.web.context import words

PAGES: Final[dict[str, tuple[str, str] | None]] = {
    "customer": ("customers.show", "customer_id"),
    "run": ("runs.show", "run_id"),
    "team deal": ("team_deals.show", "deal_id"),
    "store": ("stores.show", "store_id"),
    "conversation": ("conversations.show", "number"),
    "person": None, "version": None, "merge": None, "request": None, "claim": None, "team": None, "task": None,
}  # fmt: skip
"""Things that entries name by number, and the page and parameter that show one; None where none does."""
_NUMBERED: Final = re.compile(r"([a-z ]+) (\d{1,18})")


def about(subject: str) -> tuple[str, str]:
    """The words for a subject as it is written down (``customer 12``), and its address; empty where it has none."""
    found = _NUMBERED.fullmatch(subject)
    if found is None or found[1] not in PAGES:
        return subject, ""
    said, shown = words()(f"acted.{found[1].replace(' ', '_')}", number=found[2]), PAGES[found[1]]
    if shown is None:
        return said, ""
    place: dict[str, Any] = {shown[1]: int(found[2])}
    return said, url_for(shown[0], **place)
