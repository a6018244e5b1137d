"""An account at a mail server (SMTP). For owners: tried out before it is kept, its password sealed and never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import ConnectorError
from connectors.smtp.server import PORTS, Server, host_name
from plugin_server import mail_access, wiring
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import mail_account, sender
from plugin_server.db.session import tenant
from plugin_server.locales.sentences import said
from plugin_server.web.context import services, words
from plugin_server.web.guards import requires
from plugin_server.web.settings.mail_account import account_page, keep, way

pages = Blueprint("mail_server", __name__)
PLACES: Final = {
    "host": "host", "dns": "host", "forbidden_host": "host", "port": "port", "slow": "port", "tls": "tls",
    "password": "password",
}  # fmt: skip
"""Which field a failure stands beside, by its code; all others stand above the form."""
MOST_PORT, LONGEST_USER, LONGEST_PASSWORD = 65535, 250, 1000


@pages.get("/mail/account/server")
@requires("owner")
def show(who: Person) -> ResponseReturnValue:
    """The form with what is known of the account, all but its password."""
    return _page(who, {})


@pages.post("/mail/account/server")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep an account that the server lets log in and write from our sender; it holds for the next mail."""
    made = services()
    if made.settings.mail_fixed:
        abort(404)
    faults: dict[str, str] = {}
    server = _read(who, faults)
    if server is None:
        return _page(who, faults), 422
    try:
        with tenant(made.engine, who.merchant_id) as conn:
            address = sender.address(conn)
        wiring.check_mail_server(server, address)
    except ConnectorError as error:
        place = PLACES.get(error.code, error.code if error.code == "sender" else "all")
        return _page(who, {place: said(error.sentence, words().language)}), 422
    shown = mail_account.Shown(host=server.host, port=server.port, tls=server.tls, user_name=server.user)
    keep(who, shown, password=server.password)
    flash(words()("mail_server.saved", host=server.host), "good")
    return redirect(url_for("mail_server.show"))


def _read(who: Person, faults: dict[str, str]) -> Server | None:
    """The server of the form; None with what is wrong, by field."""
    form = request.form
    tls, user, password = form.get("tls", ""), form.get("user", "").strip(), form.get("password", "")
    if tls not in _ways():
        abort(400)
    host = _host(faults)
    port = _port(form.get("port", "").strip(), tls, faults)
    if len(user) > LONGEST_USER or not user.isprintable():
        faults["user"] = words()("mail_server.too_long")
    if len(password) > LONGEST_PASSWORD or "\0" in password:
        faults["password"] = words()("mail_server.too_long")
    if not user:
        password = ""
    elif not password:
        password = _kept(who, host, user, faults)
    if faults:
        return None
    return mail_access.entered(services().settings, host, port, user, password, tls)


def _ways() -> list[str]:
    """The ways to encrypt that may be chosen; an open line for developers alone."""
    return ["starttls", "tls", *(["none"] if services().settings.allow_private_hosts else [])]


def _host(faults: dict[str, str]) -> str:
    try:
        return host_name(request.form.get("host", ""))
    except ConnectorError as error:
        faults["host"] = said(error.sentence, words().language)
        return ""


def _port(given: str, tls: str, faults: dict[str, str]) -> int:
    if not given:
        return PORTS[tls]
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= 5 else 0
    if not 1 <= number <= MOST_PORT:
        faults["port"] = words()("mail_server.bad_port")
    return number


def _kept(who: Person, host: str, user: str, faults: dict[str, str]) -> str:
    """The password that is kept, for the very host and user it was entered for: it goes to no other."""
    known = way(who)
    if known and known.own and known.server and (known.server.host, known.server.user) == (host, user):
        return known.server.password
    faults["password"] = words()("mail_server.no_password")
    return ""


def _page(who: Person, faults: Mapping[str, str]) -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        known = mail_account.of(conn)
    there: Any = known if known and known.host else None
    filled = {
        "host": request.form.get("host", there.host if there else ""),
        "port": request.form.get("port", there.port if there else ""),
        "tls": request.form.get("tls", there.tls if there else "starttls"),
        "user": request.form.get("user", there.user_name if there else ""),
    }
    named = [(one, words()(f"mail_server.way_{one}")) for one in _ways()]
    return account_page(who, "mail_server.html", given=filled, ways_open=named, there=there, faults=faults)
