"""An offer in one sentence, in the reader's language."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from campaigns.offers.offer import (
    BringAFriend,
    BuyGet,
    Cashback,
    EarlyAccess,
    FreeShipping,
    Gift,
    Offer,
    QuantityPrice,
    TeamDeal,
    inside,
    minimum_of,
    value_of,
)
from campaigns.recipes import YOURS
from plugin_server.db.shops import goods
from plugin_server.web.words import Words


def said(offer: Offer, words: Words, currency: str) -> str:
    """Such as ``Each gets a personal code: 10% off orders from Rp 100,000, valid for 14 days.``"""
    if isinstance(offer, TeamDeal | BringAFriend):
        return words("offer.together", gift=gift(offer, words, currency), n=offer.days)
    key = "promise" if isinstance(offer, Cashback) else "link" if _linked(offer) else "code"
    return words(f"offer.{key}", gift=gift(offer, words, currency), n=offer.valid_days)


def gift(offer: Offer, words: Words, currency: str) -> str:
    """What it is alone, such as ``10% off orders from Rp 100,000``."""
    if isinstance(offer, TeamDeal):
        return words("offer.team_deal", gift=gift(inside(offer), words, currency), n=offer.seats, days=offer.days)
    if isinstance(offer, BringAFriend):
        return _friend(offer, words, currency)
    said = words(f"offer.{_key(offer)}", **_figures(offer, words, currency))
    if minimum_of(offer) and not isinstance(offer, Gift):
        return words("offer.from", gift=said, amount=words.major(minimum_of(offer), currency))
    return said


def named(conn: Connection, offer: Offer) -> Offer:
    """The same with its gift called as the shop calls it, for reading alone."""
    found = goods.anywhere(conn, [offer.product]) if isinstance(offer, Gift) and offer.product != YOURS else {}
    return offer.model_copy(update={"product": found[offer.product].title}) if found else offer  # type: ignore[union-attr]


def _friend(offer: BringAFriend, words: Words, currency: str) -> str:
    first = offer.model_copy(update={"own": None})
    said = words("offer.bring_a_friend", gift=gift(inside(first), words, currency))
    return words("offer.both", gift=said, percent=offer.own) if offer.own else said


def _linked(offer: Offer) -> bool:
    return isinstance(offer, EarlyAccess) and offer.value is None


def _key(offer: Offer) -> str:
    if isinstance(offer, Cashback):
        return "cashback_percent" if offer.percent is not None else "cashback_amount"
    if isinstance(offer, EarlyAccess):
        return "early_percent" if offer.value is not None else "early_access"
    return offer.kind


def _figures(offer: Offer, words: Words, currency: str) -> dict[str, Any]:
    if isinstance(offer, FreeShipping):
        return {}
    if isinstance(offer, QuantityPrice):
        return {"pieces": offer.pieces, "amount": words.major(offer.price, currency)}
    if isinstance(offer, BuyGet):
        return {"buy": offer.buy, "get": offer.get}
    if isinstance(offer, Gift):
        return {
            "amount": words.major(offer.spend, currency),
            "product": words("offer.yours") if offer.product == YOURS else offer.product,
        }
    if isinstance(offer, Cashback):
        amount = words.major(offer.amount or Decimal(0), currency)
        return {"percent": offer.percent, "amount": amount, "days": offer.wait_days}
    value = value_of(offer) or Decimal(0)
    return {"percent": value, "amount": words.major(value, currency)}
