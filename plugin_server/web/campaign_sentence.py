"""What a campaign's form says so far, as one sentence beside it: who, when, what, and what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from babel.lists import format_list
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from campaigns.calendar import Due
from campaigns.offers.offer import Percentage
from campaigns.schema import BadCampaign, Campaign
from campaigns.triggers import OnHoliday
from plugin_server.db.people import Person
from plugin_server.jobs.run import firings
from plugin_server.web import campaign_form
from plugin_server.web.campaign_form import Form
from plugin_server.web.rungs import RungName, names_of
from plugin_server.web.words import Words


@dataclass(frozen=True)
class Said:
    """Sentences that hold, or the faults that stand in their way (then there are no sentences)."""

    sentences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def of_form(connection: Connection, who: Person, given: MultiDict[str, str], words: Words, now: datetime) -> Said:
    """The sentence of a form as it is filled in now."""
    try:
        made = campaign_form.campaign(connection, who, given, now)
    except BadCampaign as error:
        return Said(faults=list(campaign_form.by_field(error, words).values()))
    rungs = names_of(connection, who.merchant_id, words.language)
    coming = [due for due in firings(connection, made, now) if due.at >= now]
    return Said(
        list(filter(None, (_main(made, coming, rungs, who, words), _date(coming, words), _measure(made, words))))
    )


def as_sent(form: Form) -> MultiDict[str, str]:
    """A form's values as a browser would send them."""
    several = [("rungs", key) for key in form.rungs] + [("languages", code) for code in form.languages]
    return MultiDict([*form.values.items(), *several])


def _main(made: Campaign, coming: Sequence[Due], rungs: Sequence[RungName], who: Person, words: Words) -> str:
    names = [rung.name for rung in rungs if rung.key in made.audience.rungs]
    everybody = made.audience.rungs == "all" or len(names) == len(rungs)
    people = words("campaign_sentence.everybody") if everybody else format_list(names, locale=words.language)
    offer = made.offer
    gift = words("campaign_sentence.nothing")
    if isinstance(offer, Percentage):
        gift = words("campaign_sentence.percent", percent=offer.value.normalize())
        if offer.minimum:
            gift = words("campaign_sentence.minimum", gift=gift, amount=words.major(offer.minimum, who.currency))
        gift = words("campaign_sentence.code", gift=gift, n=offer.valid_days)
    return words("campaign_sentence.send", people=people, when=_when(made, coming, words), gift=gift)


def _when(made: Campaign, coming: Sequence[Due], words: Words) -> str:
    if not isinstance(made.trigger, OnHoliday):
        return words("campaign_sentence.once")
    days, at = made.trigger.offsets_days[0], made.trigger.at.strftime("%H:%M")
    day = coming[0].occurrence if coming else None
    holiday = day.name(words.language) if day else made.trigger.holiday
    key = "campaign_sentence.before" if days < 0 else "campaign_sentence.on"
    return words(key, n=-days, holiday=holiday, at=at)


def _date(coming: Sequence[Due], words: Words) -> str:
    if not coming:
        return ""
    sure = "date" if coming[0].confirmed else "about"
    return words(f"campaign_sentence.{sure}", date=words.date(coming[0].at))


def _measure(made: Campaign, words: Words) -> str:
    share = made.measure.holdout
    return words("campaign_sentence.holdout", share=words.percent(share)) if share else words("campaign_sentence.all")
