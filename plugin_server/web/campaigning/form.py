"""The builder's form: what it begins with, what may be chosen in it, and the campaign that it says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from campaigns.calendar import Occurrence, country_of, holidays, known
from campaigns.ladder import draft
from campaigns.ladder.rules import BadRule
from campaigns.mail.kinds import LETTERS
from campaigns.recipes import body_of
from campaigns.schema import BadCampaign, Campaign, Wording, parse
from campaigns.triggers import EVENTS
from plugin_server.db.campaigning import campaigns
from plugin_server.db.customers import topics
from plugin_server.db.ladder import segments
from plugin_server.db.merchant import holidays as own_days
from plugin_server.db.merchant.people import Person
from plugin_server.db.shops import goods_search
from plugin_server.locales import LANGUAGES, catalogue
from plugin_server.web import zeros
from plugin_server.web.campaigning import composer_form, goods_picker
from plugin_server.web.campaigning import mail_fields as campaign_mail_fields
from plugin_server.web.campaigning import steps as campaign_steps
from plugin_server.web.campaigning import variants as campaign_variants
from plugin_server.web.campaigning.fields import Fields, document_of
from plugin_server.web.campaigning.goods_picker import Picker
from plugin_server.web.campaigning.offer_fields import OfferField, classes, own_fields
from plugin_server.web.ladder import rule_form
from plugin_server.web.ladder.rule_form import Builder
from plugin_server.web.ladder.rungs import RungName, names_of
from plugin_server.web.words import Words, zone_of

Option = tuple[str, str]
TAKEN = ("new", "build", "recipes", "calendar")
"""Addresses of pages beside those of campaigns."""


@dataclass(frozen=True)
class Form:
    """The fields as text, and what may be chosen. ``base`` says what it began with (see ``campaign_base``)."""

    given: Fields
    base: str
    days: list[Occurrence]
    rungs: Sequence[RungName]
    segments: list[Option]
    topics: list[Option]
    rule: Builder
    mails: Mapping[str, composer_form.Draft]
    currency: str
    version: int = 0
    draft: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)
    goods: Mapping[str, Picker] = field(default_factory=dict)
    shelves: Sequence[Option] = ()
    at: str = ""
    """What stands before the names of the fields: ``s2.`` in the third step of a series."""

    def v(self, name: str, otherwise: str = "") -> str:
        """What stands in a field."""
        return self.given.get(name, otherwise)

    def has(self, name: str, value: str = "1") -> bool:
        """Whether a choice is made."""
        return value in self.given.getlist(name)

    def touched(self, one: OfferField) -> bool:
        """Whether a field that is folded away has something to say: a value of its own, or a fault."""
        own = (one.path, f"{one.path}.")
        said = any(
            value.strip() not in ("", one.otherwise)
            for name, value in self.given.items(multi=True)
            if name == own[0] or name.startswith(own[1])
        )
        return said or any(name == own[0] or name.startswith(own[1]) for name in self.faults)

    @property
    def offsets(self) -> list[tuple[str, str]]:
        """Days and sides of a holiday's mails, with an empty one to fill in."""
        days, sides = self.given.getlist("trigger.offsets_days"), self.given.getlist("trigger.side")
        rows = [(day, side) for day, side in zip(days, [*sides, *["before"] * 20], strict=False) if day.strip()]
        return [*rows, ("", "before")]

    @property
    def offers(self) -> list[tuple[str, tuple[OfferField, ...]]]:
        """Every kind of offer with its own fields."""
        return [(kind, own_fields(kind)) for kind in classes()]

    @property
    def letters(self) -> list[tuple[str, list[str]]]:
        """The ready letters by the kind of offer that they have a place for, the chosen kind first."""
        chosen = self.v("offer.kind")
        order = sorted({kind or "" for kind in LETTERS.values()}, key=lambda kind: (kind != chosen, kind))
        return [(kind, [key for key, place in LETTERS.items() if (place or "") == kind]) for kind in order]

    @property
    def events(self) -> tuple[str, ...]:
        """Everything that can happen to a customer."""
        return EVENTS


def upcoming(connection: Connection, who: Person, now: datetime) -> list[Occurrence]:
    """The holidays of the next twelve months, the shop's own included, by date."""
    today = now.astimezone(zone_of(who.timezone)).date()
    country, given = country_of(who.timezone), own_days.overrides(connection)
    both = [day for year in (today.year, today.year + 1) for day in holidays(country, year, given)]
    return [day for day in both if today <= day.day <= _year_on(today)]


def _year_on(today: date) -> date:
    return date(today.year + 1, today.month, min(today.day, 28))


def form(
    connection: Connection,
    who: Person,
    given: Fields,
    words: Words,
    now: datetime,
    *,
    base: str,
    version: int = 0,
    draft_key: str = "",
    faults: Mapping[str, str] | None = None,
) -> Form:
    """Everything the page needs to show these fields."""
    rungs = names_of(connection, who.merchant_id, words.language)
    promotions = [(one.key, one.name(words.language) or words("builder.promotions")) for one in _topics(connection)]
    return Form(
        given,
        base,
        _choosable(connection, who, given, now),
        rungs,
        [(one.key, one.name) for one in segments.everyone(connection)],
        promotions,
        rule_form.builder(connection, rule_draft(given), words, rungs),
        {language: campaign_mail_fields.of_language(given, language) for language in LANGUAGES},
        who.currency,
        version,
        draft_key,
        faults or {},
        goods_picker.pickers(connection, given, words),
        goods_search.shelves(connection),
    )


def _topics(connection: Connection) -> list[topics.Topic]:
    return topics.all_topics(connection)


def _choosable(connection: Connection, who: Person, given: Fields, now: datetime) -> list[Occurrence]:
    """The coming holidays, each once; and the one that is chosen, even if it is not among them."""
    found = {day.key: day for day in reversed(upcoming(connection, who, now))}
    chosen = given.get("trigger.holiday", "")
    if chosen and chosen not in found and chosen in known(country_of(who.timezone), (), year=now.year):
        found[chosen] = Occurrence(chosen, "", now.date(), True)
    return sorted(found.values(), key=lambda day: day.day)


def rule_draft(given: Fields) -> draft.Draft:
    """The rule in these fields; one to begin with where there is none."""
    try:
        made = draft.read(given.to_dict(flat=False))
    except BadRule:
        return draft.EMPTY
    return made if made.is_group else draft.EMPTY


def edited(given: Fields, do: str) -> Fields:
    """The fields after a button: ``add:r``, ``group:r``, ``remove:r.0`` of the rule; ``part:en:add:hero`` of a mail.

    ``step:…`` changes the steps of a series, ``s2.part:…`` and ``add:s2.r`` what is within one.
    """
    mark, place, within = campaign_steps.inside(do)
    if mark:
        parts = campaign_steps.marked(given, mark)
        changed = [edited(own, within) if n == place else own for n, own in enumerate(parts)]
        return campaign_steps.with_marked(given, mark, changed)
    what, _, where = do.partition(":")
    if what == "step":
        return campaign_steps.edited(given, do)
    if what == "variant":
        return campaign_variants.edited(given, where)
    if what in ("add", "group", "remove"):
        try:
            made = draft.edited(rule_draft(given), what, where)
        except BadRule:  # it is as large as a rule may be: the button does nothing
            return given
        kept = [(name, value) for name, value in given.items(multi=True) if not re.match(r"r(\.|$)", name)]
        flat = draft.fields(made).items()
        return MultiDict([*kept, *((name, value) for name, values in flat for value in values)])
    if what == "part":
        language, _, act = where.partition(":")
        return campaign_mail_fields.edited(given, language, act) if language in LANGUAGES else given
    return given


def whole(form: Fields, words: Words) -> tuple[Fields, dict[str, str]]:
    """The fields without zero bytes, and a sentence for each place that had one."""
    given, broken = zeros.taken_out(form)
    names = (re.sub(r"^r\..*", "audience.rule", re.sub(r"^(s\d+)\.r\..*", r"\1.rule", name)) for name in broken)
    return given, dict.fromkeys(names, words.said(zeros.SENTENCE))


def at_limit(given: Fields, do: str, words: Words) -> dict[str, str]:
    """Why a button would make a rule larger than one may be, by the field it is told at; empty for any other button."""
    mark, place, within = campaign_steps.inside(do)
    own = dict(enumerate(campaign_steps.marked(given, mark))).get(place) if mark else given
    what, _, where = within.partition(":")
    if own is None or what not in ("add", "group"):
        return {}
    try:
        draft.edited(rule_draft(own), what, where)
    except BadRule as bad:
        return {f"{mark}{place}.rule" if mark else "audience.rule": words.said(bad.problem)}
    return {}


def settled(given: Fields, base: Mapping[str, Any]) -> Fields:
    """With a first draft where somebody has just chosen to write a mail themselves, or to make it a series."""
    steps = campaign_steps.each(given)
    if given.get("shape") != "series":
        versions = [_written(one, {}) for one in campaign_steps.marked(given, "v")]
        mail = campaign_steps.with_marked(given, "v", versions)
        return _written(campaign_steps.as_mail(mail) if steps else mail, base)
    if not steps:
        given = campaign_steps.as_series(given)
    known = {step["key"]: step for step in base.get("steps") or ()}
    made = [_written(own, known.get(own.get("key", ""), {})) for own in campaign_steps.each(given)]
    return campaign_steps.with_steps(given, made)


def _written(given: Fields, base: Mapping[str, Any]) -> Fields:
    made = given
    for language in given.getlist("message.languages"):
        body = given.get(f"message.{language}.body")
        old = (base.get("message") or {}).get(language)
        written = campaign_mail_fields.of_language(given, language)
        if body == "blocks" and not written.parts:
            offered = bool(given.get("offer.kind"))
            parts = campaign_mail_fields.first_parts(
                written.subject, catalogue(language), old, language, coupon=offered
            )
            made = campaign_mail_fields.with_parts(made, language, parts)
        if body == "mjml" and not written.source.strip() and old:
            made = made.copy()
            made[f"message.{language}.source"] = body_of(Wording.model_validate(old), language)
    return made


def campaign(
    connection: Connection, who: Person, given: Fields, base: Mapping[str, Any], words: Words, now: datetime, key: str
) -> Campaign:
    """The checked campaign of these fields. ``key`` empty means a new one, under a key that is free.

    Raises ``BadCampaign`` with everything that is wrong.
    """
    document, problems = document_of(given, base, words.language)
    if not key:
        document["name"] = document["name"] or _title(connection, who, document, now)
    try:
        made = parse({**document, "key": key or _free_key(connection, document["name"])})
    except BadCampaign as error:
        raise BadCampaign((*problems, *error.problems)) from error
    if problems:
        raise BadCampaign(tuple(problems))
    return made


def _title(connection: Connection, who: Person, document: Mapping[str, Any], now: datetime) -> str:
    """What a campaign without a name is called: as its holiday, else as what it waits for."""
    trigger = document["trigger"]
    named = next((day for day in upcoming(connection, who, now) if day.key == trigger.get("holiday")), None)
    words = Words(who.merchant_locale, zone_of(who.timezone), now)
    if named:
        return named.name(who.merchant_locale)
    if trigger.get("event") in EVENTS:
        return words(f"event.{trigger['event']}")
    return words("builder.untitled", date=words.date(now))


def _free_key(connection: Connection, title: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "campaign"
    tries = [slug, *(f"{slug}-{number}" for number in range(2, 1000))]
    return next(key for key in tries if key not in TAKEN and campaigns.get(connection, key) is None)
