"""Who becomes a member, by whose hand, and under which number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, text

from campaigns.membership import MembershipTerms, member_number
from plugin_server.db.ladder import rungs
from plugin_server.db.merchant import audit_log


def terms(conn: Connection) -> MembershipTerms:
    """What the merchant of this transaction has set; off where nothing was ever set."""
    return MembershipTerms(**(conn.scalar(text("SELECT settings->'membership' FROM merchant")) or {}))


def save_terms(conn: Connection, chosen: MembershipTerms) -> None:
    """Keep checked terms."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('membership', CAST(:t AS jsonb))"),
        {"t": json.dumps(asdict(chosen))},
    )


def invited(conn: Connection, merchant_id: int, customer_id: int) -> bool:
    """Whether this customer may enrol by themselves now: a consistent buyer, no member yet, and not with mode off."""
    set_to = terms(conn)
    return set_to.mode != "off" and customer_id in _consistent(conn, merchant_id, set_to, customer_id)


def enrol(conn: Connection, merchant_id: int, customer_ids: Sequence[int], *, by: str, now: datetime) -> list[int]:
    """Make these customers members from today (shop's zone) on; gives those who were none before.

    A number that the shop gave stays; others get the next of ours. Two at once enrol nobody twice, for the rows are
    held, and give no number twice, for the counter stands in the merchant's row. Written to the audit log, one entry
    each. Who calls has facts and rungs read anew.
    """
    new = list(conn.scalars(text(_HOLD), {"ids": sorted(set(customer_ids))}))
    if not new:
        return []
    unnumbered = set(conn.scalars(text("SELECT id FROM customer WHERE id = ANY(:ids) AND member_number IS NULL"),
                                  {"ids": new}))  # fmt: skip
    numbers = _numbers(conn, len(unnumbered))
    given = {person: numbers.pop() if person in unnumbered else None for person in new}
    conn.execute(text(_ENROL), {"ids": list(given), "numbers": list(given.values()), "now": now})
    for person in new:
        audit_log.record(conn, merchant_id, actor=by, action="member_enrolled", subject=f"customer {person}")
    return new


def end(conn: Connection, merchant_id: int, customer_id: int, *, by: str) -> bool:
    """End a membership; the number stays with the customer, should they come back. False where there was none."""
    ended = conn.execute(
        text("UPDATE customer SET member_since = NULL WHERE id = :id AND member_since IS NOT NULL"), {"id": customer_id}
    ).rowcount
    if ended:
        audit_log.record(conn, merchant_id, actor=by, action="member_ended", subject=f"customer {customer_id}")
    return bool(ended)


def due(conn: Connection, merchant_id: int, limit: int = 5000) -> list[int]:
    """Consistent buyers whom the terms enrol by themselves; nobody unless the mode is ``auto``.

    Who has a number already was a member once: whose membership was ended comes back by a tap or by hand alone.
    """
    set_to = terms(conn)
    return _consistent(conn, merchant_id, set_to, None, limit) if set_to.mode == "auto" else []


def _consistent(
    conn: Connection, merchant_id: int, set_to: MembershipTerms, only: int | None, limit: int = 1
) -> list[int]:
    keys = [rung.key for rung in rungs.shop(conn, merchant_id).ladder.rungs]
    high = keys[keys.index(set_to.rung) :] if set_to.rung in keys else []
    given = {"rungs": high, "least": set_to.least_orders, "only": only, "limit": limit}
    return list(conn.scalars(text(_CONSISTENT), given))


def _numbers(conn: Connection, count: int) -> list[str]:
    """So many numbers that nobody of this merchant has, the shop's own among them; the first one is last."""
    made: list[str] = []
    while len(made) < count:
        last = int(conn.scalar(text(_COUNT), {"n": count - len(made)}) or 0)
        places = range(last - (count - len(made)) + 1, last + 1)
        wanted = [member_number(place) for place in places]
        known = set(conn.scalars(text(_KNOWN), {"wanted": [*wanted, *(one.replace(" ", "") for one in wanted)]}))
        made += [one for one in wanted if one not in known and one.replace(" ", "") not in known]
    return made[::-1]


_HOLD = """
SELECT id FROM customer WHERE id = ANY(:ids) AND merged_into IS NULL AND erased_at IS NULL AND member_since IS NULL
ORDER BY id FOR NO KEY UPDATE
"""
_ENROL = """
UPDATE customer c SET member_since = (CAST(:now AS timestamptz) AT TIME ZONE m.timezone)::date,
       member_number = coalesce(c.member_number, given.number)
FROM unnest(CAST(:ids AS bigint[]), CAST(:numbers AS text[])) AS given(id, number), merchant m
WHERE c.id = given.id
"""
_CONSISTENT = """
SELECT c.id FROM customer c JOIN customer_facts f ON f.customer_id = c.id
WHERE c.member_since IS NULL AND c.merged_into IS NULL AND c.erased_at IS NULL AND f.orders >= :least
  AND f.rung = ANY(:rungs)
  AND CASE WHEN CAST(:only AS bigint) IS NULL THEN c.member_number IS NULL ELSE c.id = :only END
ORDER BY c.id LIMIT :limit
"""
_COUNT = """
UPDATE merchant SET settings = settings || jsonb_build_object(
    'member_last', coalesce((settings->>'member_last')::bigint, 0) + :n)
RETURNING (settings->>'member_last')::bigint
"""
_KNOWN = "SELECT member_number FROM customer WHERE member_number = ANY(:wanted)"
