"""A holiday discount from the launch to the mails in the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from campaigns.schema import Campaign, parse
from connectors.errors import ConnectorError
from plugin_server.db import audience, campaigns, ledger, messages
from plugin_server.db.campaigns import Refused
from plugin_server.db.session import tenant
from plugin_server.jobs import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop, say


def holiday(**changes: Any) -> Campaign:
    """The recipe, for everybody who bought, without quiet hours and holdout."""
    document = holiday_discount().document | {"measure": {"holdout": 0}} | changes
    return parse(document)


def started(app: Services, merchant: int, campaign: Campaign) -> int:
    """Save a campaign and open its run."""
    with tenant(app.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
        return runs.open_now(conn, merchant, campaign.key, "test", NOW)


def outcome(app: Services, merchant: int, run_id: int) -> dict[str, Any]:
    """How the run stands."""
    with tenant(app.engine, merchant) as conn:
        return runs.report(conn, run_id)


def outbox(app: Services) -> dict[str, EmailMessage]:
    """The mails in the outbox by their recipient."""
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in app.settings.outbox.rglob("*.eml")
    ]
    assert len({mail["To"].addresses[0].addr_spec for mail in mails}) == len(mails)
    return {mail["To"].addresses[0].addr_spec: mail for mail in mails}


def test_each_of_those_who_may_be_written_to_gets_a_mail_with_a_code_of_their_own(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, world, merchant, run_id) == "done"
    mails = outbox(app)
    assert sorted(mails) == [f"c{n}@example.com" for n in range(1, 9)]
    assert len(shop.codes) == 8
    for spec in shop.codes.values():
        body = mails[spec.email].get_body(("html",))
        assert body is not None
        assert spec.code in body.get_content()
        assert spec.expires_at.isoformat() == "2027-03-10T16:59:59+00:00"
    report = outcome(app, merchant, run_id)
    assert report["occasion"] == "eid_al_fitr:2027:-14"
    assert (report["audience"], report["treated"], report["holdout"]) == (8, 8, 0)
    assert report["excluded"] == {"unsubscribed": 1, "not_subscribed": 1, "suppressed": 1, "no_email": 1}
    assert report["messages"] == {"accepted": 8}


def test_everybody_reads_their_own_language(app: Services, merchant: int, world: Outside) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    mails = outbox(app)
    assert mails["c3@example.com"]["Subject"] == "Siti3, 10% korting voor Suikerfeest"
    assert mails["c4@example.com"]["Subject"] == "Siti4, 10% off for Eid al-Fitr"
    assert mails["c1@example.com"]["Subject"] == "Siti1, diskon 10% untuk Lebaran"


def test_mails_carry_the_one_click_unsubscribe(app: Services, merchant: int, world: Outside) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    mail = outbox(app)["c1@example.com"]
    assert mail["List-Unsubscribe"].strip().startswith("<https://mail.toko.example/c/")
    assert mail["List-Unsubscribe"].endswith("/unsubscribe>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_occasion_fires_once(app: Services, merchant: int, world: Outside) -> None:
    first = started(app, merchant, holiday())
    runs.advance(app, world, merchant, first)
    again = started(app, merchant, holiday(name="Another name"))
    assert again == first
    assert runs.advance(app, world, merchant, again) == "done"
    assert len(outbox(app)) == 8
