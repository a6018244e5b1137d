"""Finding customers, fast at half a million of them, and one customer with all that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, collate, func, or_, select, union

from campaigns.membership import spellings
from plugin_server.db.customers.spelling import after as after_all
from plugin_server.db.customers.spelling import folded, phone_end
from plugin_server.db.models.customer import Customer
from plugin_server.db.models.facts import CustomerFacts

COLUMNS = (
    Customer.id,
    Customer.email,
    Customer.first_name,
    Customer.last_name,
    CustomerFacts.rung,
    CustomerFacts.rung_since,
    CustomerFacts.activity,
    CustomerFacts.orders,
    CustomerFacts.spend_minor,
    CustomerFacts.last_order_at,
)
MOST_MATCHES = 50
LEAST_PART = 3
MOST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for: the beginning of a name, with or without accents; an address or a part of it; the end of
    a telephone number; a whole member number; a rung, an activity.

    Empty means all.
    """

    text: str = ""
    rung: str = ""
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the last order (None: customers without one) and id of its last row."""

    last_order_at: datetime | None
    customer_id: int


def find(
    connection: Connection, wish: Wish, *, after: Place | None = None, limit: int = 50
) -> list[Row[*tuple[Any, ...]]]:
    """A page of customers, newest order first, those without an order last.

    With a text there is one page only, of at most ``MOST_MATCHES``: somebody who types wants one person.
    """
    if wish.text.strip():
        return _matches(connection, wish)
    base = select(*COLUMNS).join(CustomerFacts, CustomerFacts.customer_id == Customer.id).where(*_filters(wish))
    found: list[Row[*tuple[Any, ...]]] = []
    if wish.activity != "none" and (after is None or after.last_order_at is not None):
        found = list(connection.execute(_buyers(base, after).limit(limit)))
    if len(found) < limit and wish.activity in ("", "none"):
        rest = base.where(CustomerFacts.last_order_at.is_(None)).order_by(CustomerFacts.customer_id)
        if after and after.last_order_at is None:
            rest = rest.where(CustomerFacts.customer_id > after.customer_id)
        found += connection.execute(rest.limit(limit - len(found)))
    return found


def _buyers(base: Select[*tuple[Any, ...]], after: Place | None) -> Select[*tuple[Any, ...]]:
    query = base.where(CustomerFacts.last_order_at.is_not(None))
    if after and after.last_order_at:
        # The first condition is for the index, the second cuts within the same instant.
        query = query.where(
            CustomerFacts.last_order_at <= after.last_order_at,
            or_(
                CustomerFacts.last_order_at < after.last_order_at,
                CustomerFacts.customer_id > after.customer_id,
            ),
        )
    return query.order_by(CustomerFacts.last_order_at.desc().nulls_last(), CustomerFacts.customer_id)


def _filters(wish: Wish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Customer.merged_into.is_(None)]
    if wish.rung:
        found.append(CustomerFacts.rung == wish.rung)
    if wish.activity:
        found.append(CustomerFacts.activity == wish.activity)
    return found


def _matches(connection: Connection, wish: Wish) -> list[Row[*tuple[Any, ...]]]:
    """One index range per column, each bounded; then the few found are put in order.

    Where none of them finds anybody, addresses are read through for the text in their middle.
    """
    narrow = bool(wish.rung or wish.activity)
    found = _rows(connection, wish, [Customer.member_number.in_(spellings(wish.text)), *_asked(wish.text, narrow)])
    part = wish.text.strip().lower()
    if found or len(part) < LEAST_PART or " " in part:
        return found
    return _rows(connection, wish, [Customer.email_norm.contains(part, autoescape=True)])


def _rows(connection: Connection, wish: Wish, conditions: Sequence[ColumnElement[bool]]) -> list[Row[*tuple[Any, ...]]]:
    branches = [
        select(Customer.id)
        .join(CustomerFacts, CustomerFacts.customer_id == Customer.id)
        .where(condition, *_filters(wish))
        .limit(MOST_MATCHES)
        for condition in conditions
    ]
    ids = union(*branches).subquery()
    query = (
        select(*COLUMNS)
        .join(CustomerFacts, CustomerFacts.customer_id == Customer.id)
        .where(Customer.id.in_(select(ids.c.id)))
        .order_by(CustomerFacts.last_order_at.desc().nulls_last(), CustomerFacts.customer_id)
    )
    return list(connection.execute(query.limit(MOST_MATCHES)))


def _asked(text: str, narrow: bool) -> list[ColumnElement[bool]]:
    """Names and numbers by functions that may use their indexes; addresses need none.

    ``narrow``: beside other filters the conditions stand alone, since the first fifty of a name may all be on another
    rung.
    """
    name, end = folded(text), phone_end(text)
    words = name.split(" ")
    halves = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, min(len(words), MOST_WORDS))]
    found = [_by_name(name, "", narrow), _by_last_name(name, narrow)] if name else []
    found += [_by_name(first, last, narrow) for first, last in halves]
    if end:
        phoned = func.tangga_customers_phoned(end, after_all(end))
        digits = func.reverse(func.regexp_replace(Customer.phone, r"\D", "", "g"))
        found.append(_begins(digits, end) if narrow else Customer.id.in_(select(phoned)))
    whole = " ".join(text.lower().split())
    return found if " " in whole else [*found, _begins(Customer.email_norm, whole)]


def _by_name(first: str, last: str, narrow: bool) -> ColumnElement[bool]:
    if narrow:
        begun = _begins(func.tangga_folded(Customer.first_name), first)
        return and_(begun, _begins(func.tangga_folded(Customer.last_name), last)) if last else begun
    named = func.tangga_customers_first_named
    return Customer.id.in_(select(named(first, after_all(first), last, after_all(last) if last else chr(0x10FFFF))))


def _by_last_name(name: str, narrow: bool) -> ColumnElement[bool]:
    if narrow:
        return _begins(func.tangga_folded(Customer.last_name), name)
    return Customer.id.in_(select(func.tangga_customers_last_named(name, after_all(name))))


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """``column`` begins with ``prefix``, as a range that a C-collated index answers."""
    bytewise = collate(column, "C")
    return and_(bytewise >= prefix, bytewise < after_all(prefix))


def one(connection: Connection, customer_id: int) -> Row[*tuple[Any, ...]] | None:
    """A customer with facts; a merged one gives the person it was merged into."""
    winner = connection.scalar(
        select(func.coalesce(Customer.merged_into, Customer.id)).where(Customer.id == customer_id)
    )
    if winner is None:
        return None
    if winner != customer_id:
        return one(connection, winner)
    return connection.execute(
        select(
            *COLUMNS,
            Customer.phone,
            Customer.country,
            Customer.language,
            Customer.birthday,
            Customer.member_since,
            Customer.member_number,
            Customer.source,
            Customer.created_at,
            Customer.erased_at,
            CustomerFacts.average_order_minor,
            CustomerFacts.first_order_at,
            CustomerFacts.refunded_minor,
            CustomerFacts.discount_orders,
            CustomerFacts.referrals_converted,
            CustomerFacts.reviews,
            CustomerFacts.consent_promotions,
        )
        .outerjoin(CustomerFacts, CustomerFacts.customer_id == Customer.id)
        .where(Customer.id == customer_id)
    ).first()


def display_names(connection: Connection, customer_ids: Sequence[int]) -> dict[int, str]:
    """Name, else address, else number, of the given customers."""
    rows = connection.execute(
        select(Customer.id, Customer.first_name, Customer.last_name, Customer.email).where(
            Customer.id.in_(customer_ids)
        )
    )
    return {row.id: f"{row.first_name} {row.last_name}".strip() or row.email or f"#{row.id}" for row in rows}
