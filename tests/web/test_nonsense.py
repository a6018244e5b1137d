"""What no page of ours ever sends: answered with a page that says so, never a failure of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.web.conftest import Visitor
from tests.web.filled import filled

FORM = filled(name="Web")


@pytest.fixture
def owner(logged_in: Callable[[str], Visitor]) -> Visitor:
    """Somebody who may do everything."""
    return logged_in("owner")


@pytest.mark.parametrize(
    "path",
    [
        "/customers/99999999999999999999999",
        "/stores/99999999999999999999999",
        "/runs/99999999999999999999999",
        "/settings/audit?before=99999999999999999999999",
        "/campaigns/%00",
        "/customers?q=%00",
        "/login?next=%00",
        "/webhooks/nothing",
    ],
)
def test_addresses_that_lead_nowhere_are_404(owner: Visitor, path: str) -> None:
    assert owner.get(path).status_code == 404


def test_a_browser_at_the_door_for_shops_gets_one_plain_line(owner: Visitor, store: int) -> None:
    answer = owner.get(f"/webhooks/woocommerce/{store}")
    assert (answer.status_code, answer.mimetype, answer.get_data(as_text=True)) == (405, "text/plain", "405\n")


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("/campaigns/new", FORM | {"name": "a\0b"}, 422),
        ("/settings/people", {"email": "a\0@example.org", "role": "viewer"}, 400),
    ],
)
def test_a_form_with_the_end_of_a_text_in_it_is_refused(
    owner: Visitor, path: str, data: dict[str, Any], status: int
) -> None:
    assert owner.post(path, data).status_code == status


def test_an_address_with_the_end_of_a_text_in_it_logs_nobody_in(visitor: Visitor) -> None:
    visitor.get("/login")
    assert visitor.post("/login", {"email": "a\0@example.org"}).status_code == 400


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trigger.holiday": "feast_of_fools"}, "&#39;feast_of_fools&#39; is not known. Known: "),
        ({"measure.holdout": "500"}, "Give a number from 0 to 90."),
        ({"measure.holdout": "many"}, "Give a number from 0 to 90."),
        ({"audience.rungs": "emperor"}, "no rung emperor. There are: suspect, "),
    ],
)
def test_a_form_may_not_name_what_the_shop_does_not_have(
    owner: Visitor, app: Services, merchant: int, change: dict[str, str], sentence: str
) -> None:
    answer = owner.post("/campaigns/new", FORM | change)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM campaign")) == 0


def test_people_of_others_cannot_be_changed(owner: Visitor, app: Services, merchant: int) -> None:
    assert owner.post("/settings/people/99999", {"role": "viewer"}).status_code == 404
    assert owner.post("/settings/people/1", {"role": "god"}).status_code == 400
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_log WHERE action = 'person_changed'")) == 0


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/campaigns/not-mine/launch", {}),
        ("/campaigns/not-mine/state", {"state": "active"}),
        ("/runs/99999/hold", {"to": "paused"}),
    ],
)
def test_what_is_not_there_cannot_be_started_or_stopped(
    owner: Visitor, app: Services, merchant: int, path: str, data: dict[str, str]
) -> None:
    assert owner.post(path, data).status_code == 404
    with tenant(app.engine, merchant) as connection:
        written = "SELECT count(*) FROM audit_log WHERE action LIKE 'run%' OR action LIKE 'campaign%'"
        assert connection.scalar(text(written)) == 0
