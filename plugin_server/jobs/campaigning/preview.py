"""A campaign before its launch: whom it would reach, what it would cost, how it reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.calendar import country_of, known
from campaigns.ladder import nature
from campaigns.mail.liquid import TemplateError
from campaigns.offers.margin import Trade, Verdict, judge, liability
from campaigns.offers.offer import Offer
from campaigns.recipes import body_of
from campaigns.schema import BadCampaign, Campaign, Problem
from campaigns.series_parts import apart
from campaigns.series_parts import given as offers_in
from campaigns.steps import UntilStep
from campaigns.triggers import OnEvent, OnHoliday
from connectors.types import Money, minor_units
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.audience_power import power
from plugin_server.db.campaigning.campaigns import Saved
from plugin_server.db.ladder import outlook, segments
from plugin_server.db.merchant import holidays
from plugin_server.db.offers import codes as offers
from plugin_server.jobs.campaigning import baskets, realising, run
from plugin_server.jobs.sending import compose, samples
from plugin_server.jobs.sending.compose import Letterhead
from plugin_server.jobs.sending.proofing import Draft, proof
from plugin_server.jobs.series.preview import steps_of
from plugin_server.locales.sentences import said

UNFORETOLD = {
    "closed": "The campaign asks for the forecast, which is closed: a condition on chances or expected spend holds for "
    "nobody.",
    "unmade": "The campaign asks for the forecast, which is not made yet: chances and expected spend are not known of "
    "anybody. It is reckoned soon, tonight at the latest.",
}
PLAIN = "offer_by_code"
"""The key of what every shop can do, and nobody need be told."""


def preview(conn: Connection, *, merchant_id: int, saved: Saved, public_url: str, now: datetime) -> dict[str, Any]:
    """``{"audience", "treated", "holdout", "excluded", "sample", "offer", "baskets", "mails", "next", …}``."""
    campaign = saved.campaign
    seen = audience.preview_audience(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=saved.id, now=now)
    firings = [due for due in run.firings(conn, campaign, now) if due.at > now]
    occasion = firings[0].occasion if firings else ""
    mails = {
        language: samples.preview_mail(
            conn, campaign, public_url=public_url, now=now, language=language, occasion=occasion
        )
        for language in campaign.message
    }
    measurable = power(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=saved.id, now=now)
    found = seen | {
        "campaign": campaign.key,
        "power": measurable,
        "hindrance": campaigns.frozen_store(conn),
        "offer": offer_of(conn, saved, seen["treated"], now),
        "baskets": _baskets(conn, campaign, now),
        "next": [
            {"occasion": due.occasion, "at": due.at.isoformat(), "confirmed": due.confirmed} for due in firings[:5]
        ],
        "mails": {
            language: {"subject": mail.subject, "text": mail.text, "missing": list(mail.missing)}
            for language, mail in mails.items()
        },
    }
    if campaign.steps:
        found["steps"] = steps_of(conn, campaign, public_url=public_url, now=now, treated=seen["treated"])
    return found


def _baskets(conn: Connection, campaign: Campaign, now: datetime) -> list[dict[str, Any]]:
    combine = campaign.guards.stacking == "combine"
    shops = baskets.shown(conn, campaign.offer, now, combine=combine) if campaign.offer else []
    return [baskets.as_json(one) for one in shops]


def check(conn: Connection, campaign: Campaign, *, public_url: str, now: datetime) -> list[str]:
    """What a save must look at: dates, rungs, wording, margin.

    Gives what is only worth knowing, in the language of the business.

    Raises ``BadCampaign`` with the path of each field that cannot be dated, rendered or afforded in this shop.
    """
    head = compose.letterhead(conn)
    problems = _unfitting(conn, campaign, head, now)
    for path, one in apart(campaign):
        problems += _unfit(conn, one, path, public_url, now)
    problems += _over(campaign, head, now)
    notes = []
    for path, one in offers_in(campaign):
        verdict = run.margin(conn, one, now)
        if verdict and not verdict.ok and campaign.guards.margin_floor:
            problems.append(Problem(path, verdict.refusal))
        elif verdict and not verdict.ok and not campaign.guards.margin_reason:
            problems.append(Problem("guards.margin_reason", run.NO_MARGIN_REASON))
        problems += _no_coin(conn, one, path) or _too_little(conn, one, path, now)
        notes += [verdict.sentence] if verdict else []
        notes += [_guess(verdict)] if verdict and verdict.guessed else []
        notes += _by_shop(conn, one)
    if problems:
        raise BadCampaign(tuple(problems))
    asked = [audience.meant(campaign, segments.by_key(conn)), *(getattr(step, "rule", None) for step in campaign.steps)]
    if silent := outlook.silent(conn, *asked):
        notes.append(UNFORETOLD[silent])
    if not head.shop.get("address"):
        notes.append("Your postal address is missing; the laws of many countries want it in every mail.")
    return [said(note, head.locale) for note in notes]


def _too_little(conn: Connection, campaign: Campaign, path: str, now: datetime) -> list[Problem]:
    """A budget that the very first code would break: nobody would get one."""
    offer = campaign.offer
    if offer is None or offer.budget is None or "variants" in path:
        return []
    currency, each = _each(conn, offer, offers.trade(conn, now, offer))
    if minor_units(offer.budget, currency) >= each:
        return []
    cost = f"{Money(each, currency).amount.normalize():f} {currency}"
    sentence = f"is less than one code may cost ({cost}), so nobody would get one; raise it."
    return [Problem(f"{path}.budget", sentence)]


def _guess(verdict: Verdict) -> str:
    share = f"{verdict.covered * 100:.0f} %"
    return f"Unit costs are known for {share} of your sales alone, so this margin is a guess."


def _no_coin(conn: Connection, campaign: Campaign, path: str) -> list[Problem]:
    """Sums that no till could take off: they come to nothing in the shop's money."""
    offer, currency = campaign.offer, str(conn.scalar(text("SELECT currency FROM merchant")))
    sums = {name: getattr(offer, name, None) for name in ("amount", "price", "spend", "most", "minimum", "budget")}
    if offer is not None and "fixed" in (offer.kind, getattr(offer, "gives", "")):
        sums["value"] = getattr(offer, "value", None)
    sentence = f"is less than the smallest coin of {currency}."
    return [
        Problem(f"{path}.{name}", sentence)
        for name, found in sums.items()
        if found and not minor_units(found, currency)
    ]


def _each(conn: Connection, offer: Offer, usual: Trade) -> tuple[str, int]:
    """The merchant's currency, and what one code is expected to cost in its minor units."""
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    basis = usual.average_shipping_minor if offer.kind == "free_shipping" else usual.average_order_minor
    return currency, liability(offer, currency, basis, trade=usual)


def _by_shop(conn: Connection, campaign: Campaign) -> list[str]:
    """What shops make of an offer that is more than a plain code, or why they cannot."""
    shops = realising.in_shops(conn, campaign.offer) if campaign.offer else []
    return [f"{shop.name}: {shop.realisation.told}" for shop in shops if shop.realisation.told.key != PLAIN]


def _unfit(conn: Connection, campaign: Campaign, path: str, public_url: str, now: datetime) -> list[Problem]:
    """What is wrong with one mail, in any of its languages."""
    proofed = proof(drafts_of(campaign), samples.sample_context(conn, campaign, public_url=public_url, now=now))
    problems = [Problem(f"{path}.{language}", fault) for language, faults in proofed.items() for fault in faults]
    for language in campaign.message:
        if language not in proofed:
            problems += _unreadable(conn, campaign, language, f"{path}.{language}", public_url, now)
    return problems


def _over(campaign: Campaign, head: Letterhead, now: datetime) -> list[Problem]:
    """Days that have been: that of a single firing, and those that steps wait for."""
    today, day = now.astimezone(ZoneInfo(head.timezone)).date(), getattr(campaign.trigger, "day", None)
    late = [Problem("trigger.day", run.day_over(day))] if day and day < today else []
    return late + [
        Problem(f"steps.{place}.date", f"{step.date} is over; nobody would wait for it.")
        for place, step in enumerate(campaign.steps)
        if isinstance(step, UntilStep) and step.date is not None and step.date < today
    ]


def drafts_of(campaign: Campaign) -> list[Draft]:
    """The parts a person wrote; recipes are ours and need no proof."""
    return [
        Draft(language, wording.subject, wording.preheader, body_of(wording, language))
        for language, wording in campaign.message.items()
        if not wording.recipe
    ]


def check_names(conn: Connection, campaign: Campaign, now: datetime) -> None:
    """Raises ``BadCampaign`` where it names a holiday, a rung or goods that this shop does not have, or cannot give."""
    if problems := _unfitting(conn, campaign, compose.letterhead(conn), now):
        raise BadCampaign(tuple(problems))


def _unfitting(conn: Connection, campaign: Campaign, head: Letterhead, now: datetime) -> list[Problem]:
    given = [(path, one.offer) for path, one in offers_in(campaign) if one.offer]
    return [
        *_unknown_holiday(conn, campaign, head, now),
        *_unknown_rungs(campaign, head),
        *_unknown_segment(conn, campaign),
        *(found for path, offer in given if (found := realising.problem(conn, path, offer, now))),
    ]


def _unknown_holiday(conn: Connection, campaign: Campaign, head: Letterhead, now: datetime) -> list[Problem]:
    if not isinstance(campaign.trigger, OnHoliday):
        return []
    keys = known(country_of(head.timezone), holidays.overrides(conn), year=now.year)
    if campaign.trigger.holiday in keys:
        return []
    sentence = f"{campaign.trigger.holiday!r} is not known. Known: {', '.join(keys)}."
    return [Problem("trigger.holiday", sentence)]


def _unknown_rungs(campaign: Campaign, head: Letterhead) -> list[Problem]:
    unknown = sorted(set(campaign.audience.rungs) - set(head.ladder.keys)) if campaign.audience.rungs != "all" else []
    sentence = f"no rung {', '.join(unknown)}. There are: {', '.join(head.ladder.keys)}."
    found = [Problem("audience.rungs", sentence)] if unknown else []
    for path, one in offers_in(campaign):
        for field in ("rungs", "by_rung"):
            if strange := sorted(set(getattr(one.offer, field, ())) - set(head.ladder.keys)):
                told = f"no rung {', '.join(strange)}. There are: {', '.join(head.ladder.keys)}."
                found.append(Problem(f"{path}.{field}", told))
    rung = campaign.trigger.rung if isinstance(campaign.trigger, OnEvent) else None
    if rung and rung not in head.ladder.keys:
        found.append(Problem("trigger.rung", f"no rung {rung}. There are: {', '.join(head.ladder.keys)}."))
    return found


def _unknown_segment(conn: Connection, campaign: Campaign) -> list[Problem]:
    try:
        audience.meant(campaign, segments.by_key(conn))
    except campaigns.Refused as error:
        return [Problem("audience.rule", str(error))]
    own = None if isinstance(campaign.audience.rule, str) else campaign.audience.rule
    if own is not None and (nobody := nature.contradiction(own, "audience.rule")):
        return [Problem(nobody.path, nobody.problem)]
    return []


def _unreadable(
    conn: Connection, campaign: Campaign, language: str, path: str, public_url: str, now: datetime
) -> list[Problem]:
    try:
        mail = samples.preview_mail(conn, campaign, public_url=public_url, now=now, language=language)
    except TemplateError as error:
        return [Problem(path, str(error))]
    mend = "is not known here; check the spelling, or give it a default."
    return [Problem(path, f"{name} {mend}") for name in mail.missing]


def offer_of(
    conn: Connection, saved: Saved, treated: int, now: datetime, usual: Trade | None = None
) -> dict[str, Any] | None:
    """What the offer costs for so many people if every code is used, and the margin guard's finding; None without.

    ``usual`` is the usual trade where somebody kept it.
    """
    offer = saved.campaign.offer
    if offer is None:
        return None
    usual = offers.trade(conn, now, offer, usual)
    currency, each = _each(conn, offer, usual)
    verdict = judge(offer, currency, usual)
    return _margin(verdict) | {
        "codes": treated,
        "liability_each": Money(each, currency).as_json(),
        "liability": Money(each * treated, currency).as_json(),
    }


def _margin(verdict: Verdict) -> dict[str, Any]:
    return {
        "ok": verdict.ok,
        "sentence": verdict.sentence,
        "discount": float(verdict.discount),
        "margin": float(verdict.margin) if verdict.margin is not None else None,
        "required_uplift": float(verdict.uplift) if verdict.uplift is not None else None,
        "break_even_share": float(verdict.extra) if verdict.extra is not None else None,
    }
