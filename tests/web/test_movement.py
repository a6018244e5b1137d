"""Movement between two days on its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import Visitor
from tests.web.test_browser import SIZES, Looker, address, crowd, looker

__all__ = ["address", "crowd", "looker"]


def test_the_days_are_asked_for_and_nonsense_is_the_usual(logged_in: Callable[[str], Visitor], crowd: int) -> None:
    viewer = logged_in("viewer")
    shown = viewer.get("/ladder/movement").get_data(as_text=True)
    assert "<svg" in shown
    assert "Customer" in shown
    asked = {
        "?from=yesterday": "yesterday is not a day", "?from=9999-12-31&to=0001-01-01": "The first day lies after",
        "?from=1000-01-01": "", "?to=1990-01-01": "", "?from=&to=": "",
    }  # fmt: skip
    for path, fault in asked.items():
        answer = viewer.get(f"/ladder/movement{path}")
        assert (answer.status_code, fault in answer.text, 'note bad"' in answer.text) == (200, True, bool(fault)), path


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_the_flow_in_a_browser(looker: Callable[..., Looker], size: str, crowd: int) -> None:
    looker(size).look("/ladder/movement")
