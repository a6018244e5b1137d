"""Where in the form each problem of a campaign belongs, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from werkzeug.datastructures import MultiDict

from campaigns.schema import Problem
from plugin_server.locales import LANGUAGES
from plugin_server.web.campaigning.offer_fields import COMMON, own_fields
from plugin_server.web.campaigning.steps import each, marked
from plugin_server.web.words import Words

SECTIONS = ("trigger", "audience", "offer", "message", "measure", "guards")
PLACES = {
    "name", "steps", "again_after_days", *SECTIONS,
    "trigger.day", "trigger.at", "trigger.holiday", "trigger.offsets_days", "trigger.every", "trigger.on_week",
    "trigger.on_month", "trigger.event", "trigger.after_days", "trigger.nth", "trigger.rung",
    "audience.rungs", "audience.rule", "audience.segment", "audience.topic",
    *(f"offer.{name}" for name in COMMON),
    "measure.goal", "measure.window_days", "measure.holdout",
    "guards.quiet_hours", "guards.quiet_hours.from", "guards.quiet_hours.to", "guards.frequency_cap",
    "guards.frequency_cap.messages", "guards.frequency_cap.days", "guards.priority", "guards.in_doubt",
    "guards.margin_reason", "guards.stacking", "guards.discount_share", "guards.discount_share.most",
    "guards.discount_share.orders", "guards.discount_fatigue", "guards.discount_fatigue.codes",
    "guards.discount_fatigue.days", "measure.variants",
}  # fmt: skip
"""Fields and sections beside which the page can show a fault; offers and mails have more."""
IN_STEP = {
    "key", "next", "then", "else", "days", "hours", "at", "weekday", "date", "zone", "rule", "topic", "tag", "title",
    "note", "url", "share",
}  # fmt: skip
"""Fields of a step beside those of its mail and its offer."""
OWN_TERMS = {
    "measure.holdout": "Give a number from 0 to 90.",
    "guards.discount_share.most": "Give a number from 0 to 99.",
    "trigger.offsets_days": "Give a number of days from 0 to 180.",
}
"""The schema counts in shares, and days before as negative ones; the form in percent, and in days before."""
ELSEWHERE = {"key": "name", "trigger.on": "trigger.on_week", "offer.kind": "offer"}


def by_field(problems: Iterable[Problem], given: MultiDict[str, str], words: Words) -> dict[str, str]:
    """Each problem's sentence by the form's field or section; what belongs to none is under ``""``."""
    found: dict[str, str] = {}
    for problem in problems:
        name, sentence = _placed(problem, given, words)
        if sentence not in found.get(name, ""):
            found[name] = f"{found[name]} {sentence}" if name in found else sentence
    return found


def _placed(problem: Problem, given: MultiDict[str, str], words: Words) -> tuple[str, str]:
    name, sentence = place(problem.path, given), words.why(problem.sentence)
    if name in ("trigger", "offer") or re.fullmatch(r"[sv]\d+\.offer", name):
        # A rule about several fields names the one it is about, often in front: "after_days: nobody knows …".
        path = re.sub(r"^v(\d+)", r"measure.variants.\1", re.sub(r"^s(\d+)", r"steps.\1", name))
        named = (place(f"{path}.{word}", given) for word in re.findall(r"\w+", problem.sentence))
        name = next((one for one in named if one != name), name)
        sentence = re.sub(r"^(after_days|nth|rung|on|value|comfort): ", "", sentence)
    if problem.path.startswith("steps"):
        sentence = _by_number(sentence, given, words)
    return name, words.said(OWN_TERMS.get(name, "")) or sentence


def _by_number(sentence: str, given: MultiDict[str, str], words: Words) -> str:
    """A step that a file calls by its key is the third one on the page."""
    for n, own in enumerate(each(given), start=1):
        sentence = sentence.replace(f"'{own.get('key', '')}'", f"{words('series.step').lower()} {n}")
    return sentence


def place(path: str, given: MultiDict[str, str]) -> str:
    """The field of a path in the schema, or the nearest section around it; ``""`` where there is none."""
    steps = ELSEWHERE.get(path, path).split(".")
    if steps[0] == "steps" and len(steps) > 1:
        return _in_part("s", steps[1:], each(given))
    if steps[:2] == ["measure", "variants"] and len(steps) > 2:
        return _in_part("v", steps[2:], marked(given, "v"))
    if steps[0] == "offer" and len(steps) > 1:
        kind = given.get("offer.kind", "")
        own = next((field.path for field in own_fields(kind) if field.name == steps[1]), "") if kind else ""
        if own and own.endswith(".by_rung") and len(steps) > 2:
            return f"{own}.{steps[2]}"
        return own or (f"offer.{steps[1]}" if steps[1] in COMMON else "offer")
    if steps[0] == "message":
        return _in_mail(steps)
    if steps[:2] == ["trigger", "on"]:
        return "trigger.on_month" if given.get("trigger.every") == "month" else "trigger.on_week"
    while steps and ".".join(steps) not in PLACES:
        steps.pop()
    return ".".join(steps)


def _in_part(mark: str, steps: list[str], parts: list[MultiDict[str, str]]) -> str:
    """``steps.2.offer.value`` is ``s2.offer.percentage.value``; what has no field of its own is told at its step."""
    at, inner = f"{mark}{steps[0]}", steps[1:]
    if inner and inner[0] in ("offer", "message"):
        own = dict(enumerate(parts)).get(int(steps[0]), MultiDict())
        return f"{at}.{place('.'.join(inner), own)}"
    return f"{at}.{inner[0]}" if inner and inner[0] in IN_STEP else at


def _in_mail(steps: list[str]) -> str:
    """``message.en.blocks.2.hero.heading`` is ``message.en.b2.heading``; MJML and HTML share one field."""
    if len(steps) < 3:
        return ".".join(steps)
    at, part = ".".join(steps[:2]), steps[2]
    if part == "blocks":
        return ".".join([at, f"b{steps[3]}", *steps[5:]]) if len(steps) > 5 else f"{at}.body"
    return {"mjml": f"{at}.source", "html": f"{at}.source", "recipe": f"{at}.body"}.get(part, f"{at}.{part}")


LABELS = {
    "trigger.day": "builder.day", "trigger.at": "builder.at", "trigger.holiday": "builder.holiday_is",
    "trigger.offsets_days": "builder.offsets", "trigger.event": "builder.event_is",
    "trigger.after_days": "builder.after_days", "trigger.nth": "builder.nth", "trigger.rung": "builder.rung",
    "trigger.on_week": "builder.on_weekday", "trigger.on_month": "builder.on_day", "audience.rungs": "builder.some",
    "audience.segment": "builder.segment", "audience.topic": "builder.topic", "measure.window_days": "builder.window",
    "measure.holdout": "builder.holdout", "guards.priority": "builder.priority",
    "guards.margin_reason": "builder.margin_reason",
    "guards.frequency_cap.messages": "builder.cap_messages", "guards.frequency_cap.days": "builder.cap_days",
}  # fmt: skip


def label(name: str, words: Words, currency: str) -> str:
    """What the page calls a field; empty for a whole question."""
    if name in LABELS:
        return words(LABELS[name])
    if own := re.fullmatch(r"([sv])(\d+)(?:\.(.*))?", name):
        inner = label(own[3], words, currency) if own[3] else ""
        part = words("series.step" if own[1] == "s" else "versions.one")
        return " · ".join(filter(None, (f"{part} {int(own[2]) + 1}", inner)))
    part, *steps = name.split(".")
    if part == "offer" and steps:
        keys = [f"offer_field.{steps[-1]}_{steps[0]}", f"offer_field.{steps[-1]}"]
        return next((words(key, currency=currency) for key in keys if words.has(key)), "")
    if part == "message" and steps:
        keys = [f"mail.{steps[-1]}", f"composer.{steps[-1]}", f"block_field.{steps[-1]}"]
        named = next((words(key) for key in keys if words.has(key)), "") if len(steps) > 1 else ""
        return " · ".join(filter(None, (LANGUAGES.get(steps[0], steps[0]), named)))
    return ""
