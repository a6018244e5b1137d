"""The customer's card, opened by the link in a mail, and their no to promotions.

One-click unsubscribing (RFC 8058) is a POST to the same address as the page with the button.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from plugin_server.db.customers import consents
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import tenant
from plugin_server.wallet.setup import configured
from plugin_server.web.card.face import face, qr
from plugin_server.web.card.share import window
from plugin_server.web.card.storefront import shop_link
from plugin_server.web.card.team_view import my_teams
from plugin_server.web.card.visit import Visit, own
from plugin_server.web.context import services, words

pages = Blueprint("customer_card", __name__)


@pages.get("/c/<token>")
@own
def show(who: Visit) -> ResponseReturnValue:
    """The card: rung, codes that work, what is next."""
    with tenant(services().engine, who.merchant_id) as conn:
        front = face(conn, who.merchant_id, who.card, words())
        mates = my_teams(conn, who.merchant_id, who.customer_id)
        shop = front.best or window(conn, who.customer_id)
    shop_at = shop_link(shop, who.merchant_id, who.customer_id, services().now().date()) if shop else ""
    wallets = configured(services().settings)
    return who.page("card.html", face=front, qr=qr, mates=mates, shop_at=shop_at, wallets=wallets)


@pages.get("/c/<token>/unsubscribe")
@own
def ask(who: Visit) -> ResponseReturnValue:
    """Ask once; the button does it."""
    return who.page("card_unsubscribe.html")


@pages.post("/c/<token>/unsubscribe")
@own
def unsubscribe(who: Visit) -> ResponseReturnValue:
    """No more promotions, at once: by the page's button, or by the mail program in one click."""
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    _write(who, "unsubscribed", "one_click" if one_click else "card")
    return who.page("card_unsubscribed.html")


@pages.post("/c/<token>/preferences")
@own
def preferences(who: Visit) -> ResponseReturnValue:
    """Say yes or no to promotions."""
    _write(who, "subscribed" if request.form.get("promotions") == "yes" else "unsubscribed", "card")
    return who.back()


def _write(who: Visit, state: str, source: str) -> None:
    """What the customer said, in the log; saying it twice writes it once."""
    merchant, person = who.merchant_id, who.customer_id
    with tenant(services().engine, merchant) as conn:
        if consents.say(conn, merchant, person, state, source, services().now(), topic="promotions"):
            audit_log.record(conn, merchant, actor="customer", action=state, subject=f"customer {person}")
