"""The customer's own pages, opened by the link in a mail: no account, no cookie, no script needed.

Opening changes nothing, for scanners open links; only a POST does. One-click unsubscribing (RFC 8058) is such a POST.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import consents
from plugin_server.db.customers.card import Card, card
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.vault import CustomerLink, read_customer_token
from plugin_server.wallet.setup import configured
from plugin_server.web.card.face import Face, face, qr
from plugin_server.web.card.storefront import shop_link
from plugin_server.web.card.team_view import my_teams
from plugin_server.web.context import page, services, speak
from plugin_server.web.words import Words, language_of, zone_of

pages = Blueprint("customer_card", __name__)


@pages.get("/c/<token>")
def show(token: str) -> ResponseReturnValue:
    """The card: rung, codes that work, what is next."""
    link = read_link(token)
    if link is None:
        return stranger()
    with tenant(services().engine, link.merchant_id) as connection:
        mine = card(connection, link.customer_id, services().now())
        if mine is None:
            return stranger()
        say = _speak(mine)
        front = face(connection, link, mine, say)
        mates = my_teams(connection, link.merchant_id, mine.customer.id)
    return page(
        "card.html", card=mine, token=token, face=front, qr=qr, mates=mates,
        shop_at=_shop_at(link.merchant_id, mine, front), wallets=configured(services().settings),
    )  # fmt: skip


def _shop_at(merchant_id: int, mine: Card, front: Face) -> str:
    today = services().now().date()
    return shop_link(front.best, merchant_id, mine.customer.id, today) if front.best else ""


@pages.get("/c/<token>/unsubscribe")
def ask(token: str) -> ResponseReturnValue:
    """Ask once; the button does it."""
    link = read_link(token)
    mine = of_link(link) if link else None
    return page("card_unsubscribe.html", card=mine, token=token) if mine else stranger()


@pages.post("/c/<token>/unsubscribe")
def unsubscribe(token: str) -> ResponseReturnValue:
    """No more promotions, at once: by the page's button, or by the mail program in one click."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    _write(link, mine.customer.id, "unsubscribed", "one_click" if one_click else "card")
    return page("card_unsubscribed.html", card=mine, token=token)


@pages.post("/c/<token>/preferences")
def preferences(token: str) -> ResponseReturnValue:
    """Say yes or no to promotions."""
    link = read_link(token)
    mine = of_link(link) if link else None
    if link is None or mine is None:
        return stranger()
    _write(link, mine.customer.id, "subscribed" if request.form.get("promotions") == "yes" else "unsubscribed", "card")
    return redirect(url_for("customer_card.show", token=token))


def read_link(token: str) -> CustomerLink | None:
    """Whom the link is for; None where it is not ours."""
    g.person = None
    return read_customer_token(services().settings.keys, token) if len(token) < 500 else None


def of_link(link: CustomerLink) -> Card | None:
    """The card behind a link, in whose language the page speaks from here on."""
    with tenant(services().engine, link.merchant_id) as connection:
        mine = card(connection, link.customer_id, services().now())
    if mine:
        _speak(mine)
    return mine


def _write(link: CustomerLink, customer_id: int, state: str, source: str) -> None:
    """What the customer said, in the log; saying it twice writes it once."""
    with tenant(services().engine, link.merchant_id) as connection:
        if consents.say(connection, link.merchant_id, customer_id, state, source, services().now(), topic="promotions"):
            audit_log.record(
                connection, link.merchant_id, actor="customer", action=state, subject=f"customer {customer_id}"
            )


def _speak(mine: Card) -> Words:
    """The customer's language, else what their browser asks for, else the shop's."""
    asked = request.accept_languages.best_match(["en", "id", "nl"])
    own = (mine.customer.language or "")[:2]
    made = Words(language_of(own, asked, mine.shop.locale), zone_of(mine.shop.timezone), services().now())
    speak(made)
    return made


def stranger() -> ResponseReturnValue:
    """The page for a link that is not ours."""
    return page("card_unknown.html"), 404
