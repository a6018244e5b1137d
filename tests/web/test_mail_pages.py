"""Pages about mails: every one with its reason, as a file too, and the sender's health."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from connectors.mail_types import DnsRecord, DomainVouch
from plugin_server.db.campaigning import campaigns
from plugin_server.db.sending import sender, vouching
from plugin_server.db.session import tenant
from plugin_server.jobs.sending.compose import letterhead
from plugin_server.wiring import Services
from tests.web.conftest import Visitor

RUN = (
    "INSERT INTO campaign (merchant_id, key, name) VALUES (:m, 'eid', 'Eid')",
    """INSERT INTO campaign_version (merchant_id, campaign_id, version, created_by, definition)
       SELECT :m, id, 1, 'x', '{"key": "eid", "trigger": {"kind": "once"},
           "message": {"en": {"subject": "s", "html": "<p>x</p>"}}}' FROM campaign""",
    """INSERT INTO campaign_run (merchant_id, campaign_id, version, occasion, due_at, state)
       SELECT :m, id, 1, 'once', CAST(:now AS timestamptz), 'sending' FROM campaign""",
    """INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, reason, claimed_at, accepted_at)
       SELECT :m, (SELECT max(id) FROM campaign_run), n,
           CASE n WHEN 1 THEN '=cmd@evil.example' ELSE 'c' || n || '@example.com' END, 'en',
           (ARRAY['delivered', 'bounced', 'in_doubt'])[1 + n % 3],
           CASE n % 3 WHEN 1 THEN '550 no such user' ELSE '' END,
           CAST(:now AS timestamptz), CASE WHEN n % 3 < 2 THEN CAST(:now AS timestamptz) END
       FROM generate_series(1, 130) n""",
)  # fmt: skip


@pytest.fixture
def run(app: Services, merchant: int) -> int:
    """A run with 130 mails."""
    with tenant(app.engine, merchant) as connection:
        for statement in RUN:
            connection.execute(text(statement), {"m": merchant, "now": app.now()})
        found: int = connection.scalar(text("SELECT max(id) FROM campaign_run"))
        return found


def test_every_mail_is_shown_and_exported_with_its_reason(logged_in: Callable[[str], Visitor], run: int) -> None:
    who = logged_in("marketer")
    first = who.get(f"/runs/{run}/mails").get_data(as_text=True)
    assert first.count("@") >= 100
    assert "550 no such user" in first
    assert who.get(f"/runs/{run}/mails?state=nonsense").status_code == 404
    assert "No mail here" in who.get(f"/runs/{run}/mails?state=failed").get_data(as_text=True)
    rows = list(csv.DictReader(StringIO(who.get(f"/runs/{run}/mails.csv").get_data(as_text=True))))
    assert len(rows) == 130
    assert rows[0]["email"] == "'=cmd@evil.example"
    assert {row["reason"] for row in rows if row["state"] == "bounced"} == {"550 no such user"}
    assert who.get(f"/runs/{run + 1}/mails.csv").status_code == 404


def test_a_marketer_ends_doubts_and_a_viewer_may_not(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], run: int
) -> None:
    viewer = logged_in("viewer")
    assert viewer.post(f"/runs/{run}/doubts", {"to": "give_up"}).status_code == 403
    who = logged_in("marketer")
    assert who.post(f"/runs/{run}/doubts", {"to": "perhaps"}).status_code == 400
    who.post(f"/runs/{run}/doubts", {"to": "give_up"})
    with tenant(app.engine, merchant) as connection:
        states = dict(connection.execute(text("SELECT state, count(*) FROM message GROUP BY 1")).all())
    assert "in_doubt" not in states
    assert states["failed"] == 43


def test_the_senders_health_and_its_pace(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor], run: int
) -> None:
    who = logged_in("owner")
    shown = who.get("/mail/health").get_data(as_text=True)
    assert "Above a limit" in shown
    assert "Into a folder: nobody receives them." in shown
    assert "SENDGRID_WEBHOOK_PUBLIC_KEYS" not in shown
    assert "example.com" in shown
    bad = who.post("/mail/health/pace", {"per_minute": "0", "warm_up_from": "soon", "first_day": "1e9"})
    assert bad.status_code == 422
    assert bad.get_data(as_text=True).count('aria-invalid="true"') == 3
    with tenant(app.engine, merchant) as connection:
        assert sender.pace(connection).free
    who.post("/mail/health/pace", {"per_minute": "600", "warm_up_from": "2026-12-01", "first_day": "100"})
    with tenant(app.engine, merchant) as connection:
        pace = sender.pace(connection)
    assert (pace.per_minute, str(pace.warm_up_from), pace.first_day) == (600, "2026-12-01", 100)


def test_how_it_is_sent_is_a_version_of_the_campaign(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    with tenant(app.engine, merchant) as connection:
        campaigns.save(connection, merchant_id=merchant, campaign=parse(holiday_discount().document), by="t")
    key, who = holiday_discount().campaign.key, logged_in("marketer")
    answer = who.get(f"/campaigns/{key}/sending")
    page = answer.get_data(as_text=True)
    assert 'name="fenced"' in page
    assert "cannot hold requests" in page
    form = {"fenced": "1", "in_doubt": "resend", "priority": "7"}
    assert who.post(f"/campaigns/{key}/sending", form).status_code == 302
    assert who.post(f"/campaigns/{key}/sending", form | {"priority": "11"}).status_code == 400
    with tenant(app.engine, merchant) as connection:
        saved = campaigns.need(connection, key)
    guards = saved.campaign.guards
    assert (saved.version, guards.fenced, guards.in_doubt, guards.priority) == (2, True, "resend", 7)
    assert guards.quiet_hours is not None
    assert logged_in("viewer").get(f"/campaigns/{key}/sending").status_code == 403


def test_a_domain_is_vouched_for_from_the_page(
    app: Services, merchant: int, serve: Callable[[Services], Flask], person: Callable[..., int]
) -> None:
    sends = app.settings.model_copy(update={"mail_backend": "sendgrid", "sendgrid_api_key": "SG.x"})
    made = replace(app, settings=sends)
    owner, viewer = Visitor(serve(made).test_client()), Visitor(serve(made).test_client())
    owner.log_in(made, merchant, person("owner"))
    viewer.log_in(made, merchant, person("viewer"))
    shown = owner.get("/mail/health").get_data(as_text=True)
    assert "Get the entries" in shown
    assert "Through SendGrid." in shown
    assert "Reports of bounces and complaints are refused" in shown
    assert f'data-copy="{app.settings.public_url}/webhooks/sendgrid/{merchant}"' in shown
    assert "Get the entries" not in viewer.get("/mail/health").get_data(as_text=True)
    assert viewer.post("/mail/health/vouching").status_code == 403
    assert owner.post("/mail/health/vouching").status_code == 302
    part = owner.get("/mail/health/vouching", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "Asking the provider" in part
    with tenant(app.engine, merchant) as connection:
        record = DnsRecord("CNAME", "em1.example.com", "u1.wl.sendgrid.net", False, "<b>not there</b>")
        vouching.told(connection, DomainVouch("7", "example.com", False, (record,)), app.now() + timedelta(seconds=1))
    page = owner.get("/mail/health").get_data(as_text=True)
    assert all(word in page for word in ("em1.example.com", "u1.wl.sendgrid.net", "&lt;b&gt;not there", "Check now"))
    with tenant(app.engine, merchant) as connection:
        vouching.told(connection, DomainVouch("7", "example.com", True, (replace(record, valid=True),)), app.now())
        connection.execute(text("UPDATE merchant SET from_email = 'toko@gmail.com'"))
    assert "gmail.com is a public mail service" in owner.get("/mail/health").get_data(as_text=True)
    assert owner.post("/mail/health/vouching").status_code == 302
    with tenant(app.engine, merchant) as connection:
        assert vouching.of(connection) == vouching.NOTHING


def test_an_owner_says_where_replies_come_in(app: Services, merchant: int, logged_in: Callable[[str], Visitor]) -> None:
    owner = logged_in("owner")
    assert f"/webhooks/sendgrid/{merchant}/inbound" in owner.get("/mail/health").get_data(as_text=True)
    bad = owner.post("/mail/health/replies", {"reply_domain": "no domain"})
    assert (bad.status_code, "That is no domain" in bad.get_data(as_text=True)) == (422, True)
    taken = (("Reply.Toko.Example ", "reply.toko.example"), ("bücher.example", "xn--bcher-kva.example"), ("", ""))
    for given, kept in taken:
        assert owner.post("/mail/health/replies", {"reply_domain": given}).status_code == 302
        with tenant(app.engine, merchant) as connection:
            assert sender.replies(connection).domain == kept
    assert logged_in("marketer").post("/mail/health/replies", {"reply_domain": ""}).status_code == 403
    with tenant(app.engine, merchant) as connection:
        sender.save_reply_domain(connection, "reply.toko.example")
        sender.save_replies_seen(connection, "reply.toko.example", False, app.now())
    page = owner.get("/mail/health").get_data(as_text=True)
    assert "Replies to reply.toko.example would be lost" in page
    assert "10 mx.sendgrid.net" in page


def test_an_owner_says_whether_mails_are_followed(
    app: Services, merchant: int, logged_in: Callable[[str], Visitor]
) -> None:
    owner = logged_in("owner")
    assert 'name="tracked" value="1" checked' in owner.get("/mail/health").get_data(as_text=True)
    for form, wish in (({}, False), ({"tracked": "1"}, True)):
        assert owner.post("/mail/health/tracking", form).status_code == 302
        with tenant(app.engine, merchant) as connection:
            assert sender.tracked(connection) is letterhead(connection).tracked is wish
    assert logged_in("marketer").post("/mail/health/tracking", {}).status_code == 403
