"""Who stands at a customer's own page: whoever holds the link that came by mail. No account, no cookie.

Opening changes nothing, for scanners open links; only a POST does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers.card import Card, card
from plugin_server.db.session import tenant
from plugin_server.locales import LANGUAGES
from plugin_server.vault import CustomerLink, read_customer_token
from plugin_server.web.context import page, services, speak
from plugin_server.web.words import Words, language_of, zone_of

LONGEST = 500
"""No link of ours is as long as that."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a link of their own, and the card behind it: their own, or of whom they were merged into."""

    token: str
    link: CustomerLink
    card: Card

    @property
    def merchant_id(self) -> int:
        """Whose customer they are."""
        return self.link.merchant_id

    @property
    def customer_id(self) -> int:
        """Who they are now."""
        return int(self.card.customer.id)

    def page(self, template: str, **values: Any) -> str:
        """A page of theirs, which knows ``card`` and ``token``."""
        return page(template, card=self.card, token=self.token, **values)

    def back(self) -> ResponseReturnValue:
        """To their card."""
        return redirect(url_for("customer_card.show", token=self.token))


def own(route: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """The route is called with the visit first, and speaks the customer's language; others see the strangers' page."""

    @wraps(route)
    def opened(token: str, **named: Any) -> ResponseReturnValue:
        who = visit(token)
        return route(who, **named) if who else stranger()

    return opened


def visit(token: str) -> Visit | None:
    """Who holds this link; None where it is not ours, or nobody stands behind it any more."""
    g.person = None
    link = read_customer_token(services().settings.keys, token) if len(token) < LONGEST else None
    if link is None:
        return None
    g.host = link.merchant_id
    with tenant(services().engine, link.merchant_id) as conn:
        mine = card(conn, link.customer_id, services().now())
    if mine is None:
        return None
    greet(mine.shop, (mine.customer.language or "")[:2], mine.customer.country)
    return Visit(token, link, mine)


def greet(shop: Any, language: str = "", country: str | None = None) -> None:
    """Speak the customer's language, else what their browser asks for, else the shop's (``locale``, ``timezone``).

    Days are written as in their ``country``, where that is known.
    """
    g.person = None
    asked = request.accept_languages.best_match(list(LANGUAGES))
    speak(Words(language_of(language, asked, shop.locale), zone_of(shop.timezone), services().now(), country))


def stranger() -> ResponseReturnValue:
    """The page for a link that is not ours."""
    return page("card_unknown.html"), 404
