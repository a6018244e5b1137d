"""The account by which a business's mails leave. For owners: checked with the provider, sealed, and never shown."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from connectors.errors import ConnectorError
from connectors.mail_types import SendOutcome
from plugin_server import mail_access, wiring
from plugin_server.db.merchant.people import Person
from plugin_server.db.sending import mail_account
from plugin_server.db.session import tenant
from plugin_server.jobs.letters import trying_out
from plugin_server.jobs.queues import wake
from plugin_server.jobs.sending.domains import look_up_domain
from plugin_server.locales.sentences import said
from plugin_server.mail_access import Way
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
    known = way(who)
    api_key = _typed("api_key") or (known.api_key if known and known.own else "")
    public_key = _typed("public_key")
    try:
        wiring.check_mail_key(made, api_key, public_key, region)
    except ConnectorError as error:
        place = "public_key" if error.code == "wrong_public_key" else "api_key"
        return _page(who, {place: said(error.sentence, words().language)}), 422
    keep(who, mail_account.Shown(region, api_key[-4:], bool(public_key)), api_key=api_key, public_key=public_key)
    flash(words()("mail_account.saved"), "good")
    return redirect(url_for("sender.show"))


@pages.post("/mail/account/remove")
@requires("owner")
def remove(who: Person) -> ResponseReturnValue:
    """Forget the account: mails go into the folder again."""
    with tenant(services().engine, who.merchant_id) as conn:
        mail_account.remove(conn, who.merchant_id, by=who.email) or abort(404)
    flash(words()("mail_account.removed"), "good")
    return redirect(url_for("sender.show"))


@pages.post("/mail/account/test")
@requires("owner")
def test(who: Person) -> ResponseReturnValue:
    """Send a mail to whoever asks, by the way mails leave now, and say at once what became of it."""
    known = way(who)
    if known is None or known.backend == "folder":
        abort(404)
    result = trying_out.send(services(), who)
    if result.outcome is SendOutcome.ACCEPTED and not result.doubtful:
        flash(words()("trying_out.taken", email=who.email), "good")
    else:
        unclear = result.outcome is SendOutcome.IN_DOUBT
        why = said(next(iter(result.refused.values()), result.detail), words().language)
        flash(words()("trying_out.unclear" if unclear else "trying_out.refused", why=why), "warn" if unclear else "bad")
    return redirect(url_for("mail_server.show" if known.server and known.own else "mail_account.show"))


def way(who: Person) -> Way | None:
    """How mails leave now; None where no secret key opens the account any more: then it is entered anew."""
    try:
        return wiring.mail_way(services(), who.merchant_id)
    except ValueError:
        return None


def keep(who: Person, shown: mail_account.Shown, **secrets: str) -> None:
    """Put an account in the place of the one before, and look what the name servers say of the domain."""
    made = services()
    with tenant(made.engine, who.merchant_id) as conn:
        kept = mail_access.sealed(made.settings.keys, **secrets)
        mail_account.save(conn, who.merchant_id, shown, sealed=kept, by=who.email, now=made.now())
    wake(made.redis, look_up_domain, who.merchant_id, on="urgent", hold=5)


def account_page(who: Person, template: str, **values: Any) -> str:
    """One of the forms, beside what holds now."""
    with tenant(services().engine, who.merchant_id) as conn:
        known = mail_account.of(conn)
    fixed, by = services().settings.mail_fixed, way(who)
    return page(
        template,
        section="settings",
        known=known,
        fixed=services().settings.mail_backend if fixed else "",
        leaves=by is not None and by.backend != "folder",
        **values,
    )


def _typed(name: str) -> str:
    return "".join(request.form.get(name, "").split())


def _page(who: Person, faults: dict[str, str]) -> str:
    by = way(who)
    public = by.public_keys[0] if by and by.own and by.api_key and by.public_keys else ""
    with tenant(services().engine, who.merchant_id) as conn:
        known = mail_account.of(conn)
    return account_page(
        who,
        "mail_account.html",
        region=request.form.get("region", known.region if known else "global"),
        public_key=request.form.get("public_key", public),
        faults=faults,
    )
