"""A holiday discount from the launch to the mails in the outbox."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.sending import messages
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
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
    with tenant(app.engine, merchant) as conn:
        log = conn.execute(text("SELECT actor, action, subject, detail FROM audit_log")).one()
    assert (log.actor, log.action, log.subject) == ("test", "campaign_started", "eid-al-fitr-thanks")
    assert log.detail["offer"]["value"] == "10"
    assert runs.advance(app, world, merchant, again) == "done"
    assert len(outbox(app)) == 8


def test_a_customer_whose_code_the_shop_refuses_gets_no_mail(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    shop.refuses["c5@example.com"] = "coupon code already in use"
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, world, merchant, run_id) == "done"
    assert "c5@example.com" not in outbox(app)
    with tenant(app.engine, merchant) as conn:
        [skipped] = [row for row in messages.messages(conn, run_id) if row["state"] == "skipped"]
    assert (skipped["customer"], skipped["reason"]) == (5, "no_code: coupon code already in use")


def test_while_the_shop_is_down_nobody_is_written_to_and_the_run_waits(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    shop.down.append(ConnectorError("The shop is being repaired.", retry_after=120))
    run_id = started(app, merchant, holiday())
    assert runs.advance(app, world, merchant, run_id) == "frozen"
    report = outcome(app, merchant, run_id)
    assert report["messages"] == {}
    assert report["reason"] == "Codes: The shop is being repaired."
    later = replace(app, now=lambda: NOW + timedelta(seconds=121))
    assert runs.advance(later, world, merchant, run_id) == "done"
    assert len(outbox(app)) == 8
    assert len(shop.codes) == 8


def test_a_shop_that_stays_away_for_a_day_ends_the_run_without_mails(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    shop.down += [ConnectorError("Gone.", retry_after=60)] * 2
    run_id = started(app, merchant, holiday())
    runs.advance(app, world, merchant, run_id)
    assert runs.advance(replace(app, now=lambda: NOW + timedelta(hours=25)), world, merchant, run_id) == "done"
    assert outcome(app, merchant, run_id)["messages"] == {"skipped": 8}


def test_codes_are_asked_for_in_hundreds(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    runs.advance(app, world, merchant, started(app, merchant, holiday()))
    assert shop.calls == [8]


def test_a_frozen_store_refuses_the_launch(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'frozen', state_reason = 'it says staging.example'"))
    with pytest.raises(Refused, match=r"The store Senja .* is frozen: it says staging.example"):
        started(app, merchant, holiday())


def test_a_store_that_freezes_during_a_run_stops_it_until_it_is_confirmed(
    app: Services, merchant: int, world: Outside
) -> None:
    run_id = started(app, merchant, holiday())
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'frozen'"))
    assert runs.advance(app, world, merchant, run_id) == "planned"
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE store SET state = 'connected'"))
    later = replace(app, now=lambda: NOW + timedelta(minutes=6))
    assert runs.advance(later, world, merchant, run_id) == "done"
    assert len(outbox(app)) == 8


def test_a_no_that_comes_after_the_freeze_is_heeded(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    run_id = started(app, merchant, holiday())
    shop.down.append(ConnectorError("Later.", retry_after=60))
    runs.advance(app, world, merchant, run_id)
    with tenant(app.engine, merchant) as conn:
        say(conn, merchant, [2], "unsubscribed", at="2027-02-24 02:00:30+00")
    runs.advance(replace(app, now=lambda: NOW + timedelta(minutes=2)), world, merchant, run_id)
    assert "c2@example.com" not in outbox(app)
    with tenant(app.engine, merchant) as conn:
        reasons = {row["customer"]: row["reason"] for row in messages.messages(conn, run_id)}
    assert reasons[2] == "unsubscribed: has said no to these mails"


def test_the_holdout_gets_neither_code_nor_mail(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    run_id = started(app, merchant, holiday(measure={"holdout": "0.5"}))
    assert runs.advance(app, world, merchant, run_id) == "done"
    report = outcome(app, merchant, run_id)
    assert report["treated"] + report["holdout"] == 8
    assert 0 < report["holdout"] < 8
    assert len(shop.codes) == len(outbox(app)) == report["treated"]


def test_mails_wait_for_the_morning_of_their_reader(app: Services, merchant: int, world: Outside) -> None:
    run_id = started(app, merchant, holiday())
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer SET timezone = 'America/New_York' WHERE id = 1"))
    assert runs.advance(app, world, merchant, run_id) == "sending"
    assert "c1@example.com" not in outbox(app)
    with tenant(app.engine, merchant) as conn:
        [waiting] = [row for row in messages.messages(conn, run_id) if row["state"] == "planned"]
    assert waiting["not_before"] == "2027-02-24T13:00:00+00:00"
    assert waiting["reason"] == "quiet_hours: it is night there; waits until 2027-02-24 13:00 UTC"
    morning = replace(app, now=lambda: NOW + timedelta(hours=11))
    assert runs.advance(morning, world, merchant, run_id) == "done"
    assert "c1@example.com" in outbox(app)


def test_the_frequency_cap_holds_across_campaigns_and_defers(app: Services, merchant: int, world: Outside) -> None:
    cap = {"frequency_cap": {"messages": 1, "days": 3}, "quiet_hours": None}
    runs.advance(app, world, merchant, started(app, merchant, holiday(guards=cap)))
    second = holiday(key="second", trigger={"kind": "once"}, offer=None, guards=cap, message=PLAIN)
    run_id = started(app, merchant, second)
    assert runs.advance(app, world, merchant, run_id) == "sending"
    with tenant(app.engine, merchant) as conn:
        rows = messages.messages(conn, run_id)
    assert {row["state"] for row in rows} == {"planned"}
    assert {row["not_before"] for row in rows} == {"2027-02-27T02:00:00+00:00"}
    later = replace(app, now=lambda: NOW + timedelta(days=3, seconds=1))
    assert runs.advance(later, world, merchant, run_id) == "done"
    assert outcome(app, merchant, run_id)["messages"] == {"accepted": 8}


PLAIN = {"en": {"subject": "News", "html": "<p>Hello {{ customer.first_name }}</p>"}}


def test_plain_html_gets_a_way_to_say_no(app: Services, merchant: int, world: Outside) -> None:
    campaign = holiday(key="news", trigger={"kind": "once"}, offer=None, message=PLAIN)
    runs.advance(app, world, merchant, started(app, merchant, campaign))
    body = outbox(app)["c1@example.com"].get_body(("html",))
    assert body is not None
    assert "Hello Siti1" in body.get_content()
    assert "/unsubscribe" in body.get_content()
    assert "Jl. Senja 1, Jakarta" in body.get_content()


def test_a_paused_campaign_sends_nothing_more_until_it_is_active(app: Services, merchant: int, world: Outside) -> None:
    run_id = started(app, merchant, holiday())
    runs.set_state(app, merchant, "eid-al-fitr-thanks", "paused")
    assert runs.advance(app, world, merchant, run_id) == "paused"
    assert not app.settings.outbox.exists()
    with pytest.raises(Refused, match="Activate it first"), tenant(app.engine, merchant) as conn:
        runs.open_now(conn, merchant, "eid-al-fitr-thanks", "test", NOW)
    runs.set_state(app, merchant, "eid-al-fitr-thanks", "active")
    assert runs.advance(app, world, merchant, run_id) == "done"
    assert len(outbox(app)) == 8


def test_the_budget_bounds_what_is_issued(app: Services, merchant: int, world: Outside, shop: Shop) -> None:
    offer = {"kind": "fixed", "value": "25000", "minimum": "100000", "budget": "100000"}
    run_id = started(app, merchant, holiday(offer=offer, message=PLAIN))
    assert runs.advance(app, world, merchant, run_id) == "done"
    assert len(shop.codes) == len(outbox(app)) == 4
    with tenant(app.engine, merchant) as conn:
        assert conn.execute(text("SELECT limit_minor, issued_minor FROM offer_budget")).one() == (10000000, 10000000)
        reasons = {row["reason"] for row in messages.messages(conn, run_id) if row["state"] == "skipped"}
    assert reasons == {"no_code: budget: the campaign's budget was used up before this code"}


def test_an_offer_that_eats_the_margin_is_refused(app: Services, merchant: int) -> None:
    with tenant(app.engine, merchant) as conn:
        conn.execute(
            text(
                "INSERT INTO product (merchant_id, store_id, external_id, title, price_minor, unit_cost_minor, "
                "currency) SELECT :m, id, 'p', 'Tea', 10000000, 9200000, 'IDR' FROM store"
            ),
            {"m": merchant},
        )
    with pytest.raises(Refused, match="You give away 10 % of an order but earn 8 %"):
        started(app, merchant, holiday())
    with pytest.raises(Refused, match="Say why in margin_reason"):
        started(app, merchant, holiday(guards={"margin_floor": None}))
    why = "We clear the old harvest."
    assert started(app, merchant, holiday(guards={"margin_floor": None, "margin_reason": why})) > 0
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT detail ->> 'margin_reason' FROM audit_log")) == why


def test_preview_and_freeze_agree(app: Services, merchant: int, world: Outside) -> None:
    campaign = holiday(measure={"holdout": "0.3"})
    run_id = started(app, merchant, campaign)
    with tenant(app.engine, merchant) as conn:
        seen = audience.preview_audience(
            conn, merchant_id=merchant, campaign=campaign, campaign_id=campaigns.need(conn, campaign.key).id, now=NOW
        )
        audience.freeze(conn, campaigns.run(conn, run_id), NOW)
        frozen = audience.tally(conn, run_id)
    assert {key: seen[key] for key in ("audience", "treated", "holdout", "excluded")} == {
        key: frozen[key] for key in ("audience", "treated", "holdout", "excluded")
    }
    assert seen["sample"][0]["name"].startswith("Siti")


def test_a_rule_narrows_the_audience(app: Services, merchant: int) -> None:
    rule = {"kind": "cmp", "fact": "orders", "op": ">=", "value": 2}
    campaign = holiday(audience={"rungs": "all", "rule": rule})
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE customer_facts SET orders = 2 WHERE customer_id IN (3, 9)"))
        seen = audience.preview_audience(conn, merchant_id=merchant, campaign=campaign, campaign_id=1, now=NOW)
    assert (seen["treated"], seen["excluded"]) == (1, {"unsubscribed": 1})


def test_two_runs_side_by_side_do_not_exceed_the_budget_together(
    app: Services, merchant: int, world: Outside, shop: Shop
) -> None:
    offer = {"kind": "fixed", "value": "25000", "budget": "250000"}
    first = started(app, merchant, holiday(offer=offer, message=PLAIN))
    with tenant(app.engine, merchant) as conn:
        saved = campaigns.need(conn, "eid-al-fitr-thanks")
        second, _ = campaigns.open_run(
            conn, merchant_id=merchant, saved=saved, occasion="another", due_at=NOW, by="test"
        )
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda run_id: runs.advance(app, world, merchant, run_id), (first, second)))
    assert len(shop.codes) == 10
    with tenant(app.engine, merchant) as conn:
        assert conn.scalar(text("SELECT issued_minor FROM offer_budget")) == 25000000
