"""The account by which a business's mails leave. For owners: checked with the provider, sealed, and never shown."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import ConnectorError
from plugin_server import mail_access, wiring
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import mail_account
from plugin_server.db.session import tenant
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending.domains import look_up_domain
from plugin_server.locales.sentences import said
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("mail_account", __name__)
REGIONS = ("global", "eu")


@pages.get("/mail/account")
@requires("owner")
def show(who: Person) -> ResponseReturnValue:
    """The form, and whose key there is. Where the environment says how mails leave, only that."""
    return _page(who, {})


@pages.post("/mail/account")
@requires("owner")
def save(who: Person) -> ResponseReturnValue:
    """Keep a key that the provider knows and lets send; all processes use it for the next mail. Empty: as before."""
    made = services()
    if made.settings.mail_fixed:
        abort(404)
    region = request.form.get("region", "")
    if region not in REGIONS:
        abort(400)
    api_key = _typed("api_key") or _known(who)
    public_key = _typed("public_key")
    try:
        wiring.check_mail_key(made, api_key, public_key, region)
    except ConnectorError as error:
        place = "public_key" if error.code == "wrong_public_key" else "api_key"
        return _page(who, {place: said(error.sentence, words().language)}), 422
    with tenant(made.engine, who.merchant_id) as conn:
        kept = mail_access.sealed(made.settings.keys, api_key, public_key)
        mail_account.save(
            conn, who.merchant_id, region=region, ends=api_key[-4:], sealed=kept, signed=bool(public_key),
            by=who.email, now=made.now(),
        )  # fmt: skip
    wake(made.redis, look_up_domain, who.merchant_id, on="urgent", hold=5)
    flash(words()("mail_account.saved"), "good")
    return redirect(url_for("sender.show"))


@pages.post("/mail/account/remove")
@requires("owner")
def remove(who: Person) -> ResponseReturnValue:
    """Forget the key: mails go into the folder again."""
    with tenant(services().engine, who.merchant_id) as conn:
        mail_account.remove(conn, who.merchant_id, by=who.email) or abort(404)
    flash(words()("mail_account.removed"), "good")
    return redirect(url_for("sender.show"))


def _typed(name: str) -> str:
    return "".join(request.form.get(name, "").split())


def _known(who: Person) -> str:
    by = wiring.mail_way(services(), who.merchant_id)
    return by.api_key if by.own else ""


def _public(who: Person) -> str:
    by = wiring.mail_way(services(), who.merchant_id)
    return by.public_keys[0] if by.own and by.public_keys else ""


def _page(who: Person, faults: dict[str, str]) -> str:
    with tenant(services().engine, who.merchant_id) as conn:
        known = mail_account.of(conn)
    return page(
        "mail_account.html",
        section="settings",
        known=known,
        fixed=services().settings.mail_backend if services().settings.mail_fixed else "",
        region=request.form.get("region", known.region if known else "global"),
        public_key=request.form.get("public_key", _public(who)),
        faults=faults,
    )
