"""What the builder says beside its form: sentences, numbers, the cost and the mail, as the form stands."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import Connection

from campaigns.mail.liquid import TemplateError
from campaigns.schema import BadCampaign, Campaign, dump, parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.merchant.people import Person
from plugin_server.jobs.campaigning.expected import Expected, counted, expected
from plugin_server.jobs.campaigning.preview import check_names, drafts_of
from plugin_server.jobs.sending.proofing import proof
from plugin_server.jobs.sending.samples import preview_mail, sample_context
from plugin_server.web.campaigning import faults as campaign_faults
from plugin_server.web.campaigning import form as campaign_form
from plugin_server.web.campaigning import sentence as campaign_sentence
from plugin_server.web.campaigning.base import Base
from plugin_server.web.campaigning.fields import Fields, document_of
from plugin_server.web.context import services
from plugin_server.web.words import Words


@dataclass(frozen=True)
class Told:
    """Sentences that hold and what is expected; or the faults that stand in their way, by field."""

    campaign: Campaign | None = None
    sentences: list[str] = field(default_factory=list)
    expected: Expected | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


def told(connection: Connection, who: Person, given: Fields, base: Base, words: Words) -> Told:
    """All that can be said of a form as it is filled in now."""
    now = services().now()
    try:
        made = campaign_form.campaign(connection, who, given, base.document, words, now, base.key)
        check_names(connection, made, now)
    except BadCampaign as error:
        return Told(faults=campaign_faults.by_field(error.problems, given, words))
    return of_campaign(connection, who, made, words, base.key)


def of_campaign(connection: Connection, who: Person, made: Campaign, words: Words, key: str) -> Told:
    """The same of a checked campaign; ``key`` is empty for one that is not saved."""
    now, saved = services().now(), campaigns.get(connection, key) if key else None
    whole = dump(made)
    asked = {part: whole.get(part) for part in ("trigger", "audience", "offer", "measure", "again_after_days")} | {
        "mail": sorted(made.message)
    }
    mark = hashlib.sha256(json.dumps([who.merchant_id, key, asked], sort_keys=True).encode()).hexdigest()
    number = saved.id if saved else 0
    try:
        found = _remembered(
            f"reach:{mark}",
            lambda: counted(connection, merchant_id=who.merchant_id, campaign=made, campaign_id=number, now=now),
        )
    except Refused:
        found = None
    sentences = campaign_sentence.told(connection, who, made, words, now)
    return Told(made, sentences, expected(connection, made, found, now) if found else None)


SLOW, TIMES, MOST = 0.1, 100, 60
"""What takes longer than so many seconds is kept a hundred times as long as it took, and at most a minute."""


def _remembered(key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``make`` gives, or gave a moment ago: people type, and a large shop takes a while to count."""
    redis = services().redis
    try:
        if isinstance(kept := redis.get(key), bytes):
            found: dict[str, Any] = json.loads(kept)
            return found
    except RedisError:
        return make()
    began = time.perf_counter()
    made = make()
    took = time.perf_counter() - began
    if took >= SLOW:
        redis.set(key, json.dumps(made), ex=max(1, min(MOST, round(took * TIMES))))
    return made


@dataclass(frozen=True)
class Rendered:
    """A mail as HTML, or why there is none."""

    html: str = ""
    subject: str = ""
    text: str = ""
    fault: str = ""


def rendered(connection: Connection, given: Fields, base: Base, words: Words, language: str, sample: str) -> Rendered:
    """The mail of a form for one made-up reader, even while other questions are still open."""
    now, public_url = services().now(), services().settings.public_url
    try:
        made = _alone(given, base, words, language)
    except BadCampaign:
        return Rendered(fault=words("builder.look_hint"))
    # What a person wrote is tried out in a process of its own first, as before every save.
    tried = proof(drafts_of(made), sample_context(connection, made, public_url=public_url, now=now))
    if faults := [fault for found in tried.values() for fault in found]:
        return Rendered(fault=words.said(faults[0]))
    try:
        mail = preview_mail(
            connection, made, public_url=public_url, now=now, language=language, sample=sample
        )  # fmt: skip
    except TemplateError as error:
        return Rendered(fault=words.said(str(error)))
    return Rendered(mail.html, mail.subject, mail.text)


def _alone(given: Fields, base: Base, words: Words, language: str) -> Campaign:
    """The campaign with this language's mail only. Raises ``BadCampaign`` where the mail itself has faults."""
    document, _ = document_of(given, base.document, words.language)
    part = {"key": "preview", "message": {language: document["message"].get(language) or {}}}
    try:
        return parse({**document, **part})
    except BadCampaign:
        return parse({**part, "trigger": {"kind": "once"}, "offer": document["offer"]})
