"""A business's own account at a mail server: tried out before it is kept, sealed, used at once, and never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from connectors.mail_types import SendOutcome
from connectors.smtp.client import SmtpBackend
from plugin_server import wiring
from plugin_server.db.merchant import audit_log
from plugin_server.db.sending import mail_account
from plugin_server.db.session import owner_engine, tenant
from plugin_server.wiring import Services
from tests.fakes.certificates import certificate
from tests.fakes.smtp import FakeSmtp, fake_smtp
from tests.web.conftest import Visitor
from tests.web.test_mail_account import letter

PASSWORD = "gehëim-0123"
AT = "/mail/account/server"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSmtp]:
    """A mail server of this machine, with a certificate that we trust."""
    path, context = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with fake_smtp() as fake:
        fake.certificate = context
        yield fake
        for kept in wiring._mail.values():  # Lines are kept as long as the process, which outlives the server here.
            if isinstance(kept, SmtpBackend):
                kept.close()


@pytest.fixture
def owner(app: Services, merchant: int, serve: Callable[[Services], Flask], person: Callable[..., int]) -> Visitor:
    visitor = Visitor(serve(app).test_client())
    visitor.log_in(app, merchant, person("owner"))
    return visitor


def given(server: FakeSmtp, **other: str) -> dict[str, str]:
    usual = {"host": "127.0.0.1", "port": str(server.port), "tls": "starttls", "user": "ani", "password": PASSWORD}
    return usual | other


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(
    app: Services, merchant: int, owner: Visitor, server: FakeSmtp
) -> None:
    def refused(place: str, said: str, **form: str) -> None:
        answer = owner.post(AT, given(server, **form))
        page = answer.get_data(as_text=True)
        assert (answer.status_code, said in page, PASSWORD in page) == (422, True, False), said
        beside = f'id="h-{place}">' if place else 'role="alert">'
        assert said in page.partition(beside)[2].partition("</p>")[0], (place, said)

    refused("host", "no name of a mail server", host="https://mail.example")
    refused("host", "There is no computer called", host="mail.nowhere.invalid")
    refused("port", "A port is a number", port="70000")
    refused("port", "Nothing takes mail at 127.0.0.1", port="1")
    refused("user", "too long", user="a\tb")
    refused("password", "Enter the password", password="")
    refused("tls", "does not speak TLS from the start", tls="tls")
    server.answers["AUTH"] = ["535 5.7.8 no"]
    refused("password", "refuses the user name or password (535 5.7.8 no)")
    server.answers["MAIL"] = ["553 5.7.1 not your domain"]
    refused("", "refuses the sender owner@example.com (553 5.7.1 not your domain)")
    server.answers["MAIL"] = ["451 later"]
    refused("", "takes no mail now (451 later)")
    for language, said in (("nl", "weigert de gebruikersnaam"), ("id", "menolak nama pengguna")):
        with tenant(app.engine, merchant) as conn:
            conn.execute(text("UPDATE user_account SET locale = :l"), {"l": language})
        server.answers["AUTH"] = ["535 5.7.8 no"]
        refused("password", said)
    assert owner.post(AT, given(server, tls="offered")).status_code == 400
    assert owner.post("/mail/account/test").status_code == 404
    with tenant(app.engine, merchant) as conn:
        assert mail_account.of(conn) is None
    assert (server.mails, wiring.mail_way(app, merchant).backend) == ([], "folder")


def test_a_good_account_is_sealed_and_holds_for_the_next_mail(
    app: Services, merchant: int, owner: Visitor, server: FakeSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answer = owner.post(AT, given(server, host=" 127.0.0.1 "), follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "127.0.0.1 lets us in" in page
    assert wiring.mail_backend(app, merchant).send(letter("siti@example.com")).outcome is SendOutcome.ACCEPTED
    assert [mail.recipient for mail in server.mails] == ["siti@example.com"]
    health = owner.get("/mail/health").get_data(as_text=True)
    for shown in (page, health):
        assert "bounces come as mails to owner@example.com" in shown
    assert "Through the mail server 127.0.0.1" in health
    assert "/webhooks/sendgrid/" in health  # of replies alone
    assert "let reports be posted to" not in health
    with tenant(app.engine, merchant) as conn:
        kept, logged = mail_account.of(conn), audit_log.recent(conn)[0]
        assert mail_account.leave(conn, app.settings)
    assert (logged.action, logged.detail) == (
        "mail_account_set", {"server": f"127.0.0.1:{server.port}", "user": "ani"},
    )  # fmt: skip
    assert "entered a mail account" in owner.get("/settings/audit").get_data(as_text=True)
    told = (page, health, str(kept), str(logged), repr(wiring.mail_way(app, merchant)), caplog.text)
    assert [one for one in told if PASSWORD in one] == []
    # The password stays where none is typed, but for the host and user it was entered for alone.
    assert owner.post(AT, given(server, password="")).status_code == 302
    assert owner.post(AT, given(server, password="", host="localhost")).status_code == 422
    assert owner.post(AT, given(server, password="", user="budi")).status_code == 422
    known = wiring.mail_way(app, merchant).server
    assert known is not None
    assert (known.host, known.user, known.password) == ("127.0.0.1", "ani", PASSWORD)
    assert owner.post("/mail/account/remove").status_code == 302
    assert wiring.mail_way(app, merchant).backend == "folder"


def test_a_test_mail_says_what_became_of_it(app: Services, merchant: int, owner: Visitor, server: FakeSmtp) -> None:
    owner.post(AT, given(server))

    def told() -> str:
        return owner.post("/mail/account/test", follow_redirects=True).get_data(as_text=True)

    assert "The test mail to a-owner@example.com was taken" in told()
    assert [(mail.sender, mail.recipient) for mail in server.mails] == [("owner@example.com", "a-owner@example.com")]
    assert b"A test mail from Kopi Tangga" in server.mails[0].content
    server.answers["RCPT"] = ["550 5.7.1 relaying denied"]
    assert "did not leave: 550 5.7.1 relaying denied" in told()
    server.answers["."] = ["drop"]
    assert "Nobody knows whether the test mail left" in told()
    server.answers["AUTH"] = ["535 gone"]
    assert "refuses the user name or password (535 gone)" in told()
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("UPDATE user_account SET locale = 'nl'"))
    server.answers["AUTH"] = ["535 gone"]
    assert "De testmail is niet vertrokken: De mailserver weigert de gebruikersnaam" in told()


def test_an_account_that_no_key_opens_is_entered_anew(
    app: Services, merchant: int, owner: Visitor, server: FakeSmtp
) -> None:
    owner.post(AT, given(server))
    engine = owner_engine(str(app.settings.database_url))
    with engine.begin() as conn:
        conn.execute(text("UPDATE mail_account SET sealed = 'x'"))
    engine.dispose()
    assert owner.get(AT).status_code == owner.get("/mail/account").status_code == 200
    assert owner.post(AT, given(server, password="")).status_code == 422
    assert owner.post(AT, given(server)).status_code == 302
    assert wiring.mail_way(app, merchant).backend == "smtp"


def test_in_production_a_stranger_names_public_servers_and_encrypted_lines_alone(
    app: Services, merchant: int, serve: Callable[[Services], Flask], person: Callable[..., int], server: FakeSmtp
) -> None:
    strict = replace(app, settings=app.settings.model_copy(update={"allow_private_hosts": False}))
    owner = Visitor(serve(strict).test_client())
    owner.log_in(strict, merchant, person("owner"))
    page = owner.post(AT, given(server)).get_data(as_text=True)
    assert "127.0.0.1 is on a private network" in page
    assert 'value="none"' not in page
    assert owner.post(AT, given(server, tls="none")).status_code == 400
    assert server.connections == 0
    # What was entered where developers allow it is refused again at the line itself.
    loose = Visitor(serve(app).test_client())
    loose.log_in(app, merchant, person("owner", "second@example.com"))
    assert loose.post(AT, given(server)).status_code == 302
    result = wiring.mail_backend(strict, merchant).send(letter("siti@example.com"))
    assert (result.outcome, result.stop, server.mails) == (SendOutcome.NOT_SENT, True, [])


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_owners_alone_may_change_it(logged_in: Callable[[str], Visitor], server: FakeSmtp, role: str) -> None:
    visitor = logged_in(role)
    for path in (AT, "/mail/account/test"):
        assert visitor.post(path, given(server)).status_code == 403
    assert visitor.get(AT).status_code == 403


def test_the_environment_goes_first(
    app: Services, merchant: int, serve: Callable[[Services], Flask], person: Callable[..., int], server: FakeSmtp
) -> None:
    by_url = {"mail_backend": "smtp", "smtp_url": f"smtp://ani:x@127.0.0.1:{server.port}"}
    fixed = replace(app, settings=app.settings.model_copy(update=by_url))
    owner = Visitor(serve(fixed).test_client())
    owner.log_in(fixed, merchant, person("owner"))
    page = owner.get(AT).get_data(as_text=True)
    assert "MAIL_BACKEND=smtp" in page
    assert 'name="host"' not in page
    assert owner.post(AT, given(server)).status_code == 404
    assert "was taken" in owner.post("/mail/account/test", follow_redirects=True).get_data(as_text=True)
    for path in ("/mail/health", AT):
        assert "A mail server tells of a refusal at once" in owner.get(path).get_data(as_text=True)
