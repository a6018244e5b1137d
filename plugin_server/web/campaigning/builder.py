"""The campaign builder: five questions on one page, and beside them what will happen, to how many, and the mail."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Blueprint, Response, abort, current_app, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy import Connection

from campaigns.schema import BadCampaign
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import audit_log
from plugin_server.db.merchant.people import Person
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning.preview import check
from plugin_server.jobs.sending.samples import SAMPLES
from plugin_server.web import zeros
from plugin_server.web.campaigning import base as campaign_base
from plugin_server.web.campaigning import composer_form, goods_picker
from plugin_server.web.campaigning import drafts as campaign_drafts
from plugin_server.web.campaigning import faults as campaign_faults
from plugin_server.web.campaigning import form as campaign_form
from plugin_server.web.campaigning import step_form as campaign_step_form
from plugin_server.web.campaigning import steps as campaign_steps
from plugin_server.web.campaigning import told as campaign_told
from plugin_server.web.campaigning.base import Base
from plugin_server.web.campaigning.composer import DARK, MODES
from plugin_server.web.campaigning.fields import Fields
from plugin_server.web.campaigning.mail_preview import FRAME_POLICY
from plugin_server.web.campaigning.sentence import weekdays
from plugin_server.web.context import is_partial, page, services, visitor, words
from plugin_server.web.guards import Route, requires
from plugin_server.web.shops.embedded import in_frame

pages = Blueprint("builder", __name__)


def keeping(route: Route) -> Callable[..., ResponseReturnValue]:
    """For marketers, as ``requires``; whoever's log-in ran out meanwhile finds the form again after the next one."""
    guarded = requires("marketer")(route)

    @wraps(guarded)
    def kept(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if visitor() is not None:
            return guarded(*args, **kwargs)
        if is_partial():
            # The page stays as it is; saving it leads to the log-in and back.
            return "", 204
        draft = campaign_drafts.fresh()
        kept = campaign_drafts.keep(draft, zeros.taken_out(request.form)[0], None)
        answer = make_response(redirect(url_for("login.form", next=url_for("campaigns.new", draft=draft))))
        return campaign_drafts.marked(answer, draft) if kept else answer

    return kept


def begin(who: Person) -> str:
    """The page to begin on, or the one that was left (``?draft=``): when a log-in ran out, or to load it again."""
    with tenant(services().engine, who.merchant_id) as connection:
        if left := _left(connection, who):
            return left
        base = campaign_base.asked(connection, who, request.args, services().now())
        return _page(connection, who, campaign_base.begun(base, request.args, words()), base)


@pages.get("/campaigns/<key>/edit")
@requires("marketer")
def edit(who: Person, key: str) -> ResponseReturnValue:
    """The builder with a saved campaign."""
    with tenant(services().engine, who.merchant_id) as connection:
        saved = campaigns.get(connection, key) or abort(404)
        if left := _left(connection, who, f"edit:{key}"):
            return left
        base = campaign_base.of_token(connection, who, f"edit:{key}") or abort(404)
        given = campaign_base.begun(base, {}, words())
        return _page(connection, who, given, base, note=saved.state if saved.state in ("active", "ended") else "")


def _left(connection: Connection, who: Person, token: str = "") -> str:
    """What somebody typed and did not save (of the form that began with ``token``); empty where there is nothing."""
    draft = request.args.get("draft", "")
    given = campaign_drafts.kept(draft, who.user_id)
    if given is None or (token and given.get("base") != token):
        return ""
    base = _base(connection, who, given)
    note = "stale" if campaign_drafts.is_stray(draft) else "unsaved"
    if base.key and given.get("version") != str(base.version):
        note = "meanwhile"
    return _page(connection, who, given, base, note=note, draft=draft)


def _base(connection: Connection, who: Person, given: Fields) -> Base:
    """What the form began with; an empty one where that is gone."""
    return campaign_base.of_token(connection, who, given.get("base", "")) or Base("new")


def _page(
    connection: Connection,
    who: Person,
    given: Fields,
    base: Base,
    *,
    note: str = "",
    faults: Mapping[str, str] | None = None,
    draft: str = "",
    told: campaign_told.Told | None = None,
    template: str = "campaign_form.html",
    open_at: int = -1,
) -> str:
    g.pictures = True  # of the shops' goods
    form = campaign_form.form(
        connection, who, given, words(), services().now(), base=base.token, version=base.version,
        draft_key=draft or given.get("draft") or campaign_drafts.fresh(), faults=faults,
    )  # fmt: skip
    series = campaign_step_form.of_form(connection, form, words(), open_at)
    saved = campaigns.get(connection, base.key) if base.key else None
    return page(
        template, section="campaigns", form=form, note=note, told=told,
        kinds=composer_form.KINDS, fields=composer_form.fields, weekdays=weekdays(words()), key=base.key,
        label_of=campaign_faults.label, series=series,
        versions=campaign_step_form.variants(connection, form, words()),
        branches=campaign_step_form.picture(series, words()), step_kinds=campaign_step_form.kinds(words()),
        chosen=base.chosen, shapes=saved is None or saved.state == "draft",
    )  # fmt: skip


def save(who: Person) -> ResponseReturnValue:
    """Save the form: a new campaign, or a new version of the one it began with. Each problem stands at its field."""
    (given, broken), now = campaign_form.whole(request.form, words()), services().now()
    if given.get("do") == "enter" and goods_picker.searching(given):
        return _looked(who)
    with tenant(services().engine, who.merchant_id) as connection:
        base = _base(connection, who, given)
        if note := _hindrance(connection, given, base):
            return _page(connection, who, given, base, note=note), 409
        if broken:
            return _page(connection, who, given, base, note="problems", faults=broken), 422
        try:
            made = campaign_form.campaign(connection, who, given, base.document, words(), now, base.key)
            check(connection, made, public_url=services().settings.public_url, now=now)
        except BadCampaign as error:
            faults = campaign_faults.by_field(error.problems, given, words())
            return _page(connection, who, given, base, note="problems", faults=faults), 422
        version = campaigns.save(connection, merchant_id=who.merchant_id, campaign=made, by=who.email)
        audit_log.record(
            connection, who.merchant_id, actor=who.email, action="campaign_saved", subject=made.key,
            detail={"version": version},
        )  # fmt: skip
    campaign_drafts.forget(given.get("draft", ""))
    return redirect(url_for("campaigns.show", key=made.key))


def _hindrance(connection: Connection, given: Fields, base: Base) -> str:
    """Why a form is shown once more before it is saved; empty for none."""
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError:
        return "stale"
    if base.token != (given.get("base") or "new"):
        return "gone"
    if base.key and given.get("version", str(base.version)) != str(base.version):
        return "meanwhile"
    saved = campaigns.get(connection, base.key) if base.key else None
    return "ended" if saved and saved.state == "ended" else ""


@pages.post("/campaigns/build")
@keeping
def look(who: Person) -> ResponseReturnValue:
    """The form after a button that changes its shape (a condition, a part of the mail, a search); nothing is saved."""
    return _looked(who)


def _looked(who: Person) -> ResponseReturnValue:
    sent, broken = campaign_form.whole(request.form, words())
    do = sent.get("do", "")
    with tenant(services().engine, who.merchant_id) as connection:
        base = _base(connection, who, sent)
        given = campaign_form.settled(campaign_form.edited(sent, do), base.document)
        open_at, wrong = campaign_steps.opened(sent, do), broken | campaign_form.at_limit(sent, do, words())
        if is_partial():
            made = _page(connection, who, given, base, faults=wrong, template="_builder.html", open_at=open_at)
            answer = make_response(made)
            answer.headers["HX-Trigger"] = "built"
            return answer
        draft = given.get("draft") or campaign_drafts.fresh()
        campaign_drafts.keep(draft, given, who.user_id)
        told = campaign_told.told(connection, who, given, base, words())
        faults = {**told.faults, **wrong}
        return _page(connection, who, given, base, draft=draft, told=told, faults=faults, open_at=open_at)


@pages.post("/campaigns/build/told")
@keeping
def told(who: Person) -> ResponseReturnValue:
    """What will happen, as the form stands; the page asks for it while somebody types. It also keeps the draft."""
    given, broken = campaign_form.whole(request.form, words())
    kept = campaign_drafts.keep(given.get("draft", ""), given, who.user_id)
    with tenant(services().engine, who.merchant_id) as connection:
        base, said = _base(connection, who, given), campaign_told.Told(faults=broken)
        said = said if broken else campaign_told.told(connection, who, given, base, words())
    seen = _mail_mark(given)
    answer = make_response(page("_builder_told.html", told=said, seen=seen, label_of=campaign_faults.label))
    if given.get("seen") != seen:
        answer.headers["HX-Trigger"] = "mail-changed"
    if kept and (address := _with_draft(given.get("draft", ""))):
        answer.headers["HX-Replace-Url"] = address
    return answer


def _with_draft(draft: str) -> str:
    """The builder's address with what is typed there, to be loaded again; empty where it stands there already."""
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    known = [(name, value) for name, value in parse_qsl(page.query) if name != "draft"]
    if in_frame() or not page.path.startswith("/campaigns/") or ("draft", draft) in parse_qsl(page.query):
        return ""
    return f"{page.path}?{urlencode([*known, ('draft', draft)])}"


SEEN = re.compile(r"(?:s\d+\.)?(?:message\.|offer\.|trigger\.holiday|kind$)|shape$")
"""Fields that a mail, or the choice of mails of a series, is made of."""


def _mail_mark(given: Fields) -> str:
    """Changes whenever the mail may look different."""
    part = [pair for pair in given.items(multi=True) if SEEN.match(pair[0])]
    return hashlib.sha256(json.dumps(part).encode()).hexdigest()[:16]


@pages.get("/campaigns/build/<draft>/look")
@requires("marketer")
def mail(who: Person, draft: str) -> ResponseReturnValue:
    """A mail of a draft for a reader, on a desk, a phone, in the dark or as text: the choices and the frame."""
    given = campaign_drafts.kept(draft, who.user_id) or Fields()
    mails, asked = campaign_steps.mails(given), _asked(given)
    ready = bool(mails) or (bool(given) and given.get("shape") != "series")
    found = _rendered(who, asked) if ready else campaign_told.Rendered()
    return page(
        "_builder_look.html", draft=draft, ready=ready, asked=asked, mail=found, samples=SAMPLES, modes=MODES,
        mark=_mail_mark(given),
        mails=[(place, _titled(place, own.get(f"message.{asked.language}.subject", ""))) for place, own in mails],
    )  # fmt: skip


def _titled(place: int, subject: str) -> str:
    """A mail by the number of its step and its subject, with … in the place of what differs from reader to reader."""
    return f"{place + 1}. {re.sub(r'{{.*?}}|{%.*?%}', '…', subject)}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which mail of a form to show to whom, and how: ``place`` is its step's in a series, -1 for the only one."""

    given: Fields
    place: int
    language: str
    sample: str
    mode: str


def _asked(given: Fields) -> Asked:
    args, places = request.args, [place for place, _ in campaign_steps.mails(given)]
    wanted = args.get("look.mail", -1, int)
    place = wanted if wanted in places else next(iter(places), -1)
    one = campaign_steps.alone(given, place) if places else given
    written, wish = one.getlist("message.languages"), args.get("look.language", words().language)
    sample, mode = args.get("look.sample", "usual"), args.get("look.width", "desktop")
    return Asked(
        one, place, wish if wish in written else next(iter(written), "en"),
        sample if sample in SAMPLES else "usual", mode if mode in MODES else "desktop",
    )  # fmt: skip


def _rendered(who: Person, asked: Asked) -> campaign_told.Rendered:
    with tenant(services().engine, who.merchant_id) as connection:
        base = _base(connection, who, asked.given)
        return campaign_told.rendered(connection, asked.given, base, words(), asked.language, asked.sample)


@pages.get("/campaigns/build/<draft>/html")
@requires("marketer")
def html(who: Person, draft: str) -> ResponseReturnValue:
    """The HTML part alone, for the frame: styles of its own, no script, no form, no way out."""
    given = campaign_drafts.kept(draft, who.user_id)
    if given is None:
        abort(404)
    asked = _asked(given)
    seen = _rendered(who, asked).html
    answer = Response(DARK.sub("@media all", seen) if asked.mode == "dark" else seen, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = FRAME_POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer
