"""The guards that new campaigns begin with: set once for the business, kept from campaigns that have their own."""

from __future__ import annotations

import re
from collections.abc import Callable

from plugin_server.db.campaigning import usual_guards
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.web.conftest import Visitor

FORM = {
    "guards.quiet_hours": "1", "guards.quiet_hours.from": "22:30", "guards.quiet_hours.to": "06:00",
    "guards.frequency_cap": "1", "guards.frequency_cap.messages": "1", "guards.frequency_cap.days": "10",
    "guards.discount_share": "1", "guards.discount_share.most": "25", "guards.discount_share.orders": "6",
    "guards.margin_floor": "1",
}  # fmt: skip


def value(page: str, name: str) -> str:
    """What stands in a field of a page."""
    found = re.search(rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    assert found, name
    return found[1]


def test_new_campaigns_begin_with_the_guards_of_the_business(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    usual = owner.get("/settings/guards").text
    assert value(usual, "guards.frequency_cap.messages") == "2"
    assert owner.post("/settings/guards", FORM).location == "/settings/guards"
    for path in ("/settings/guards", "/campaigns/new", "/campaigns/new?recipe=second_order"):
        page = owner.get(path).text
        kept = [value(page, name) for name in FORM if name.count(".") == 2]
        assert kept == ["22:30", "06:00", "1", "10", "25", "6"], path
        assert re.search(r'name="guards.discount_fatigue" value="1"(?! checked)', page), path


def test_what_cannot_be_kept_is_said_beside_its_field(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    owner.get("/settings/guards")
    answer = owner.post("/settings/guards", FORM | {"guards.frequency_cap.days": "0", "guards.quiet_hours.to": "22:30"})
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    assert value(answer.text, "guards.frequency_cap.days") == "0"
    with tenant(app.engine, merchant) as connection:
        assert usual_guards.of(connection) == {}


def test_only_owners_change_them(logged_in: Callable[[str], Visitor]) -> None:
    marketer = logged_in("marketer")
    marketer.get("/settings/guards")
    assert marketer.post("/settings/guards", FORM).status_code == 403
