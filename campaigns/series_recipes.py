"""Series that are ready to use, in three languages: from the first yes to an order, a second order, back, and in."""

from __future__ import annotations

from typing import Any, Final

from campaigns.mail.holiday import LANGUAGES
from campaigns.mail.letters import letter

BOUGHT: Final = ["shopper", "customer", "member", "advocate", "raving_fan"]
_TEN: Final = {"kind": "percentage", "value": "10", "valid_days": 21}
_FREE: Final = {"kind": "free_shipping", "valid_days": 21}
_REGULAR: Final = {"kind": "cmp", "fact": "orders", "op": ">=", "value": 5}


def wordings(recipe: str) -> dict[str, dict[str, str]]:
    """A ready letter as the ``message`` of a campaign or a step."""
    made = {}
    for language in LANGUAGES:
        source = letter(recipe, language)
        made[language] = {"subject": source.subject, "preheader": source.preheader, "recipe": recipe}
    return made


def _mail(key: str, recipe: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "kind": "message", "message": wordings(recipe), **more}


def _wait(key: str, days: int) -> dict[str, Any]:
    return {"key": key, "kind": "wait", "days": days}


def _offer(key: str, offer: dict[str, Any]) -> dict[str, Any]:
    return {"key": key, "kind": "offer", "offer": offer}


def _goal(days: int, on: str = "order") -> dict[str, Any]:
    return {"key": "goal", "kind": "goal", "on": on, "days": days}


_MORNING: Final = {"key": "morning", "kind": "until", "at": "09:00", "zone": "customer"}
"""It comes on the day after the wait before it: mails leave a little after nine, and so do those who waited."""


def _welcome() -> list[dict[str, Any]]:
    return [
        _mail("welcome", "welcome"), _wait("settle", 4), _mail("look", "welcome_look"), _wait("think", 4), _MORNING,
        _offer("gift", _FREE), _mail("first-order", "first_order"), _wait("last-days", 14),
        _mail("ends", "first_order_ends"), _goal(10),
    ]  # fmt: skip


def _second_order() -> list[dict[str, Any]]:
    return [
        _mail("care", "care"), _wait("enjoy", 10), _MORNING, _offer("gift", _TEN),
        _mail("second-order", "second_order"), _wait("last-days", 14), _mail("ends", "code_ends"), _goal(10),
    ]  # fmt: skip


def _win_back() -> list[dict[str, Any]]:
    return [
        _mail("thinking", "thinking"), _wait("listen", 9), _MORNING, _offer("gift", _TEN),
        _mail("miss-you", "win_back"), _wait("last-days", 14), _mail("ends", "code_ends"), _wait("quiet", 10),
        {"key": "regular", "kind": "condition", "rule": _REGULAR, "then": "call", "else": "goal"},
        {"key": "call", "kind": "task", "title": "Call this regular customer",
         "note": "Three mails brought no order. Ask what went wrong; it is worth more than another discount."},
        _goal(14),
    ]  # fmt: skip


def _onboarding() -> list[dict[str, Any]]:
    return [
        _mail("card", "member_hello"), _wait("a-week", 7), _mail("wishes", "member_wishes"), _wait("two-weeks", 13),
        _MORNING, _mail("friend", "member_friend"), _goal(30, "climb"),
    ]  # fmt: skip


READY: Final = (
    ("welcome_series", "Welcome series", "Greets people who have just said yes, shows them around, and gives a first "
     "order without shipping; ends with that order.",
     {"event": "consent_given"}, ["suspect", "prospect"], None, _welcome, "climb", 45),
    ("second_order_series", "Second-order series", "Looks after shoppers once the first order has arrived, then asks "
     "for a second with a code; ends with that order.",
     {"event": "nth_order", "nth": 1, "after_days": 5}, ["shopper"], None, _second_order, "climb", 45),
    ("win_back_series", "Win-back series", "Asks those who are over their own rhythm what went wrong before it offers "
     "anything, and gives you regulars to call who stay away.",
     {"event": "overdue", "after_days": 7}, BOUGHT, 180, _win_back, "order", 60),
    ("member_onboarding", "Member on-boarding", "Shows new members their card, asks what they like, and three weeks "
     "later for a friend; ends when they climb.",
     {"event": "rung_up", "after_days": 1, "rung": "member"}, ["member"], None, _onboarding, "climb", 60),
)  # fmt: skip


def documents() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Key, name, why, and the campaign as plain data, of each."""
    made = []
    for key, name, why, trigger, rungs, again, steps, goal, window in READY:
        document = {
            "key": key.replace("_", "-"),
            "name": name,
            "trigger": {"kind": "event", "at": "09:00", **trigger},
            "audience": {"rungs": rungs},
            "again_after_days": again,
            "steps": steps(),
            "measure": {"goal": goal, "window_days": window, "holdout": "0.1"},
        }
        made.append((key, name, why, document))
    return made
