"""Campaigns that are ready to use, in three languages, and what a wording's body is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from campaigns.mail.holiday import LANGUAGES, holiday_message
from campaigns.schema import Campaign, Wording, parse

BODIES: Final = ("holiday_discount",)
"""Templates that a wording may name as its ``recipe``."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A campaign to start from; ``why`` says in one sentence when it is the right one."""

    key: str
    name: str
    why: str
    document: dict[str, Any]

    @property
    def campaign(self) -> Campaign:
        """The recipe as a checked campaign."""
        return parse(self.document)


def holiday_discount(holiday: str = "eid_al_fitr", *, key: str = "", name: str = "", percent: str = "10") -> Recipe:
    """A thank-you with a personal discount before a holiday, for those who have bought at least once."""
    document = {
        "key": key or f"{holiday.replace('_', '-')}-thanks",
        "name": name or "Holiday thank-you",
        "trigger": {"kind": "holiday", "holiday": holiday, "offsets_days": [-14], "at": "09:00"},
        "audience": {"rungs": ["shopper", "customer", "member", "advocate", "raving_fan"]},
        "offer": {"kind": "percentage", "value": percent, "valid_days": 14},
        "message": {language: _holiday_wording(language) for language in LANGUAGES},
        "measure": {"goal": "order", "window_days": 14, "holdout": "0.1"},
    }
    why = "Thanks those who have bought before a holiday, with a personal code that works once."
    return Recipe("holiday_discount", "Holiday thank-you with a discount", why, document)


def _holiday_wording(language: str) -> dict[str, str]:
    source = holiday_message(language)
    return {"subject": source.subject, "preheader": source.preheader, "recipe": "holiday_discount"}


def recipes() -> list[Recipe]:
    """All recipes, in the order in which they are shown."""
    return [holiday_discount()]


def body_of(wording: Wording, language: str) -> str:
    """The MJML of a wording, with its Liquid. Whatever the merchant wrote, it ends with a way to say no."""
    if wording.recipe:
        return holiday_message(language).mjml
    source = wording.mjml or _framed(wording.html or "")
    return source if "links.unsubscribe" in source else _signed(source, language)


def _framed(html: str) -> str:
    inner = re.search(r"<body[^>]*>(.*)</body>", html, re.DOTALL | re.IGNORECASE)
    styles = "".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL | re.IGNORECASE))
    body = re.sub(r"<style[^>]*>.*?</style>", "", inner[1] if inner else html, flags=re.DOTALL | re.IGNORECASE)
    head = f"<mj-head><mj-style>{styles}</mj-style></mj-head>" if styles else ""
    return f"<mjml>{head}<mj-body><mj-raw>{body}</mj-raw></mj-body></mjml>"


_FOOTER: Final = {
    "en": ("You receive this mail because you agreed to hear about our offers.", "Unsubscribe"),
    "id": ("Anda menerima email ini karena Anda setuju menerima penawaran kami.", "Berhenti berlangganan"),
    "nl": ("Je krijgt deze mail omdat je onze aanbiedingen wilt ontvangen.", "Afmelden"),
}


def _signed(source: str, language: str) -> str:
    why, no = _FOOTER.get(language[:2], _FOOTER["en"])
    footer = (
        '<mj-section><mj-column><mj-text font-size="14px" color="#5B6270">'
        f'{why} <a href="{{{{ links.unsubscribe }}}}">{no}</a><br />{{{{ shop.name }}}}, {{{{ shop.address }}}}'
        "</mj-text></mj-column></mj-section>"
    )
    return re.sub(r"</mj-body>(?!.*</mj-body>)", lambda end: footer + end[0], source, count=1, flags=re.DOTALL)
