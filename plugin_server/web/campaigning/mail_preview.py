"""The mail as its readers will see it: HTML in a frame of its own that may do nothing, and the text part."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from campaigns.mail.compose import RenderedMail
from campaigns.mail.liquid import TemplateError
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.sending.samples import preview_mail
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("mail_preview", __name__)
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https: data:; font-src https: data:; "
    "sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


@pages.get("/campaigns/<key>/mail/<language>")
@requires("viewer")
def show(who: Person, key: str, language: str) -> ResponseReturnValue:
    """Subject, frame and text part in one language, as a phone or a desktop shows it."""
    try:
        (mail, written), fault = _mail(who, key, language), ""
    except TemplateError as error:
        mail, written, fault = None, [], words().said(str(error))
    width = "phone" if request.args.get("width") == "phone" else "desktop"
    return page("_mail_preview.html", mail=mail, fault=fault, key=key, language=language, width=width,
                written=written)  # fmt: skip


@pages.get("/campaigns/<key>/mail/<language>/html")
@requires("viewer")
def html(who: Person, key: str, language: str) -> ResponseReturnValue:
    """The HTML part alone, for the frame: styles of its own, no script, no form, no way out."""
    try:
        mail, _ = _mail(who, key, language)
    except TemplateError:
        abort(404)
    answer = Response(mail.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _mail(who: Person, key: str, language: str) -> tuple[RenderedMail, list[str]]:
    """The mail, and the languages that it is written in."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key)
        if saved is None or language not in saved.campaign.message:
            abort(404)
        mail = preview_mail(
            connection,
            saved.campaign,
            request.args.get("customer", type=int),
            public_url=services().settings.public_url,
            now=services().now(),
            language=language,
        )
        return mail, list(saved.campaign.message)
