"""What a customer sees of themselves: who, which rung, which codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from plugin_server.db.customers.finding import one
from plugin_server.db.models.consent import Consent
from plugin_server.db.models.merchant import Merchant
from plugin_server.db.models.offer import OfferCode, Redemption
from plugin_server.db.models.store import Store

MOST = 100
"""More codes than this nobody holds; a page must end somewhere."""


@dataclass(frozen=True, slots=True)
class Card:
    """A customer's own page. ``offers`` are codes that still work, the one that ends first on top.

    ``promises`` are those that need no code, such as cashback on the next order.
    """

    customer: Row[*tuple[Any, ...]]
    shop: Row[*tuple[Any, ...]]
    offers: list[Row[*tuple[Any, ...]]]
    consent: str
    promises: list[Row[*tuple[Any, ...]]] = field(default_factory=list)


def card(connection: Connection, customer_id: int, now: datetime) -> Card | None:
    """The card of a customer, or of whom they were merged into; None where there is no such customer any more.

    Offers of a shop that is connected no longer are left out: nobody knows whether it still takes their codes.
    """
    customer = one(connection, customer_id)
    if customer is None or customer.erased_at:
        return None
    used = exists().where(Redemption.offer_code_id == OfferCode.id, Redemption.released_at.is_(None))
    offers = connection.execute(
        select(
            OfferCode.code,
            OfferCode.kind,
            OfferCode.value,
            OfferCode.currency,
            OfferCode.minimum_minor,
            OfferCode.expires_at,
            OfferCode.terms,
            Store.url,
            Store.platform,
            OfferCode.store_id,
        )
        .join(Store, Store.id == OfferCode.store_id)
        .where(OfferCode.customer_id == customer.id, OfferCode.state == "issued", OfferCode.expires_at > now, ~used)
        .where(Store.state != "disconnected")
        .order_by(OfferCode.expires_at, OfferCode.id)
        .limit(MOST)
    ).all()
    shop = connection.execute(select(Merchant.name, Merchant.locale, Merchant.timezone, Merchant.currency)).one()
    return Card(customer, shop, list(offers), _said(connection, customer.id), _promised(connection, customer.id, now))


def _promised(connection: Connection, customer_id: int, now: datetime) -> list[Row[*tuple[Any, ...]]]:
    own = select(OfferCode.terms, OfferCode.currency, OfferCode.minimum_minor, OfferCode.expires_at).where(
        OfferCode.customer_id == customer_id, OfferCode.state == "promised", OfferCode.kind == "cashback"
    )
    return list(
        connection.execute(own.where(OfferCode.expires_at > now).order_by(OfferCode.expires_at).limit(MOST)).all()
    )


def _said(connection: Connection, customer_id: int) -> str:
    newest = connection.scalar(
        select(Consent.state)
        .where(Consent.customer_id == customer_id, Consent.channel == "email", Consent.topic == "promotions")
        .order_by(Consent.occurred_at.desc(), Consent.id.desc())
        .limit(1)
    )
    return newest or "unknown"
