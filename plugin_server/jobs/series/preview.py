"""A series before its launch: what each step does and where it leads, how its mails read, what its offers may cost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from campaigns.offers.margin import liability
from campaigns.schema import Campaign, MessageStep, OfferStep
from campaigns.series_parts import part, series_of
from campaigns.steps import ConditionStep, GoalStep, TagStep, TaskStep, UntilStep, WaitStep, WebhookStep
from connectors.types import Money
from plugin_server.db.offers import codes as offers
from plugin_server.db.series.told import flow
from plugin_server.jobs.sending import samples


def steps_of(
    conn: Connection, campaign: Campaign, *, public_url: str, now: datetime, treated: int
) -> list[dict[str, Any]]:
    """``[{"key", "kind", "to", "does"}]``, with ``mails`` by language for a message and ``liability`` for an offer.

    The liability is what the codes come to if all who would enter now get one and use it.
    """
    made = []
    for one, step in zip(flow(series_of(campaign)), campaign.steps, strict=True):
        told: dict[str, Any] = one | {"does": does(step)}
        if isinstance(step, MessageStep):
            told["mails"] = _mails(conn, part(campaign, step.key), public_url, now)
        if isinstance(step, OfferStep):
            told["liability"] = cost(conn, part(campaign, step.key), treated, now)
        made.append(told)
    return made


def _mails(conn: Connection, letter: Campaign, public_url: str, now: datetime) -> dict[str, Any]:
    made = {}
    for language in letter.message:
        mail = samples.preview_mail(conn, letter, public_url=public_url, now=now, language=language)
        made[language] = {"subject": mail.subject, "text": mail.text, "missing": list(mail.missing)}
    return made


def cost(conn: Connection, campaign: Campaign, treated: int, now: datetime) -> dict[str, str] | None:
    """What an offer comes to if so many people get its code and use it; None without an offer."""
    offer = campaign.offer
    if offer is None:
        return None
    currency, usual = str(conn.scalar(text("SELECT currency FROM merchant"))), offers.trade(conn, now, offer)
    shipping = usual.average_shipping_minor if offer.kind == "free_shipping" else 0
    each = liability(offer, currency, shipping or usual.average_order_minor, trade=usual)
    return Money(each * treated, currency).as_json()


def does(step: Any) -> str:
    """In a few words what a step does, as commands print it."""
    if isinstance(step, WaitStep):
        parts = [f"{step.days} days"] * bool(step.days) + [f"{step.hours} hours"] * bool(step.hours)
        return f"wait {' and '.join(parts)}"
    if isinstance(step, UntilStep):
        day = f"weekday {step.weekday}" if step.weekday else str(step.date or "the next day it is")
        return f"wait until {day}, {step.at:%H:%M}, by the {step.zone}'s clock"
    if isinstance(step, ConditionStep):
        return "ask the rule"
    if isinstance(step, MessageStep):
        return f"mail in {', '.join(sorted(step.message))}"
    if isinstance(step, OfferStep):
        return f"make a code ({step.offer.kind}, {step.offer.valid_days} days)"
    if isinstance(step, TagStep):
        return f"{'take off' if step.remove else 'put on'} the tag {step.tag}"
    if isinstance(step, TaskStep):
        return f"task: {step.title}"
    if isinstance(step, WebhookStep):
        return f"POST to {step.url}"
    if isinstance(step, GoalStep):
        return f"goal: {step.on}, {step.days} days more"
    return "end"
