"""What a person should know of rows that are taken all the same: ``csv_row`` → ``csv_reject`` with ``warning``."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, text

LONGEST = {"status": 400, "name": 400, "phone": 60, "coupon_codes": 2000, "line_sku": 400, "line_title": 400}
"""Characters that are kept of a field; the rest of it is left out."""

_EMAIL = (
    "'email: ''' || left(email, 80) || ''' is not an address; the order is taken without it'",
    r"email IS NOT NULL AND lower(email) !~ '^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]+$'",
)
_STATUS = (
    "'status: ''' || left(raw_status, 40) || ''' is not known, so the order does not count; write paid, pending, "
    "cancelled, failed or refunded'",
    "status = 'unknown'",
)
_NEGATIVE = (
    "'total: ' || total || ' is negative, so the order does not count; write what was given back under refunded, "
    "in the row of the order it was paid for'",
    "total < 0",
)
_TOO_LONG = ("too_long || ' characters are kept of it'", "too_long IS NOT NULL")


def note(connection: Connection, fields: Collection[str], *, by_line: bool) -> None:
    """Put down one warning at most for each row that was not refused."""
    due = [
        *([_EMAIL] if "email" in fields else []),
        *([_STATUS] if "status" in fields else []),
        # Of an order told by its lines, the lines that are returns make it negative: that is how they are told.
        *([_NEGATIVE] if "total" in fields and not by_line else []),
        _TOO_LONG,
    ]
    for reason, where in due:
        connection.execute(
            text(
                f"INSERT INTO csv_reject (row, reason, warning) SELECT row, {reason}, true FROM csv_row "
                f"WHERE {where} AND row NOT IN (SELECT row FROM csv_reject)"
            )
        )


def too_long(has: Collection[str]) -> str:
    """Which field of a row ``w`` of ``csv_raw`` is longer than what is kept of it, in SQL; NULL where none is."""
    tried = " ".join(
        # Bytes are known without a look at the text.
        f"WHEN octet_length(w.{name}) > {most} AND length(btrim(w.{name})) > {most} "
        f"THEN '{name}: it is very long; only the first {most}'"
        for name, most in LONGEST.items()
        if name in has
    )
    return f"CASE {tried} END" if tried else "NULL::text"
