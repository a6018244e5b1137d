"""Who placed these orders: the account's customer, else the one with that e-mail, else a new one; else nobody.

Reads ``in_order``; leaves two maps, ``in_account`` (external id → customer) and ``in_mail`` (e-mail as given →
customer), and ``in_new`` with the customers made. ``lay_out`` writes nothing yet: where nobody is known, who is coming
can be laid out in a room, for two connections to read.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.ingest.addresses import account, living, merged
from plugin_server.db.ingest.room import Room
from plugin_server.db.ingest.staging import staged

EMAIL = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]+$"
"""What may pass for an address. Shops that erase a person leave ``deleted@site.invalid``, which is nobody's."""

NEXT = "nextval((SELECT pg_get_serial_sequence('customer', 'id')::regclass))"

# Each pair of account and address once, of which the rest is read: of many orders, few are by somebody new.
_PERSONS = """
    SELECT customer_external_id AS external_id, email, max(seq) AS seq, min(placed_at) AS first_at
    FROM in_order WHERE customer_external_id IS NOT NULL OR email IS NOT NULL GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Two queries: ``persons`` gives (external_id, email, seq, first_at) of each pair of account and address, the
    last ``seq`` that names it and its first moment; ``tellers`` what each ``seq`` tells of a person.
    """

    persons: str
    tellers: str


ORDERS = Source(_PERSONS, "SELECT seq, name, phone, country, language, customer_external_id FROM in_order")
"""The orders themselves."""

# The row that speaks for an account is its last one with an address.
_ACCOUNTS = f"""
    SELECT p.external_id, {account("p.external_id")} AS customer_id, p.seq, p.email, p.first_at
    FROM (SELECT DISTINCT ON (external_id) external_id, seq, email,
                 min(first_at) OVER (PARTITION BY external_id) AS first_at
          FROM in_person WHERE external_id IS NOT NULL ORDER BY external_id, email IS NULL, seq DESC) AS p
"""

_MAILS = f"""
    WITH given AS (
        SELECT email, max(seq) AS seq, min(first_at) AS first_at
        FROM (SELECT email, seq, first_at FROM in_person WHERE external_id IS NULL
              UNION ALL
              SELECT email, seq, first_at FROM in_found WHERE customer_id IS NULL AND email IS NOT NULL) AS each
        GROUP BY email
    ), normal AS (
        SELECT *, lower(btrim(email)) AS email_norm FROM given
    ), valid AS (
        SELECT *, max(seq) OVER same AS last_seq, min(first_at) OVER same AS person_at
        FROM normal WHERE email_norm ~ :pattern AND length(email_norm) <= 254 AND email_norm <> 'deleted@site.invalid'
        WINDOW same AS (PARTITION BY email_norm)
    ), person AS MATERIALIZED (
        SELECT email_norm, seq, person_at AS first_at,
            {{found}} AS found
        FROM valid WHERE seq = last_seq
    ), numbered AS (
        SELECT *, coalesce(found, {NEXT}) AS customer_id FROM person
    )
    SELECT v.email, n.email_norm, n.customer_id, n.seq, n.first_at, n.found IS NULL AND v.seq = n.seq AS is_new,
        n.found IS NOT NULL AS known
    FROM valid v JOIN numbered n USING (email_norm)
"""

_OWNER = f"coalesce({living('valid.email_norm')}, {merged('valid.email_norm')})"
"""Whose address it is already."""

_NEW = """
    SELECT *, (row_number() OVER () - 1)::int AS place
    FROM (SELECT customer_id, email, email_norm, seq, first_at FROM in_mail WHERE is_new
          UNION ALL
          SELECT customer_id, NULL, NULL, seq, first_at FROM in_account WHERE is_new) AS each
"""

_ROW = (
    "id", "public_id", "merchant_id", "email", "email_norm", "first_name", "last_name", "phone", "country", "language",
    "source", "has_account", "enquired_at", "created_at",
)  # fmt: skip

_ROWS = """
    SELECT n.customer_id AS id, encode(substr(CAST(:names AS bytea), n.place * 16 + 1, 16), 'hex')::uuid AS public_id,
           CAST(:merchant AS bigint) AS merchant_id, btrim(n.email) AS email, n.email_norm,
           coalesce(split_part(o.name, ' ', 1), '') AS first_name,
           coalesce(substr(o.name, length(split_part(o.name, ' ', 1)) + 2), '') AS last_name,
           o.phone, o.country, o.language, 'order'::text AS source, o.customer_external_id IS NOT NULL AS has_account,
           n.first_at AS enquired_at, CAST(:now AS timestamptz) AS created_at
    FROM {new} n JOIN ({tellers}) AS o USING (seq)
"""

_KEPT = f"""
    SELECT {", ".join(_ROW)}, NULL::date AS birthday, '{{{{}}}}'::text[] AS tags, NULL::date AS member_since,
        NULL::bigint AS merged_into, NULL::timestamptz AS erased_at
    FROM ({_ROWS}) AS made
"""
"""The rows as they will be, with what is asked of customers when facts are read."""

_IDENTITIES = """
    INSERT INTO identity (merchant_id, store_id, external_id, customer_id)
    SELECT :merchant, :store, external_id, customer_id FROM in_account WHERE fresh
"""

# An order tells little of a person; it fills what is blank and never overrules. Who was just made has been told all.
_FILL = """
    UPDATE {customer} c SET
        first_name = CASE WHEN c.first_name = '' AND c.last_name = '' THEN coalesce(split_part(o.name, ' ', 1), '')
                     ELSE c.first_name END,
        last_name = CASE WHEN c.first_name = '' AND c.last_name = ''
                    THEN coalesce(substr(o.name, length(split_part(o.name, ' ', 1)) + 2), '') ELSE c.last_name END,
        phone = coalesce(c.phone, o.phone), country = coalesce(c.country, o.country),
        language = coalesce(c.language, o.language), has_account = c.has_account OR p.account,
        enquired_at = least(c.enquired_at, p.first_at)
    FROM (SELECT customer_id, max(seq) AS seq, min(first_at) AS first_at, bool_or(account) AS account
          FROM (SELECT customer_id, seq, first_at, true AS account FROM in_account WHERE NOT told
                UNION ALL SELECT customer_id, seq, first_at, false FROM in_mail WHERE known) AS each
          GROUP BY customer_id) AS p
    JOIN ({tellers}) AS o USING (seq)
    WHERE c.id = p.customer_id AND c.merchant_id = :merchant AND c.erased_at IS NULL
      AND ((c.first_name = '' AND c.last_name = '' AND o.name IS NOT NULL)
           OR (c.phone IS NULL AND o.phone IS NOT NULL) OR (c.country IS NULL AND o.country IS NOT NULL)
           OR (c.language IS NULL AND o.language IS NOT NULL) OR (p.account AND NOT c.has_account)
           OR c.enquired_at IS NULL OR p.first_at < c.enquired_at)
"""


def resolve(connection: Connection, *, merchant_id: int, store_id: int, now: datetime, people: Source = ORDERS) -> int:
    """Find or make the customers of ``in_order``; gives how many were made."""
    values = _found(connection, merchant_id=merchant_id, store_id=store_id, now=now, people=people)
    rows = f"INSERT INTO customer ({', '.join(_ROW)}) {_ROWS.format(new='in_new', tellers=people.tellers)}"
    made = connection.execute(text(rows), values).rowcount
    connection.execute(text(_IDENTITIES), values)
    connection.execute(text(_FILL.format(customer="customer", tellers=people.tellers)), values)
    return made


def nobody_yet(connection: Connection) -> bool:
    """Whether the merchant has neither customers nor accounts."""
    return not connection.scalar(text("SELECT EXISTS (SELECT FROM customer) OR EXISTS (SELECT FROM identity)"))


def lay_out(
    connection: Connection, room: Room, *, merchant_id: int, store_id: int, now: datetime, people: Source
) -> None:
    """The customers of ``in_order`` as rows of the room's table ``customer``, with both maps beside them.

    For a merchant with ``nobody_yet``. Their numbers are drawn, and nothing else is written.
    """
    # No address is known yet, so none has to be looked up.
    values = _found(
        connection, merchant_id=merchant_id, store_id=store_id, now=now, people=people, owner="NULL::bigint"
    )
    # Temporary tables are not read in parallel; the rows of the file are.
    for name in ("in_new", "in_account", "in_mail"):
        room.keep(connection, name, f"SELECT * FROM pg_temp.{name}")
        connection.execute(text(f"ANALYZE {room.table(name)}"))
    connection.execute(text("SET LOCAL parallel_tuple_cost = 0.01"))
    rows = _KEPT.format(new=room.table("in_new"), tellers=people.tellers)
    room.keep(connection, "customer", rows, values)
    # Most files have nobody of whom more than one row is to be heard.
    if connection.scalar(text("SELECT EXISTS (SELECT FROM in_account WHERE NOT told)")):
        connection.execute(text(f"ANALYZE {room.table('customer')} (id, merchant_id, erased_at)"))
        connection.execute(text(_FILL.format(customer=room.table("customer"), tellers=people.tellers)), values)


def write_laid_out(connection: Connection, room: Room, *, merchant_id: int, store_id: int) -> int:
    """Write what ``lay_out`` left, where ``in_account`` shows its map; gives how many customers were made."""
    row = ", ".join(_ROW)
    made = connection.execute(text(f"INSERT INTO customer ({row}) SELECT {row} FROM {room.table('customer')}")).rowcount
    connection.execute(text(_IDENTITIES), {"merchant": merchant_id, "store": store_id})
    return made


def show_laid_out(connection: Connection, room: Room, *, store_id: int) -> None:
    """Views in the place of ``customer`` and ``identity``, for whoever is to read them before they are written."""
    room.show(connection, "customer")
    connection.execute(
        text(
            f"CREATE TEMP VIEW identity AS SELECT {room.merchant_id:d}::bigint AS merchant_id, "
            f"{store_id:d}::bigint AS store_id, external_id, customer_id FROM in_account WHERE fresh"
        )
    )


def _found(
    connection: Connection, *, merchant_id: int, store_id: int, now: datetime, people: Source, owner: str = _OWNER
) -> dict[str, object]:
    """Leave the maps and ``in_new``; gives the values of the statements that write. ``owner`` is as ``_OWNER``."""
    values = {"merchant": merchant_id, "store": store_id, "now": now, "pattern": EMAIL}
    staged(connection, "in_person", people.persons, {})
    staged(connection, "in_found", _ACCOUNTS, values)
    staged(connection, "in_mail", _MAILS.format(found=owner), values)
    staged(
        connection,
        "in_account",
        f"""SELECT a.external_id, coalesce(a.customer_id, m.customer_id, {NEXT}) AS customer_id, a.seq, a.email,
                   a.first_at,
                   a.customer_id IS NULL AS fresh, a.customer_id IS NULL AND m.customer_id IS NULL AS is_new,
                   a.customer_id IS NULL AND (m.customer_id IS NULL OR (m.is_new AND m.seq = a.seq)) AS told
            FROM in_found a LEFT JOIN in_mail m ON a.customer_id IS NULL AND m.email = a.email""",
        values,
    )
    staged(connection, "in_new", _NEW, values)
    new = connection.scalar(text("SELECT count(*) FROM in_new")) or 0
    return values | {"names": _random_names(new)}


def _random_names(count: int) -> bytes:
    """So many random UUIDs, one after the other. One by one the database would take as long as for the rows."""
    made = bytearray(secrets.token_bytes(16 * count))
    made[6::16] = made[6::16].translate(_VERSION)
    made[8::16] = made[8::16].translate(_VARIANT)
    return bytes(made)


_VERSION = bytes(byte & 0x0F | 0x40 for byte in range(256))
_VARIANT = bytes(byte & 0x3F | 0x80 for byte in range(256))
