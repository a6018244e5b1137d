"""Accounts come in as a set. An account finds its customer by its id, else by its e-mail; else it makes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from connectors.types import Customer
from plugin_server.db.customers import identity
from plugin_server.db.ingest import consent as ingest_consent
from plugin_server.db.ingest.addresses import STORE, living, merged
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.people import EMAIL, NEXT
from plugin_server.db.ingest.staging import array, cut, put, sheet, staged, take_turn, words

ACCOUNT = (
    "seq bigint", "external_id text NOT NULL", "email text", "first_name text", "last_name text", "phone text",
    "country text", "language text", "created_at timestamptz", "updated_at timestamptz", "birthday date",
    "member_since date", "member_number text", "referred_by text", "tags text[]", "consent text",
    "consent_at timestamptz", "consent_source text", "content jsonb",
)  # fmt: skip

_CHANGES = f"""
    WITH given AS (
        SELECT a.*, CASE WHEN n.norm ~ :pattern AND length(n.norm) <= 254 AND n.norm <> 'deleted@site.invalid'
                    THEN n.norm END AS email_norm
        FROM in_customer a CROSS JOIN LATERAL (SELECT lower(btrim(a.email)) AS norm) AS n
    )
    SELECT g.*, i.id AS identity_id, i.customer_id AS known, coalesce(i.content, '{{}}') AS was,
           i.id IS NULL AS fresh, i.content IS DISTINCT FROM g.content AS differs
    FROM given g LEFT JOIN LATERAL (SELECT id, customer_id, content, provider_updated_at FROM identity
                                    WHERE store_id = {STORE} AND external_id = g.external_id LIMIT 1) AS i ON true
    WHERE i.id IS NULL
       OR ((g.updated_at IS NULL OR i.provider_updated_at IS NULL OR g.updated_at >= i.provider_updated_at)
           AND (i.content <> g.content OR g.updated_at IS DISTINCT FROM i.provider_updated_at))
"""

# Several accounts with one address are one person, also where none of them is known yet.
_PEOPLE = f"""
    WITH met AS MATERIALIZED (
        SELECT seq, external_id, email_norm, known, {living("in_account.email_norm")} AS live_id FROM in_account
    ), keyed AS (
        SELECT *, CASE WHEN live_id IS NULL THEN {merged("met.email_norm")} END AS gone_id,
               coalesce('e' || email_norm, 'x' || external_id) AS person
        FROM met
    ), target AS (
        SELECT person, coalesce(min(live_id), min(gone_id), min(known)) AS found, max(seq) AS seq
        FROM keyed GROUP BY person
    ), numbered AS (
        SELECT person, seq AS last_seq, found IS NULL AS is_new, coalesce(found, {NEXT}) AS id FROM target
    )
    SELECT k.seq, coalesce(k.known, n.id) AS customer_id, k.known, k.live_id,
           n.is_new AND n.last_seq = k.seq AS is_new
    FROM keyed k JOIN numbered n USING (person)
"""

_INSERT = """
    INSERT INTO customer (id, merchant_id, email, email_norm, source, has_account, enquired_at, created_at)
    SELECT p.customer_id, :merchant, CASE WHEN a.email_norm IS NOT NULL THEN btrim(a.email) END, a.email_norm,
           'account', true, coalesce(a.created_at, :now), :now
    FROM in_person p JOIN in_account a USING (seq) WHERE p.is_new
"""

# The store's word moves a field only when the store changed it: what a person told us here since then stays.
_UPDATE = """
    UPDATE customer c SET
        first_name = CASE WHEN {first} THEN coalesce(a.first_name, '') ELSE c.first_name END,
        last_name = CASE WHEN {first} THEN coalesce(a.last_name, '') ELSE c.last_name END,
        phone = {phone}, country = {country}, language = {language}, birthday = {birthday}, birthday_told_at =
            CASE WHEN {birthday} IS DISTINCT FROM c.birthday THEN :now ELSE c.birthday_told_at END,
        member_since = {member_since}, member_number = {member_number},
        tags = ARRAY(SELECT DISTINCT t FROM unnest(c.tags || a.tags) AS t ORDER BY t),
        has_account = true, enquired_at = least(c.enquired_at, coalesce(a.created_at, :now))
    FROM (SELECT DISTINCT ON (p.customer_id) p.customer_id, a.* FROM in_person p JOIN in_account a USING (seq)
          WHERE a.differs ORDER BY p.customer_id, a.updated_at DESC NULLS LAST, a.seq DESC) AS a
    WHERE c.id = a.customer_id AND c.erased_at IS NULL
"""

_IDENTITIES = (
    """INSERT INTO identity (merchant_id, store_id, external_id, customer_id, content, provider_updated_at)
       SELECT :merchant, :store, a.external_id, p.customer_id, a.content, a.updated_at
       FROM in_account a JOIN in_person p USING (seq) WHERE a.fresh ORDER BY a.external_id""",
    """UPDATE identity i SET content = a.content, provider_updated_at = coalesce(a.updated_at, i.provider_updated_at)
       FROM in_account a WHERE i.id = a.identity_id""",
)

# An account that took a new address takes its customer along, unless somebody lives there: then the two are one.
_MOVED = """
    UPDATE customer c SET email = btrim(a.email), email_norm = a.email_norm
    FROM (SELECT DISTINCT ON (email_norm) * FROM (
              SELECT DISTINCT ON (p.known) p.known AS person, a.*
              FROM in_person p JOIN in_account a USING (seq)
              WHERE p.known IS NOT NULL AND p.live_id IS NULL AND a.email_norm IS NOT NULL
              ORDER BY p.known, a.seq DESC) AS of_person
          ORDER BY email_norm, seq DESC) AS a
    WHERE c.id = a.person AND c.erased_at IS NULL
      AND (c.email_norm IS NULL
           OR (a.was ? 'email' AND lower(a.was ->> 'email') <> a.email_norm AND c.email_norm <> a.email_norm))
"""

_MEETINGS = """
    SELECT DISTINCT p.known, p.live_id FROM in_person p JOIN in_account a USING (seq)
    WHERE p.known <> p.live_id AND (NOT a.was ? 'email' OR lower(a.was ->> 'email') IS DISTINCT FROM a.email_norm)
    ORDER BY 1, 2
"""

_TAKES_ADDRESS = """
    UPDATE customer w SET email = l.email, email_norm = l.email_norm FROM customer l
    WHERE w.id = :winner AND l.id = :loser
"""

_REVIEWS = """
    UPDATE testimonial t SET customer_id = c.id
    FROM in_person p JOIN customer c ON c.id = p.customer_id
    WHERE t.merchant_id = :merchant AND t.customer_id IS NULL AND t.email_norm = c.email_norm
"""


def ingest_customers(
    connection: Connection, *, merchant_id: int, store_id: int, customers: Iterable[Customer], now: datetime
) -> Ingested:
    """Bring in one batch (some thousands) of a store's accounts, in the caller's transaction."""
    given = list(customers)
    newest = _newest(given)
    values = {"merchant": merchant_id, "store": store_id, "now": now, "pattern": EMAIL}
    take_turn(connection, merchant_id)
    put(connection, sheet("in_customer", ACCOUNT, (_row(seq, customer) for seq, customer in enumerate(newest))))
    staged(connection, "in_account", _CHANGES, values)
    staged(connection, "in_person", _PEOPLE, values)
    connection.execute(text(_INSERT), values)
    connection.execute(text(_MOVED), values)
    connection.execute(text(_update()), values)
    for statement in (*_IDENTITIES, _REVIEWS):
        connection.execute(text(statement), values)
    ingest_consent.from_store(connection, merchant_id=merchant_id, store_id=store_id, now=now)
    met = _meet(connection, now)
    rows = connection.execute(
        text("SELECT p.customer_id, a.fresh FROM in_person p JOIN in_account a USING (seq) WHERE a.differs")
    ).all()
    created = sum(row.fresh for row in rows)
    return Ingested(
        seen=len(given),
        created=created,
        updated=len(rows) - created,
        unchanged=len(given) - len(rows),
        touched=sorted({row.customer_id for row in rows} | met),
    )


def _meet(connection: Connection, now: datetime) -> set[int]:
    """Merge customers whose accounts turned out to share an address; the older row stays."""
    standing: dict[int, int] = {}
    touched: set[int] = set()
    for row in connection.execute(text(_MEETINGS)).all():
        one, other = _standing(standing, row.known), _standing(standing, row.live_id)
        if one == other:
            continue
        winner, loser = min(one, other), max(one, other)
        identity.merge(connection, winner, loser, "The account took the other's e-mail address.", "ingest", now)
        standing[loser] = winner
        if winner == one:
            connection.execute(text(_TAKES_ADDRESS), {"winner": winner, "loser": loser})
        touched |= {winner, loser}
    return touched


def _standing(standing: dict[int, int], person: int) -> int:
    while person in standing:
        person = standing[person]
    return person


def _update() -> str:
    fields = {
        name: f"CASE WHEN a.was ? '{name}' AND a.{name}::text IS NOT DISTINCT FROM a.was ->> '{name}' THEN c.{name} "
        f"ELSE {keep} END"
        for name, keep in {
            "phone": "coalesce(a.phone, c.phone)",
            "country": "coalesce(a.country, c.country)",
            "language": "coalesce(a.language, c.language)",
            "birthday": "coalesce(a.birthday, c.birthday)",
            "member_since": "CASE WHEN a.was ? 'member_since' THEN a.member_since "
            "ELSE coalesce(a.member_since, c.member_since) END",
            "member_number": "coalesce(a.member_number, c.member_number)",
        }.items()
    }
    first = (
        "(a.first_name IS NOT NULL OR a.last_name IS NOT NULL) AND NOT (a.was ? 'first_name' "
        "AND (a.was ->> 'first_name', a.was ->> 'last_name') IS NOT DISTINCT FROM (a.first_name, a.last_name))"
    )
    return _UPDATE.format(first=first, **fields)


def _newest(customers: Sequence[Customer]) -> list[Customer]:
    kept: dict[str, Customer] = {}
    for customer in customers:
        known = kept.get(customer.external_id)
        if known and known.updated_at and customer.updated_at and customer.updated_at < known.updated_at:
            continue
        kept[customer.external_id] = customer
    return list(kept.values())


def _row(seq: int, customer: Customer) -> tuple[Any, ...]:
    told: dict[str, Any] = {
        "email": cut(customer.email, 254),
        "first_name": cut(customer.first_name),
        "last_name": cut(customer.last_name),
        "phone": cut(customer.phone, 60),
        "country": cut(customer.country, 60),
        "language": cut(customer.language, 20),
        "created_at": customer.created_at,
        "birthday": customer.birthday,
        "member_since": customer.member_since,
        "member_number": cut(customer.member_number),
        "referred_by": cut(customer.referred_by, 254),
        "tags": words(customer.tags),
        "consent": customer.consent,
        "consent_at": customer.consent_at,
        "consent_source": cut(customer.consent_source),
    }
    content = {name: value.isoformat() if isinstance(value, date) else value for name, value in told.items()}
    return (
        seq, customer.external_id[:200], told["email"], told["first_name"], told["last_name"], told["phone"],
        told["country"], told["language"], customer.created_at, customer.updated_at, customer.birthday,
        customer.member_since, told["member_number"], told["referred_by"], array(customer.tags), customer.consent,
        customer.consent_at, told["consent_source"], json.dumps(content),
    )  # fmt: skip
