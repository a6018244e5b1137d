"""Contacts of a file come in as a set: customers by their address, their consent written down when it is news."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, text

from connectors.types import Customer
from plugin_server.db.ingest.addresses import living, merged
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.people import NEXT
from plugin_server.db.ingest.staging import array, cut, put, sheet, staged, take_turn

CONTACT = (
    "seq bigint", "email text", "first_name text", "last_name text", "phone text", "country text", "language text",
    "birthday date", "consent text", "consent_at timestamptz", "consent_source text", "tags text[]",
)  # fmt: skip

_PEOPLE = f"""
    WITH known AS (
        SELECT k.*, lower(btrim(k.email)) AS email_norm FROM in_contact k
    ), matched AS MATERIALIZED (
        SELECT k.*, coalesce({living("k.email_norm")}, {merged("k.email_norm")}) AS found FROM known k
    )
    SELECT *, coalesce(found, {NEXT}) AS customer_id, found IS NULL AS is_new FROM matched
"""

_INSERT = """
    INSERT INTO customer (id, merchant_id, email, email_norm, source, created_at)
    SELECT customer_id, :merchant, btrim(email), email_norm, :source, :now FROM in_person WHERE is_new
"""

# What the file leaves empty stays; tags are added.
_UPDATE = """
    UPDATE customer c SET first_name = n.first_name, last_name = n.last_name, phone = n.phone, country = n.country,
        language = n.language, birthday = n.birthday, tags = n.tags, birthday_told_at =
            CASE WHEN n.birthday IS DISTINCT FROM c.birthday THEN :now ELSE c.birthday_told_at END
    FROM (SELECT c.id, coalesce(p.first_name, c.first_name) AS first_name,
                 CASE WHEN p.first_name IS NULL THEN c.last_name ELSE coalesce(p.last_name, '') END AS last_name,
                 coalesce(p.phone, c.phone) AS phone, coalesce(p.country, c.country) AS country,
                 coalesce(p.language, c.language) AS language, coalesce(p.birthday, c.birthday) AS birthday,
                 CASE WHEN p.tags <@ c.tags THEN c.tags
                      ELSE ARRAY(SELECT DISTINCT t FROM unnest(c.tags || p.tags) AS t ORDER BY t) END AS tags
          FROM in_person p JOIN customer c ON c.id = p.customer_id WHERE c.erased_at IS NULL) AS n
    WHERE c.id = n.id AND (c.first_name, c.last_name, c.phone, c.country, c.language, c.birthday, c.tags)
        IS DISTINCT FROM (n.first_name, n.last_name, n.phone, n.country, n.language, n.birthday, n.tags)
    RETURNING c.id
"""

# An undated yes proves nothing newer than a no we hold; an undated word that is held already is no news.
_CONSENT = """
    INSERT INTO consent (merchant_id, customer_id, state, level, source, evidence, occurred_at, recorded_at)
    SELECT :merchant, p.customer_id, p.consent, 'single', coalesce(p.consent_source, :source), :source,
        coalesce(p.consent_at, :now), :now
    FROM in_person p
    LEFT JOIN LATERAL (SELECT state, occurred_at FROM consent
                       WHERE customer_id = p.customer_id AND channel = 'email' AND topic = 'promotions'
                       ORDER BY occurred_at DESC, id DESC LIMIT 1) AS held ON true
    WHERE p.consent IS NOT NULL
      AND (held.state IS NULL
           OR (held.state <> p.consent
               AND CASE WHEN p.consent_at IS NULL THEN p.consent = 'unsubscribed' OR held.state <> 'unsubscribed'
                   ELSE p.consent_at > held.occurred_at END))
    RETURNING customer_id
"""


def ingest_contacts(
    connection: Connection, *, merchant_id: int, contacts: Iterable[Customer], source: str, now: datetime
) -> Ingested:
    """Bring in one chunk of contacts, whose addresses are valid; ``source`` says where they come from."""
    given = {contact.external_id: contact for contact in contacts}
    values = {"merchant": merchant_id, "source": source[:200], "now": now}
    take_turn(connection, merchant_id)
    rows = (
        (
            seq, contact.email, cut(contact.first_name), cut(contact.last_name), cut(contact.phone, 60),
            cut(contact.country, 60), cut(contact.language, 20), contact.birthday, contact.consent,
            contact.consent_at, cut(contact.consent_source), array(contact.tags),
        )
        for seq, contact in enumerate(given.values())
    )  # fmt: skip
    put(connection, sheet("in_contact", CONTACT, rows))
    staged(connection, "in_person", _PEOPLE, values)
    created = set(connection.scalars(text("SELECT customer_id FROM in_person WHERE is_new")))
    connection.execute(text(_INSERT), values)
    changed = set(connection.scalars(text(_UPDATE), values)) | set(connection.scalars(text(_CONSENT), values))
    updated = changed - created
    return Ingested(
        seen=len(given),
        created=len(created),
        updated=len(updated),
        unchanged=len(given) - len(created) - len(updated),
        touched=sorted(created | updated),
    )
