"""The composer: a mail made of parts that a form holds, in each language; and a look at it as its readers see it."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from campaigns.mail.compose import RenderedMail
from campaigns.mail.liquid import TemplateError
from campaigns.schema import BadCampaign
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.preview import check
from plugin_server.jobs.sending.samples import SAMPLES, preview_mail
from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning import composer_form
from plugin_server.web.campaigning.mail_preview import FRAME_POLICY
from plugin_server.web.context import page, services, words
from plugin_server.web.guards import requires

pages = Blueprint("composer", __name__)
MODES = ("desktop", "phone", "dark", "text")
DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)")


@pages.get("/campaigns/<key>/compose/<language>")
@requires("marketer")
def edit(who: Person, key: str, language: str) -> ResponseReturnValue:
    """The form, filled with what is saved; in a language not written yet, with that of another one."""
    saved = _campaign(who, key)
    return _page(saved, language, composer_form.of_campaign(saved.campaign, _known(language)), {})


def _campaign(who: Person, key: str) -> campaigns.Saved:
    with tenant(services().engine, who.merchant_id) as connection:
        return campaigns.get(connection, key) or abort(404)


def _known(language: str) -> str:
    return language if language in LANGUAGES else abort(404)


def _page(saved: campaigns.Saved, language: str, draft: composer_form.Draft, faults: dict[str, str]) -> str:
    return page(
        "composer.html", section="campaigns", key=saved.campaign.key, title=saved.campaign.title, language=language,
        draft=draft, faults=faults,
        samples=SAMPLES, kinds=composer_form.KINDS, fields=composer_form.fields, more=composer_form.SUBJECTS,
        tries=composer_form.tries_subjects(saved.campaign),
    )  # fmt: skip


@pages.post("/campaigns/<key>/compose/<language>")
@requires("marketer")
def change(who: Person, key: str, language: str) -> ResponseReturnValue:
    """Add, move or take out a part without saving; or save, or show each fault beside its field."""
    saved, draft = _campaign(who, key), composer_form.of_form(request.form)
    act = request.form.get("act", "save")
    if act != "save":
        return _page(saved, _known(language), composer_form.moved(draft, act), {})
    try:
        with tenant(services().engine, who.merchant_id) as connection:
            made = composer_form.campaign(saved.campaign, _known(language), draft)
            check(connection, made, public_url=services().settings.public_url, now=services().now())
            version = campaigns.save(connection, merchant_id=who.merchant_id, campaign=made, by=who.email)
            audit_log.record(
                connection, who.merchant_id, actor=who.email, action="campaign_saved", subject=key,
                detail={"version": version},
            )  # fmt: skip
    except BadCampaign as error:
        return _page(saved, language, draft, composer_form.by_field(error, language, words())), 422
    flash(words()("composer.saved", version=version), "good")
    return redirect(url_for("composer.edit", key=key, language=language))


@pages.get("/campaigns/<key>/look/<language>")
@requires("viewer")
def look(who: Person, key: str, language: str) -> ResponseReturnValue:
    """The saved mail for a sample reader: on a desk, a phone, in the dark, or as text."""
    sample, mode = request.args.get("sample", "usual"), request.args.get("mode", "desktop")
    if sample not in SAMPLES or mode not in MODES:
        abort(404)
    try:
        mail, fault = _mail(who, key, language, sample), ""
    except TemplateError as error:
        mail, fault = None, words().said(str(error))
    return page(
        "_look.html", mail=mail, fault=fault, key=key, language=language, sample=sample, mode=mode, modes=MODES,
        samples=SAMPLES,
    )  # fmt: skip


@pages.get("/campaigns/<key>/look/<language>/html")
@requires("viewer")
def html(who: Person, key: str, language: str) -> ResponseReturnValue:
    """The HTML part alone, for the frame. In the dark, its own rules for the dark hold."""
    try:
        mail = _mail(who, key, language, request.args.get("sample", "usual"))
    except TemplateError:
        abort(404)
    dark = request.args.get("mode") == "dark"
    answer = Response(DARK.sub("@media all", mail.html) if dark else mail.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _mail(who: Person, key: str, language: str, sample: str) -> RenderedMail:
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key)
        if saved is None or language not in saved.campaign.message:
            abort(404)
        given: dict[str, Any] = {"public_url": services().settings.public_url, "now": services().now()}
        return preview_mail(connection, saved.campaign, language=language, sample=sample, **given)
