"""A business's own mail account: asked of the provider before it is kept, sealed, used at once, and never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from connectors.mail_types import Mail, Recipient
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import audit_log, merchants
from plugin_server.db.sending import mail_account
from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid
from tests.web.conftest import Visitor

KEY = "SG.abcdefghijklmnop.qrstuvwxyz-0123"
EVENTS = b'[{"event":"delivered","email":"a@example.com","timestamp":1}]\r\n'


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        fake.api_key = KEY
        yield fake


@pytest.fixture
def made(app: Services, provider: FakeSendGrid) -> Services:
    """Services whose provider answers on this machine; nothing says how mails leave."""
    return replace(app, settings=app.settings.model_copy(update={"sendgrid_host": provider.url}))


@pytest.fixture
def owner(made: Services, merchant: int, serve: Callable[[Services], Flask], person: Callable[..., int]) -> Visitor:
    visitor = Visitor(serve(made).test_client())
    visitor.log_in(made, merchant, person("owner"))
    return visitor


def given(**other: str) -> dict[str, str]:
    return {"api_key": KEY, "region": "global", "public_key": "", **other}


def letter(to: str) -> Mail:
    who = Recipient("1", to)
    return Mail("a", "shop@example.com", "Shop", None, "Hello", "<p>Hello</p>", "Hello", (who,), category="test")


def test_a_key_that_the_provider_refuses_is_not_kept(
    made: Services, merchant: int, owner: Visitor, provider: FakeSendGrid
) -> None:
    def refused(said: str, **form: str) -> None:
        answer = owner.post("/mail/account", given(**form))
        assert (answer.status_code, said in answer.get_data(as_text=True)) == (422, True), said
        assert KEY not in answer.get_data(as_text=True)

    refused("no API key of SendGrid", api_key="hunter2")
    refused("no API key of SendGrid", api_key="")
    refused("does not know this API key", api_key=KEY + "x")
    refused("no verification key", public_key="bm90IGEga2V5")
    for fault, said in (
        ("403", "knows this API key and refuses it"),
        ("503", "answered 503"),
        ("drop", "did not answer"),
    ):
        provider.doors_fault = fault
        refused(said)
    provider.doors_fault = None
    provider.scopes = ["alerts.read"]
    refused("may not send mail")
    with tenant(made.engine, merchant) as conn:
        conn.execute(text("UPDATE user_account SET locale = 'nl'"))
    refused("mag geen mail weg")
    assert owner.post("/mail/account", given(region="moon")).status_code == 400
    with tenant(made.engine, merchant) as conn:
        assert mail_account.of(conn) is None
        assert all(entry.action != "mail_account_set" for entry in audit_log.recent(conn))
    assert wiring.mail_way(made, merchant).backend == "folder"


def test_a_good_key_is_sealed_and_holds_for_the_next_mail(
    made: Services, merchant: int, owner: Visitor, provider: FakeSendGrid
) -> None:
    other = merchants.add(made.engine, name="B", email="b@example.com", timezone="UTC", currency="EUR", locale="nl")
    door, draft = owner.client, holiday_discount().campaign.key
    with tenant(made.engine, merchant) as conn:
        campaigns.save(conn, merchant_id=merchant, campaign=holiday_discount().campaign, by="t")
    assert "nobody receives them" in owner.get(f"/campaigns/{draft}").get_data(as_text=True)
    before = wiring.mail_backend(made, merchant)
    assert door.post(f"/webhooks/sendgrid/{merchant}", data=EVENTS, headers=provider.sign(EVENTS)).status_code == 404
    assert owner.post("/mail/account", given(api_key=f" {KEY}\n", public_key=provider.public_key)).status_code == 302
    assert wiring.mail_backend(made, merchant) is not before
    wiring.mail_backend(made, merchant).send(letter("siti@example.com"))
    wiring.mail_backend(made, other).send(letter("budi@example.com"))
    assert [mail.email for mail in provider.accepted] == ["siti@example.com"]
    assert door.post(f"/webhooks/sendgrid/{merchant}", data=EVENTS, headers=provider.sign(EVENTS)).status_code == 200
    assert door.post(f"/webhooks/sendgrid/{other}", data=EVENTS, headers=provider.sign(EVENTS)).status_code == 404
    shown = owner.get("/mail/account").get_data(as_text=True) + owner.get("/mail/health").get_data(as_text=True)
    assert "ends in 0123" in shown
    assert "by an account of your own" in shown
    assert "nobody receives them" not in owner.get(f"/campaigns/{draft}").get_data(as_text=True)
    with tenant(made.engine, merchant) as conn:
        kept = mail_account.of(conn)
        logged = audit_log.recent(conn)[0]
        assert mail_account.leave(conn, made.settings)
    assert kept is not None
    assert (logged.action, logged.detail) == ("mail_account_set", {"region": "global", "ends": "0123"})
    for told in (shown, str(dict(kept._mapping)), str(logged), repr(wiring.mail_way(made, merchant))):
        assert KEY[:-4] not in told
    # The key stays where none is typed; what is refused later leaves it as it was.
    assert owner.post("/mail/account", given(api_key="")).status_code == 302
    assert owner.post("/mail/account", given(api_key="SG.another-one")).status_code == 422
    assert wiring.mail_way(made, merchant).api_key == KEY
    assert owner.post("/mail/account/remove").status_code == 302
    assert owner.post("/mail/account/remove").status_code == 404
    assert wiring.mail_way(made, merchant).backend == "folder"


def test_the_environment_goes_first_and_the_page_says_so(
    made: Services, merchant: int, owner: Visitor, serve: Callable[[Services], Flask], person: Callable[..., int]
) -> None:
    owner.post("/mail/account", given())
    fixed = replace(made, settings=made.settings.model_copy(update={"mail_backend": "folder"}))
    assert wiring.mail_way(fixed, merchant).backend == "folder"
    visitor = Visitor(serve(fixed).test_client())
    visitor.log_in(fixed, merchant, person("owner", "second@example.com"))
    page = visitor.get("/mail/account").get_data(as_text=True)
    assert "MAIL_BACKEND=folder" in page
    assert "It is not used." in page
    assert 'name="api_key"' not in page
    assert visitor.post("/mail/account", given()).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_owners_alone_may_change_it(logged_in: Callable[[str], Visitor], role: str) -> None:
    visitor = logged_in(role)
    assert visitor.post("/mail/account", given()).status_code == 403
    assert visitor.post("/mail/account/remove").status_code == 403
    assert 'href="/mail/account"' not in visitor.get("/mail/health").get_data(as_text=True)
