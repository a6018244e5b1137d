"""What a customer's page says of friends: their own link, what came of it, and the price a friend brought them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.referral import ReferralTerms
from plugin_server.db.customers import finding as customers
from plugin_server.db.friends import friend_promises, referrals
from plugin_server.vault import referral_token
from plugin_server.web.context import services


@dataclass(frozen=True, slots=True)
class Share:
    """``url`` is None where friends get nothing at the moment, or the thanks for them could not reach this customer.

    Those are customers who never ordered, and ones without an address. ``came`` is their own.
    """

    url: str | None
    terms: ReferralTerms
    brought: Row[Any]
    came: Row[Any] | None


def shop_at(conn: Connection, customer_id: int) -> str:
    """The address of the shop where this customer ordered last, to pass on without a price; "" where none is known."""
    return conn.scalar(text(_SHOP), {"c": customer_id}) or ""


_SHOP = """
SELECT s.url FROM shop_order o JOIN store s ON s.id = o.store_id
WHERE o.customer_id = :c AND o.counts AND s.state = 'connected' AND s.url LIKE 'http%'
ORDER BY o.placed_at DESC, o.id DESC LIMIT 1
"""


def window(conn: Connection, customer_id: int) -> Row[Any] | None:
    """The connected shop where this customer ordered last, else the first one: ``url``, ``platform``, ``store_id``."""
    return conn.execute(text(_WINDOW), {"c": customer_id}).one_or_none()


_WINDOW = """
SELECT s.url, s.platform, s.id AS store_id FROM store s
LEFT JOIN LATERAL (
    SELECT max(o.placed_at) AS at FROM shop_order o WHERE o.store_id = s.id AND o.customer_id = :c AND o.counts
) AS last ON true
WHERE s.state = 'connected' AND s.url LIKE 'http%' ORDER BY last.at DESC NULLS LAST, s.id LIMIT 1
"""


def shared(conn: Connection, merchant_id: int, customer_id: int) -> Share:
    """The part of a card about friends."""
    set_to, person = referrals.terms(conn), customers.one(conn, customer_id)
    promise = friend_promises.of_customer(conn, customer_id, services().now())
    set_to = promise.over(set_to) if promise else set_to
    url = None
    if set_to.on and person is not None and person.email and (person.orders or promise):
        token = referral_token(services().settings.keys, merchant_id, customer_id)
        url = f"{services().settings.public_url}/r/{token}"
    return Share(url, set_to, referrals.brought(conn, customer_id), referrals.of_friend(conn, customer_id))
