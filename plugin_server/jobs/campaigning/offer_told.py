"""What mails may say of an offer: the variables under ``offer``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from campaigns.offers.offer import EarlyAccess, MemberOnly, Offer, minimum_of, refs_of, value_of
from plugin_server.db.shops import goods

SAID: Final = (
    "pieces",
    "price",
    "buy",
    "get",
    "spend",
    "percent",
    "amount",
    "most",
    "wait_days",
    "keep_days",
    "times",
    "seats",
    "days",
    "own",
)


def told(conn: Connection, offer: Offer, currency: str) -> dict[str, Any]:
    """What is equal for all readers; sums and shares as plain numbers in text, ``product`` by its name in the shop."""
    made: dict[str, Any] = {"kind": offer.kind, "currency": currency, "valid_days": offer.valid_days}
    if (value := value_of(offer)) is not None:
        fixed = "fixed" in (offer.kind, getattr(offer, "gives", ""))
        made["amount" if fixed else "percent"] = number(value)
    for name in SAID:
        if (said := getattr(offer, name, None)) is not None:
            made[name] = number(said) if isinstance(said, Decimal) else said
    if isinstance(offer, MemberOnly | EarlyAccess) and offer.until:
        made["until"] = offer.until.isoformat()
    if refs := refs_of(offer):
        found = goods.anywhere(conn, refs)
        made["product"] = next((found[ref].title for ref in refs if ref in found), refs[0])
    return made | {"minimum": number(minimum_of(offer))} if minimum_of(offer) else made


def own_value(value: Decimal | None) -> dict[str, str]:
    """Where rungs are given different shares or sums, the reader's own is printed under either name."""
    return {} if value is None else {"percent": number(value), "amount": number(value)}


def number(value: Decimal) -> str:
    """Without needless zeros."""
    return format(value.normalize(), "f")
