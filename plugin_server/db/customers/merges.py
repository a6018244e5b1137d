"""What a person is told before two customers become one, and before a merge is undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from campaigns.referral import GMAIL, mailbox
from plugin_server.db.customers import finding as customers
from plugin_server.db.customers import identity
from plugin_server.db.customers.identity import GUARDED, HANDS, MergeRefused
from plugin_server.db.customers.spelling import phone_end
from plugin_server.db.points import programme as points

LETTERS = 6
"""Of an address at Gmail: 32 ways to set dots among them."""
SHOWN = ("orders", "identities", "messages", "points", "codes", "consents", "answers", "advocates", "seats")
"""What owners know by a word, in the order of telling; the rest is counted together."""


@dataclass(frozen=True, slots=True)
class Look:
    """One customer as the pages show them: the row of ``customers.one``, points and newest word on mails."""

    person: Row[Any]
    points: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A merge tried out and taken back. ``moves`` and ``stays``: rows by kind that change hands, or cannot."""

    keeps: Look
    goes: Look
    after: Look
    moves: dict[str, int]
    stays: dict[str, int]


@dataclass(frozen=True, slots=True)
class Undoing:
    """What taking a merge apart would do: rows that go back by kind, and what came since and stays where it is."""

    merge: Row[Any]
    back: dict[str, int]
    since: dict[str, int]
    spent: int


def look(conn: Connection, customer_id: int, now: datetime) -> Look:
    """A customer who is there. Raises ``MergeRefused`` for nobody."""
    person = customers.one(conn, customer_id)
    if person is None:
        raise MergeRefused("Both must be there, not merged already, not erased, and not the same.")
    return Look(person, points.balance(conn, person.id, now).available)


def counted(conn: Connection, winner: int, loser: int) -> tuple[dict[str, int], dict[str, int]]:
    """(rows that would change hands, rows that stay since the winner has their own), by kind, without empty ones."""
    moves, stays = {}, {}
    for name, (table, column) in HANDS.items():
        free = f"count(*) FILTER (WHERE true {GUARDED.get(name, '')})"
        sql = f"SELECT {free}, count(*) FROM {table} WHERE {column} = :loser"
        going, all_of_them = conn.execute(text(sql), {"winner": winner, "loser": loser}).one()
        moves[name], stays[name] = going, all_of_them - going
    return _told(moves), _told(stays)


def alike(conn: Connection, customer_id: int, limit: int = 5) -> list[Row[Any]]:
    """Others who may be the same person: the same telephone, mailbox or full name, with how many of these agree."""
    person = customers.one(conn, customer_id)
    if person is None:
        return []
    box = mailbox(person.email) if person.email else ""
    given = {"id": person.id, "limit": limit, "first": person.first_name, "last": person.last_name,
             "phone": phone_end(person.phone or ""),
             "starts": starts(box), "bare": box.partition("@")[0].replace(".", "")}  # fmt: skip
    rows = conn.execute(text(_ALIKE), given).all()
    return [row for row in rows if row.same_phone or row.same_name or (row.email and mailbox(row.email) == box)]


def starts(box: str) -> list[str]:
    """How addresses that lead to this mailbox can begin, each to be looked for in an index; empty for none.

    Gmail takes dots anywhere: all ways to set them among the first ``LETTERS`` are named, which leaves few others.
    """
    name, _, domain = box.partition("@")
    if not name:
        return []
    if domain not in GMAIL:
        return [f"{name}@{domain}", f"{name}+"]
    head, whole = name[:LETTERS], len(name) <= LETTERS
    ways = [""]
    for place, letter in enumerate(head):
        ways = [f"{way}{dot}{letter}" for way in ways for dot in (("", ".") if place else ("",))]
    return [f"{way}{end}" for way in ways for end in (("@", "+") if whole else ("",))]


def merges_of(conn: Connection, customer_id: int) -> list[Row[Any]]:
    """Merges into this customer that still stand, newest first: ``id, email, name, reason, merged_at, merged_by``."""
    return list(conn.execute(text(_MERGES), {"id": customer_id}))


def undoing(conn: Connection, merge_id: int) -> Undoing | None:
    """What taking this merge apart would do; None where there is no such merge that stands."""
    merge = conn.execute(text(_MERGE), {"id": merge_id}).one_or_none()
    if merge is None:
        return None
    back = {name: len(merge.moved.get(name, [])) for name in HANDS}
    since = {}
    for name in ("orders", "messages", "points"):
        table, column = HANDS[name]
        when = {"orders": "placed_at", "messages": "planned_at", "points": "recorded_at"}[name]
        sql = f"SELECT count(*) FROM {table} WHERE {column} = :w AND {when} > :at"
        since[name] = int(conn.scalar(text(sql), {"w": merge.winner_id, "at": merge.merged_at}) or 0)
    spent = conn.scalar(text(_SPENT), {"lots": merge.moved.get("points", []), "at": merge.merged_at})
    return Undoing(merge, _told(back), {name: count for name, count in since.items() if count}, int(spent or 0))


def undone(conn: Connection, merge_id: int) -> int | None:
    """The customer who stayed in a merge that was undone since; None where there was none."""
    done = "SELECT winner_id FROM customer_merge WHERE id = :id AND undone_at IS NOT NULL"
    kept: int | None = conn.scalar(text(done), {"id": merge_id})
    return kept


def rehearse(conn: Connection, winner: int, loser: int, now: datetime, read: Callable[[], None]) -> Rehearsal:
    """Merge, look, and take it all back. ``read`` brings facts and rungs up to date. Raises ``MergeRefused``."""
    trial = conn.begin_nested()
    try:
        moves, stays = counted(conn, winner, loser)
        keeps, goes = look(conn, winner, now), look(conn, loser, now)
        identity.merge(conn, winner, loser, "rehearsal", "rehearsal", now)
        read()
        after = look(conn, winner, now)
    finally:
        trial.rollback()
    return Rehearsal(keeps, goes, after, moves, stays)


def _told(found: dict[str, int]) -> dict[str, int]:
    told = {name: found.get(name, 0) for name in SHOWN}
    told["others"] = sum(count for name, count in found.items() if name not in SHOWN)
    return {name: count for name, count in told.items() if count}


_ALIKE = r"""
SELECT c.id, c.email, btrim(c.first_name || ' ' || c.last_name) AS name, f.orders,
       length(:phone) = 9
           AND coalesce(left(reverse(regexp_replace(c.phone, '\D', '', 'g')), 9) = :phone, false) AS same_phone,
       (c.first_name = :first AND c.last_name = :last AND :first <> '' AND :last <> '') AS same_name
FROM customer c LEFT JOIN customer_facts f ON f.customer_id = c.id
WHERE c.id <> :id AND c.merged_into IS NULL AND c.erased_at IS NULL AND c.id = ANY(ARRAY(
    (SELECT tangga_customers_phoned(:phone, :phone || ':') WHERE length(:phone) = 9)
    UNION (SELECT tangga_customers_first_named(
               tangga_folded(:first), tangga_folded(:first) || chr(1), tangga_folded(:last),
               tangga_folded(:last) || chr(1))
           WHERE :first <> '' AND :last <> '')
    UNION (SELECT o.id FROM unnest(CAST(:starts AS text[])) AS s(start) CROSS JOIN LATERAL (
               SELECT id FROM customer WHERE email_norm COLLATE "C" >= s.start
               AND email_norm COLLATE "C" < s.start || chr(1114111)
               AND replace(split_part(split_part(email_norm, '@', 1), '+', 1), '.', '') = :bare LIMIT 50) AS o)))
ORDER BY 5 DESC, 6 DESC, c.id LIMIT :limit
"""
_MERGES = """
SELECT m.id, l.email, btrim(l.first_name || ' ' || l.last_name) AS name, m.reason, m.merged_at, m.merged_by
FROM customer_merge m JOIN customer l ON l.id = m.loser_id
WHERE m.winner_id = :id AND m.undone_at IS NULL AND l.merged_into = m.winner_id ORDER BY m.id DESC LIMIT 20
"""
_MERGE = """
SELECT m.id, m.winner_id, m.loser_id, m.moved, m.reason, m.merged_at, m.merged_by, l.email,
       btrim(l.first_name || ' ' || l.last_name) AS name
FROM customer_merge m JOIN customer l ON l.id = m.loser_id WHERE m.id = :id AND m.undone_at IS NULL
"""
_SPENT = """
SELECT sum(u.points) FROM point_use u JOIN point_entry d ON d.id = u.debit_id
WHERE u.lot_id = ANY(:lots) AND d.recorded_at > :at
"""
