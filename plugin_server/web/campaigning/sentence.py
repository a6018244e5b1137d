"""What a campaign says, in sentences: when, to whom, what, and what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from babel.dates import get_day_names
from babel.lists import format_list
from sqlalchemy import Connection

from campaigns.calendar import Due, country_of, holidays
from campaigns.ladder.sentences import sentence as rule_sentence
from campaigns.offers.offer import BringAFriend, Cashback, EarlyAccess, Offer, TeamDeal
from campaigns.schema import Campaign
from campaigns.triggers import AHEAD, Once, OnEvent, OnHoliday, Recurring
from plugin_server.db.customers import topics
from plugin_server.db.ladder import segments
from plugin_server.db.merchant import holidays as own_days
from plugin_server.db.merchant.people import Person
from plugin_server.jobs.campaigning.run import firings
from plugin_server.web.campaigning import offer_words
from plugin_server.web.ladder.rungs import RungName, names_of
from plugin_server.web.words import Words


def at_once(connection: Connection, who: Person, made: Campaign, words: Words, now: datetime) -> list[str]:
    """The same for a launch by hand: whatever its days are, now is one of them."""
    today = made.model_copy(update={"trigger": Once(kind="once")})
    rungs = names_of(connection, who.merchant_id, words.language)
    return [main(connection, who, today, rungs, words, now, when=words("said.now")), _measure(made, words)]


def told(connection: Connection, who: Person, made: Campaign, words: Words, now: datetime) -> list[str]:
    """The main sentence, the next date where there is one, and what is held back."""
    rungs = names_of(connection, who.merchant_id, words.language)
    coming = [due for due in firings(connection, made, now) if due.at >= now]
    dated = "" if isinstance(made.trigger, Once | OnEvent) else _date(coming, words)
    return list(filter(None, (main(connection, who, made, rungs, words, now), dated, _measure(made, words))))


def main(
    connection: Connection,
    who: Person,
    made: Campaign,
    rungs: Sequence[RungName],
    words: Words,
    now: datetime,
    when: str = "",
) -> str:
    """When, who and what in one sentence; ``when`` stands in the place of the campaign's own days."""
    when = when or _when(connection, who, made, rungs, words, now)
    people = _people(connection, made, rungs, words)
    mails = sum(step.kind == "message" for step in made.steps)
    offer = offer_words.named(connection, made.offer) if made.offer else None
    given = words("said.series", n=mails) if made.steps else gift(offer, who.currency, words)
    return words("said.main", when=when, people=people, gift=given)


def _people(connection: Connection, made: Campaign, rungs: Sequence[RungName], words: Words) -> str:
    names = [rung.name for rung in rungs if rung.key in made.audience.rungs]
    everybody = made.audience.rungs == "all" or len(names) == len(rungs)
    said = (
        words("said.everybody")
        if everybody
        else words("said.on_rungs", rungs=format_list(names, locale=words.language))
    )
    if made.audience.topic == topics.PROMOTIONS:
        people = words("said.people", rungs=said)
    else:
        named = {one.key: one.name(words.language) for one in topics.all_topics(connection)}
        topic = named.get(made.audience.topic) or made.audience.topic
        people = words("said.people_topic", rungs=said, topic=topic)
    rule = made.audience.rule
    if isinstance(rule, str):
        found = segments.get(connection, rule)
        return words("said.segment", people=people, segment=found.name if found else rule)
    return people if rule is None else words("said.narrowed", people=people, rule=rule_sentence(rule, words.language))


def gift(offer: Offer | None, currency: str, words: Words) -> str:
    """What they get, with its conditions; by a code of their own where there is one."""
    if offer is None:
        return words("said.nothing")
    said = offer_words.gift(offer, words, currency)
    if isinstance(offer, TeamDeal | BringAFriend):
        return said
    coded = not isinstance(offer, Cashback) and not (isinstance(offer, EarlyAccess) and offer.value is None)
    return (
        words("said.code", gift=said, n=offer.valid_days)
        if coded
        else words("said.holds", gift=said, n=offer.valid_days)
    )


def _when(
    connection: Connection, who: Person, made: Campaign, rungs: Sequence[RungName], words: Words, now: datetime
) -> str:
    trigger = made.trigger
    if isinstance(trigger, Once):
        at = trigger.at.strftime("%H:%M")
        return words("said.on_day", date=words.date(trigger.day), at=at) if trigger.day else words("said.by_hand")
    at = trigger.at.strftime("%H:%M")
    if isinstance(trigger, OnHoliday):
        name = holiday_name(connection, who, trigger.holiday, words, now)
        offsets = format_list([_offset(days, words) for days in sorted(trigger.offsets_days)], locale=words.language)
        return words("said.holiday", offsets=offsets, holiday=name, at=at)
    if isinstance(trigger, Recurring):
        return _rhythm(trigger, at, words)
    return _event(trigger, at, rungs, words)


def holiday_name(connection: Connection, who: Person, key: str, words: Words, now: datetime) -> str:
    """What readers of these words call a holiday."""
    given = own_days.overrides(connection)
    days = (day for year in (now.year, now.year + 1) for day in holidays(country_of(who.timezone), year, given))
    return next((day.name(words.language) for day in days if day.key == key), key)


def _offset(days: int, words: Words) -> str:
    if not days:
        return words("said.same_day")
    return words("said.before" if days < 0 else "said.after", n=abs(days))


def _rhythm(trigger: Recurring, at: str, words: Words) -> str:
    if trigger.every == "week":
        weekday = get_day_names("wide", locale=words.language)[trigger.on - 1]
        return words("said.every_week", weekday=weekday, at=at)
    if trigger.every == "month":
        return words("said.month_end", at=at) if trigger.on == 31 else words("said.every_month", n=trigger.on, at=at)
    return words("said.every_day", at=at)


def _event(trigger: OnEvent, at: str, rungs: Sequence[RungName], words: Words) -> str:
    rung = next((one.name for one in rungs if one.key == trigger.rung), trigger.rung)
    key = f"moment.{trigger.event}" + ("_to" if rung and words.has(f"moment.{trigger.event}_to") else "")
    moment = words(key, nth=trigger.nth or 0, rung=rung or "")
    if not trigger.after_days:
        day = "said.event_day_of" if trigger.event in AHEAD else "said.event_day"
        return words(day, moment=moment, at=at)
    after = "said.event_after_day" if trigger.event in AHEAD else "said.event_after"
    side = "said.event_before" if trigger.after_days < 0 else after
    return words(side, n=abs(trigger.after_days), moment=moment, at=at)


def _date(coming: Sequence[Due], words: Words) -> str:
    if not coming:
        return ""
    return words("said.next" if coming[0].confirmed else "said.about", date=words.date(coming[0].at))


def _measure(made: Campaign, words: Words) -> str:
    share = made.measure.holdout
    return words("said.holdout", share=words.percent(share)) if share else words("said.all")


def weekdays(words: Words) -> list[tuple[str, str]]:
    """Number (1 is Monday) and name of each day of the week, from the day on which it begins there."""
    names = get_day_names("wide", context="stand-alone", locale=words.language)
    days = [(words.week_start + place) % 7 for place in range(7)]
    return [(str(number + 1), str(names[number])) for number in days]
