"""The sender's domain: entries from the provider, what the name servers say, and a test of a mail to oneself."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.mail.liquid import TemplateError
from campaigns.schema import parse
from connectors.errors import ConnectorError
from connectors.mail_types import DnsRecord
from connectors.sendgrid.domains import SendGridDomains
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import merchants
from plugin_server.db.sending import sender, vouching
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import trial as trial_mail
from plugin_server.jobs.sending import domains
from plugin_server.jobs.sending.lint import look_through
from plugin_server.wiring import Services
from tests.campaigns.test_run import holiday
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        yield fake


def test_a_domain_is_begun_once_and_checked_until_all_entries_are_there(
    app: Services, merchant: int, provider: FakeSendGrid
) -> None:
    at_provider = SendGridDomains(provider.api_key, provider.url)
    with tenant(app.engine, merchant) as conn:
        vouching.ask(conn, app.now())
        assert vouching.of(conn).asking
    assert not domains.vouch(app, at_provider, merchant)
    assert at_provider.begin("toko.example").external_id == "302183"
    assert len(provider.domains.known) == 1
    with tenant(app.engine, merchant) as conn:
        known = vouching.of(conn)
    assert known.vouch
    assert not known.asking
    assert known.vouch.records == (
        DnsRecord("CNAME", "em1.toko.example", "u1446226.wl.sendgrid.net"),
        DnsRecord("CNAME", "s1._domainkey.toko.example", "s1.domainkey.u1446226.wl.sendgrid.net"),
        DnsRecord("CNAME", "s2._domainkey.toko.example", "s2.domainkey.u1446226.wl.sendgrid.net"),
    )
    provider.domains.entered = {"em1.toko.example", "s1._domainkey.toko.example"}
    assert not domains.vouch(app, at_provider, merchant)
    with tenant(app.engine, merchant) as conn:
        found = vouching.of(conn).vouch
    assert found
    assert [record.valid for record in found.records] == [True, True, False]
    assert "s2._domainkey" in found.records[2].reason
    provider.domains.entered.add("s2._domainkey.toko.example")
    assert domains.vouch(app, at_provider, merchant)
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET from_email = 'halo@other.example'"))
        assert vouching.of(conn) == vouching.NOTHING


def another(app: Services, email: str) -> int:
    """A second business in the same house."""
    return merchants.add(
        app.engine, name="Toko Lain", email=email, timezone="Asia/Jakarta", currency="IDR", locale="id"
    )


def test_a_domain_belongs_to_whoever_proved_it(app: Services, merchant: int, provider: FakeSendGrid) -> None:
    """Two businesses name one domain: each gets an entry of its own, and who has entered theirs keeps the other out."""
    at_provider = SendGridDomains(provider.api_key, provider.url)
    other = another(app, "owner@toko.example")
    url = app.settings.public_url
    for one in (merchant, other):
        assert not domains.vouch(app, at_provider, one)
    hosts = {record["dns"]["mail_cname"]["host"] for record in provider.domains.known.values()}
    assert hosts == {f"tg{merchant}.toko.example", f"tg{other}.toko.example"}
    provider.domains.entered = {
        f"tg{merchant}.toko.example",
        "s1._domainkey.toko.example",
        "s2._domainkey.toko.example",
    }
    assert not domains.vouch(app, at_provider, other)
    with tenant(app.engine, other) as conn:
        assert sender.refused(conn, "toko.example", url) is None
    assert domains.vouch(app, at_provider, merchant)
    assert not domains.vouch(app, at_provider, other)
    with tenant(app.engine, other) as conn:
        assert "proven by another business" in vouching.of(conn).fault
        found = look_through(conn, app.settings, holiday(), app.now())
        assert "sender_taken" in {one.reason.key for one in found if one.blocking}
        assert sender.refused(conn, "post.toko.example", url) is None
    with tenant(app.engine, merchant) as conn:
        assert sender.refused(conn, "toko.example", url) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [("gmail.com", "sender_free"), ("app.tangga.example", "sender_ours"), ("x.app.tangga.example", "sender_ours"),
     ("tangga.example", None), ("toko.example", None)],
)  # fmt: skip
def test_what_is_nobodys_or_ours_is_refused(app: Services, merchant: int, name: str, key: str | None) -> None:
    another(app, "owner@lain.example")
    with tenant(app.engine, merchant) as conn:
        found = sender.refused(conn, name, "https://app.tangga.example")
    assert (found.key if found else None) == key


def test_what_the_provider_refuses_is_said_and_nothing_is_lost(
    app: Services, merchant: int, provider: FakeSendGrid
) -> None:
    at_provider = SendGridDomains(provider.api_key, provider.url)
    domains.vouch(app, at_provider, merchant)
    for fault, said in (("403", "may not authenticate domains"), ("503", "answered 503"), ("drop", "did not answer")):
        provider.doors_fault = fault
        assert not domains.vouch(app, at_provider, merchant)
        with tenant(app.engine, merchant) as conn:
            known = vouching.of(conn)
        assert known.vouch
        assert said in known.fault
    provider.doors_fault = None
    with pytest.raises(ConnectorError, match="domain is invalid"):
        at_provider.begin("localhost")


def test_what_the_name_servers_say_is_kept(app: Services, merchant: int) -> None:
    # Names under .invalid never exist (RFC 6761); with no name server to ask, nothing is known.
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE merchant SET from_email = 'halo@toko.invalid'"))
        assert sender.domain_found(conn) is None
    domains.look_up(app, merchant)
    with tenant(app.engine, merchant) as conn:
        found = sender.domain_found(conn)
        assert found
        assert found[1] == app.now()
        assert not found[0].good
        conn.execute(text("UPDATE merchant SET from_email = 'halo@toko.example'"))
        assert sender.domain_found(conn) is None


def test_look_ups_are_woken_only_where_mail_leaves(app: Services, merchant: int) -> None:
    app.redis.flushdb()
    domains.look_up_all(app)
    assert app.redis.keys("wake:look_up_domain:*") == []
    domains.look_up_all(replace(app, settings=app.settings.model_copy(update={"mail_backend": "smtp"})))
    assert app.redis.keys("wake:look_up_domain:*") == [f"wake:look_up_domain:{merchant}".encode()]
    app.redis.flushdb()


def test_a_test_goes_to_whoever_asks_in_each_language_every_time(app: Services, merchant: int) -> None:
    wording = {"subject": "Hi {{ customer.first_name }}", "html": "<p>{{ offer.code }} {{ links.unsubscribe }}</p>"}
    with tenant(app.engine, merchant) as conn:
        user = conn.scalar(text("SELECT id FROM user_account"))
        campaign = holiday(message={"en": wording, "nl": wording | {"subject": "Dag"}})
        campaigns.save(conn, merchant_id=merchant, campaign=campaign, by="test")
    assert [trial_mail.send(app, merchant, user, campaign.key) for _ in range(2)] == [2, 2]
    found = [email.message_from_bytes(path.read_bytes(), policy=policy.default)
             for path in Path(app.settings.outbox).rglob("*.eml")]  # fmt: skip
    assert sorted(str(mail["Subject"]) for mail in found) == ["[EN] Hi Siti"] * 2 + ["[NL] Dag"] * 2
    assert {str(mail["To"]).rpartition("<")[2].strip(">") for mail in found} == {"owner@toko.example"}
    assert all("SAMPLE-0000" in mail.as_string() for mail in found)
    assert trial_mail.send(app, merchant, user, "no-such") == 0
    assert trial_mail.send(app, merchant, user + 99, campaign.key) == 0


def test_a_test_that_cannot_be_rendered_sends_nothing(app: Services, merchant: int) -> None:
    wording = {"subject": "Hi", "html": "<p>{{ customer.first_name | date: 1, 2, 3 }}</p>"}
    with tenant(app.engine, merchant) as conn:
        user = conn.scalar(text("SELECT id FROM user_account"))
        document = holiday().model_dump(mode="json", by_alias=True) | {"message": {"en": wording}}
        campaigns.save(conn, merchant_id=merchant, campaign=parse(document), by="test")
    with pytest.raises(TemplateError):
        trial_mail.send(app, merchant, user, document["key"])
    assert not list(Path(app.settings.outbox).rglob("*.eml"))
