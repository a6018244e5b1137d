"""What a step does, in the reader's language."""

from __future__ import annotations

import re
from typing import Any, Final

from babel.dates import get_day_names

from campaigns.ladder.sentences import sentence
from campaigns.schema import MessageStep, OfferStep
from campaigns.steps import ConditionStep, GoalStep, TagStep, TaskStep, UntilStep, WaitStep, WebhookStep
from plugin_server.web.campaigning import offer_words
from plugin_server.web.words import Words

PLACE: Final = re.compile(r"\{[{%].*?[}%]\}")
"""What stands for something of the reader's in a subject."""
GOALS: Final = {"order": "series.goal_order", "climb": "series.goal_climb"}


def does(step: Any, words: Words, currency: str) -> str:
    """Such as ``3 days``, ``Friday, 10:00`` or the subject of a mail."""
    if isinstance(step, WaitStep):
        parts = [words("series.days", n=step.days)] * bool(step.days) + [words("series.hours", n=step.hours)] * bool(
            step.hours
        )
        return ", ".join(parts)
    if isinstance(step, UntilStep):
        return _until(step, words)
    if isinstance(step, ConditionStep):
        return sentence(step.rule, words.language)
    if isinstance(step, MessageStep):
        language = words.language if words.language in step.message else next(iter(step.message))
        return PLACE.sub("…", step.message[language].subject)
    if isinstance(step, OfferStep):
        return offer_words.gift(step.offer, words, currency)
    if isinstance(step, GoalStep):
        said = sentence(step.rule, words.language) if step.rule else words(GOALS[step.on])
        return words("series.goal_days", goal=said, n=step.days) if step.days else said
    return _plain(step, words)


def _plain(step: Any, words: Words) -> str:
    if isinstance(step, TagStep):
        return words("series.untag" if step.remove else "series.tag", tag=step.tag)
    if isinstance(step, TaskStep):
        return step.title
    return step.url if isinstance(step, WebhookStep) else ""


def _until(step: UntilStep, words: Words) -> str:
    if step.date is not None:
        return words("series.on", day=words.day(step.date), at=f"{step.at:%H:%M}")
    if step.weekday is not None:
        day = get_day_names("wide", locale=words.language)[step.weekday - 1]
        return words("series.on", day=day, at=f"{step.at:%H:%M}")
    return f"{step.at:%H:%M}"
