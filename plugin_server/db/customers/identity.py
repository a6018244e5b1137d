"""Two rows found to be one person: merged, written down, and taken apart again if it was a mistake.

A merge names every row that changes hands, so that undoing it gives each back and touches nothing that came later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

HANDS = {
    "identities": ("identity", "customer_id"),
    "orders": ("shop_order", "customer_id"),
    "consents": ("consent", "customer_id"),
    "testimonials": ("testimonial", "customer_id"),
    "advocates": ("referral", "advocate_id"),
    "messages": ("message", "customer_id"),
    "codes": ("offer_code", "customer_id"),
    "redemptions": ("redemption", "customer_id"),
    "points": ("point_entry", "customer_id"),
    "claims": ("reward_claim", "customer_id"),
    "credits": ("credit_intent", "customer_id"),
    "answers": ("survey_answer", "customer_id"),
    "founded": ("team", "founder_id"),
    "seats": ("team_seat", "customer_id"),
    "team_letters": ("team_letter", "customer_id"),
    "places": ("series_place", "customer_id"),
    "tasks": ("owner_task", "customer_id"),
    "calls": ("series_call", "customer_id"),
    "merged": ("customer", "merged_into"),
}
"""What changes hands: the name in ``moved`` → table and the column that says whose it is."""

GUARDED = {
    "advocates": "AND friend_id <> :winner",
    "answers": "AND NOT EXISTS (SELECT FROM survey_answer w WHERE w.customer_id = :winner "
    "AND w.question = survey_answer.question AND w.occasion = survey_answer.occasion)",
    "founded": "AND NOT EXISTS (SELECT FROM team w WHERE w.founder_id = :winner AND w.deal_id = team.deal_id)",
    "team_letters": "AND NOT EXISTS (SELECT FROM team_letter w WHERE w.customer_id = :winner "
    "AND w.team_id = team_letter.team_id AND w.occasion = team_letter.occasion)",
    "places": "AND NOT EXISTS (SELECT FROM series_place w WHERE w.customer_id = :winner "
    "AND (w.run_id = series_place.run_id OR (w.campaign_id = series_place.campaign_id AND w.left_at IS NULL)))",
    "messages": "AND NOT EXISTS (SELECT FROM message w WHERE w.customer_id = :winner "
    "AND w.run_id = message.run_id AND w.step = message.step) "
    # Who was drawn into the group that gets nothing, or left out, is not written to by way of the other.
    "AND NOT (message.state = 'planned' AND EXISTS (SELECT FROM audience_member w WHERE w.customer_id = :winner "
    "AND w.run_id = message.run_id))",
    "codes": "AND NOT EXISTS (SELECT FROM offer_code w WHERE w.customer_id = :winner "
    "AND w.run_id = offer_code.run_id AND w.store_id = offer_code.store_id)",
}
"""What stays where it is, because the winner has its own."""

FILLED = ("phone", "country", "language", "timezone", "birthday", "member_since", "member_number", "enquired_at")


class MergeRefused(ValueError):
    """These two cannot be merged, or this merge cannot be undone; the sentence says why."""


def merge(connection: Connection, winner: int, loser: int, reason: str, by: str, now: datetime) -> int:
    """Make ``loser`` one with ``winner``; gives the id of the merge. Raises ``MergeRefused``."""
    rows = {row.id: row for row in connection.execute(_BOTH, {"ids": [winner, loser]})}
    if winner == loser or len(rows) < 2 or any(row.merged_into or row.erased_at for row in rows.values()):
        raise MergeRefused("Both must be there, not merged already, not erased, and not the same.")
    values = {"winner": winner, "loser": loser}
    moved: dict[str, Any] = {
        name: _hand_over(connection, table, column, GUARDED.get(name, ""), values)
        for name, (table, column) in HANDS.items()
    }
    moved["friends"] = list(connection.scalars(_FRIEND, values))
    moved["before"] = connection.scalar(_BEFORE, values)
    connection.execute(text("UPDATE customer SET merged_into = :winner WHERE id = :loser"), values)
    connection.execute(_FILL, values)
    merge_id: int = connection.execute(
        _LOG, values | {"merchant": rows[winner].merchant_id, "reason": reason, "moved": moved, "by": by, "now": now}
    ).scalar_one()
    return merge_id


def unmerge(connection: Connection, merge_id: int, by: str, now: datetime) -> tuple[int, int]:
    """Take a merge apart; gives (winner, loser), whose facts are to be read anew. Raises ``MergeRefused``."""
    found = connection.execute(_UNDO, {"id": merge_id, "by": by, "now": now}).one_or_none()
    if found is None:
        raise MergeRefused(f"There is no merge {merge_id} that is not undone yet.")
    values = {"winner": found.winner_id, "loser": found.loser_id, "moved": found.moved}
    taken = connection.scalar(_TAKEN, values)
    if taken:
        raise MergeRefused(f"The address of customer {found.loser_id} belongs to customer {taken} by now. Merge those.")
    for name, (table, column) in HANDS.items():
        _give_back(connection, table, column, found.moved.get(name, []), values)
    _give_back(connection, "referral", "friend_id", found.moved.get("friends", []), values)
    # The winner gives the address back first: two living customers cannot have the same one.
    connection.execute(_RESTORE, values)
    connection.execute(text("UPDATE customer SET merged_into = NULL WHERE id = :loser"), values)
    return found.winner_id, found.loser_id


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom an address leads to. ``merged_into`` names the survivor where the address itself was given up, else None."""

    id: int
    merged_into: str | None

    def note(self, email: str) -> str:
        """A line that says so to people; empty where there is nothing to say."""
        return f"{email.strip()} was merged into {self.merged_into}.\n" if self.merged_into else ""

    def as_json(self) -> dict[str, str]:
        """``{"merged_into"}``, or nothing."""
        return {"merged_into": self.merged_into} if self.merged_into else {}


def owner(connection: Connection, email: str) -> Owner | None:
    """The living customer behind an address, also behind one that was merged away; None where nobody ever had it."""
    row = connection.execute(_WHOSE, {"email": email.strip().lower()}).first()
    return None if row is None else Owner(int(row.survivor), row.winner)


def called(connection: Connection, number: str) -> Owner | None:
    """The living customer whom one shop calls by this number; None where none does, or two shops mean two people."""
    query = text(
        "SELECT DISTINCT customer_id FROM identity WHERE store_id IN (SELECT id FROM store) AND external_id = :number"
    )
    found = connection.scalars(query, {"number": number.strip()}).all()
    return Owner(int(found[0]), None) if len(found) == 1 else None


def person(connection: Connection, email: str) -> int:
    """The living customer with this address. Raises ``MergeRefused`` with a sentence where there is none."""
    row = connection.execute(_WHOSE, {"email": email.strip().lower()}).first()
    if row is None:
        raise MergeRefused(f"No customer has the address {email.strip()!r}.")
    if row.winner is not None:
        raise MergeRefused(f"{email.strip()} was merged into {row.winner} already.")
    return int(row.id)


def last_merge(connection: Connection, email: str) -> int:
    """The newest merge by which the customer of this address was given up. Raises ``MergeRefused``."""
    found = connection.scalar(_LAST_MERGE, {"email": email.strip().lower()})
    if found is None:
        raise MergeRefused(f"{email.strip()!r} was merged into nobody, or that is undone.")
    return int(found)


def _hand_over(connection: Connection, table: str, column: str, guard: str, values: dict[str, Any]) -> list[int]:
    statement = f"UPDATE {table} SET {column} = :winner WHERE {column} = :loser {guard} RETURNING id"
    return list(connection.scalars(text(statement), values))


def _give_back(connection: Connection, table: str, column: str, ids: Sequence[int], values: dict[str, Any]) -> None:
    if ids:
        statement = f"UPDATE {table} SET {column} = :loser WHERE id = ANY(:ids) AND {column} = :winner"
        connection.execute(text(statement), values | {"ids": list(ids)})


_WHOSE = text(
    """SELECT c.id, coalesce(w.id, c.id) AS survivor, coalesce(w.email, 'customer ' || w.id) AS winner
       FROM customer c LEFT JOIN customer w ON w.id = c.merged_into
       WHERE c.email_norm = :email ORDER BY c.merged_into IS NOT NULL, c.id DESC LIMIT 1"""
)

_LAST_MERGE = text(
    """SELECT m.id FROM customer_merge m JOIN customer l ON l.id = m.loser_id
       WHERE m.undone_at IS NULL AND l.email_norm = :email AND l.merged_into IS NOT NULL ORDER BY m.id DESC LIMIT 1"""
)

_BOTH = text("SELECT id, merchant_id, merged_into, erased_at FROM customer WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")

# One friend has one advocate: where both rows were brought, the winner's own stands and the loser's stays with it.
_FRIEND = text(
    """UPDATE referral SET friend_id = :winner
       WHERE friend_id = :loser AND advocate_id <> :winner
         AND NOT EXISTS (SELECT FROM referral w WHERE w.friend_id = :winner)
       RETURNING id"""
)

_BEFORE = text(
    f"""SELECT jsonb_build_object('has_account', has_account, 'first_name', first_name, 'last_name', last_name,
               'email', email, 'email_norm', email_norm, 'tags', to_jsonb(tags),
               {", ".join(f"'{name}', {name}" for name in FILLED)})
        FROM customer WHERE id = :winner"""
)

# What the winner lacks, the loser gives.
_FILL = text(
    f"""UPDATE customer w SET has_account = w.has_account OR l.has_account,
            first_name = CASE WHEN w.first_name = '' AND w.last_name = '' THEN l.first_name ELSE w.first_name END,
            last_name = CASE WHEN w.first_name = '' AND w.last_name = '' THEN l.last_name ELSE w.last_name END,
            email = coalesce(w.email, l.email), email_norm = coalesce(w.email_norm, l.email_norm),
            tags = ARRAY(SELECT DISTINCT t FROM unnest(w.tags || l.tags) AS t ORDER BY t),
            {", ".join(f"{name} = coalesce(w.{name}, l.{name})" for name in FILLED if name != "enquired_at")},
            enquired_at = least(w.enquired_at, l.enquired_at)
        FROM customer l WHERE w.id = :winner AND l.id = :loser"""
)

_LOG = text(
    """INSERT INTO customer_merge (merchant_id, winner_id, loser_id, reason, moved, merged_at, merged_by)
       VALUES (:merchant, :winner, :loser, :reason, :moved, :now, :by) RETURNING id"""
).bindparams(bindparam("moved", type_=JSONB))

_UNDO = text(
    """UPDATE customer_merge SET undone_at = :now, undone_by = :by WHERE id = :id AND undone_at IS NULL
       RETURNING winner_id, loser_id, moved"""
).columns(moved=JSONB)

_TAKEN = text(
    """SELECT other.id FROM customer l JOIN customer other
           ON other.merchant_id = l.merchant_id AND other.email_norm = l.email_norm AND other.merged_into IS NULL
       WHERE l.id = :loser AND other.id <> :winner"""
)

_WAS = "jsonb_populate_record(NULL::customer, :moved -> 'before')"
_RESTORED = ("has_account", "first_name", "last_name", "email", "email_norm", "tags", *FILLED)

# Only what the merge itself filled in goes away again: what came later stays.
_RESTORE = text(
    f"""UPDATE customer w SET {
        ", ".join(
            f"{name} = CASE WHEN w.{name} IS NOT DISTINCT FROM l.{name} THEN b.{name} ELSE w.{name} END"
            for name in _RESTORED
            if name not in ("has_account", "tags")
        )
    }, has_account = b.has_account OR EXISTS (SELECT FROM identity i WHERE i.customer_id = w.id),
        tags = ARRAY(SELECT t FROM unnest(w.tags) AS t WHERE t <> ALL(l.tags) OR t = ANY(b.tags) ORDER BY t)
        FROM customer l, {_WAS} AS b
        WHERE w.id = :winner AND l.id = :loser"""
).bindparams(bindparam("moved", type_=JSONB))
