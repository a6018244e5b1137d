"""Where mails leave for real people, no campaign starts without the address that the law wants in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from campaigns.recipes import holiday_discount
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.merchant import audit_log, shop_settings
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import ticks
from plugin_server.jobs.campaigning.preview import check
from plugin_server.jobs.campaigning.run import launch, set_state
from plugin_server.settings import Settings
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.cli.conftest import Called, Read, call, read

__all__ = ["call", "read"]
KEY = "eid-al-fitr-thanks"


@pytest.fixture
def live(app: Services, merchant: int) -> Services:
    """The services with a mail provider out there, and a campaign to launch."""
    settings = app.settings.model_copy(update={"mail_backend": "sendgrid", "sendgrid_api_key": "SG.x"})
    with tenant(app.engine, merchant) as conn:
        shop_settings.save(conn, {"postal_address": ""})
        campaigns.save(conn, merchant_id=merchant, campaign=holiday_discount().campaign, by="test")
    return replace(app, settings=settings)


@pytest.mark.parametrize(
    ("told", "leaves"),
    [
        ({}, False),
        ({"mail_backend": "sendgrid", "sendgrid_api_key": "SG.x"}, True),
        ({"mail_backend": "sendgrid", "sendgrid_api_key": "SG.x", "sendgrid_host": "http://127.0.0.1:9"}, False),
        ({"mail_backend": "smtp", "smtp_url": "smtp://u:p@mail.example.com:587"}, True),
        ({"mail_backend": "smtp", "smtp_url": "smtp://localhost:2525"}, False),
        ({"tangga_env": "production", "public_url": "https://t.example.com", "secret_keys": ("k" * 32,)}, True),
    ],
)
def test_mails_leave_where_a_provider_or_production_says_so(tmp_path: Path, told: dict[str, Any], leaves: bool) -> None:
    assert Settings(tangga_home=tmp_path, **told).mails_leave is leaves


def test_without_an_address_nothing_starts_and_with_one_it_does(live: Services, merchant: int) -> None:
    for start in (
        lambda: launch(live, merchant, KEY, "test", NOW),
        lambda: set_state(live, merchant, KEY, "active"),
    ):
        with pytest.raises(Refused, match=r"^The postal address of the business is missing") as refused:
            start()
        assert getattr(refused.value.reason, "key", "") == "no_postal_address"
    with tenant(live.engine, merchant) as conn:
        saved = campaigns.need(conn, KEY)
        assert (saved.state, campaigns.runs_of(conn, saved.id)) == ("draft", [])
        shop_settings.save(conn, {"postal_address": "Jalan Senja 1, Yogyakarta"})
    assert set_state(live, merchant, KEY, "active").state == "active"
    assert launch(live, merchant, KEY, "test", NOW) > 0


def test_into_the_folder_it_only_warns(app: Services, live: Services, merchant: int) -> None:
    assert launch(app, merchant, KEY, "test", NOW) > 0


def test_a_firing_is_stopped_when_the_address_was_taken_away(app: Services, live: Services, merchant: int) -> None:
    set_state(replace(app, now=lambda: NOW.replace(hour=0)), merchant, KEY, "active")
    assert ticks.tick_merchant(live, merchant) == 0
    with tenant(app.engine, merchant) as conn:
        (run,) = campaigns.runs_of(conn, campaigns.need(conn, KEY).id)
    assert (run.state, run.state_reason.startswith("The postal address")) == ("stopped", True)


def test_the_command_line_takes_one(call: Called, read: Read, app: Services, merchant: int) -> None:
    assert read("merchants", "set", "--postal-address", " Jalan Senja 1 \n 55000 Yogyakarta ") == {
        "id": merchant,
        "postal_address": "Jalan Senja 1\n55000 Yogyakarta",
    }
    with tenant(app.engine, merchant) as conn:
        assert audit_log.recent(conn)[0].action == "settings_changed"
    code, out, err = call("merchants", "set", "--postal-address", "x" * 501)
    assert (code, out) == (2, "")
    assert "--postal-address: write it as on a letter" in err
    words = ["--email", "a@b.example", "--timezone", "UTC", "--currency", "EUR", "--postal-address", "Keizersgracht 1"]
    number = read("merchants", "add", "Second", *words)["id"]
    with tenant(app.engine, number) as conn:
        assert shop_settings.postal_address(conn) == "Keizersgracht 1"


@pytest.mark.parametrize(("locale", "begins"), [("id", "Alamat pos"), ("nl", "Je postadres"), ("en", "Your postal")])
def test_the_note_at_saving_is_in_the_language_of_the_business(
    live: Services, merchant: int, locale: str, begins: str
) -> None:
    with tenant(live.engine, merchant) as conn:
        shop_settings.save(conn, {"locale": locale})
        notes = check(conn, holiday_discount().campaign, public_url="https://t.example", now=NOW)
    assert notes[-1].startswith(begins)
