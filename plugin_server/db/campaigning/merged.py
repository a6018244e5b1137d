"""Members of an audience who were found to be one person since it was frozen: who stands for them.

The survivor's own row does, in whatever arm; else, where several were merged into somebody who is not in the audience,
the oldest of theirs. Nobody is written to twice, and nobody who was held out by way of the other. Results count people
the same way (``db.proof.outcomes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

JOINED: Final = "JOIN customer whose ON whose.id = m.customer_id"
"""Beside ``audience_member m``."""
WHO: Final = "coalesce(whose.merged_into, m.customer_id)"
"""The person that a member is by now."""
# Limited scalars and no EXISTS: they are asked of few, and must not be answered by hashing all audiences.
STANDS: Final = """(whose.merged_into IS NULL OR (
    (SELECT true FROM audience_member own WHERE own.run_id = m.run_id AND own.customer_id = whose.merged_into LIMIT 1)
        IS NULL
    AND (SELECT true FROM customer l JOIN audience_member other ON other.run_id = m.run_id AND other.customer_id = l.id
         WHERE l.merged_into = whose.merged_into AND l.id < m.customer_id LIMIT 1) IS NULL))"""
"""Whether the row stands for the person."""
TWIN: Final = "merged: the same person is in this audience under another name"
"""Why a member whose row does not stand for anybody gets nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some members of an audience, as SQL beside ``audience_member m``: what to join, who they are by now and their
    address, whether their rows stand for them, and a condition on ``:merged`` that chooses them."""

    joined: str
    who: str
    email: str
    stands: str
    chosen: str


_ALL: Final = Part("", "m.customer_id", "m.email", "true", "")
_OTHERS: Final = Part("", "m.customer_id", "m.email", "true", "AND m.customer_id <> ALL(CAST(:merged AS bigint[]))")
_MERGED: Final = Part(
    f"{JOINED} LEFT JOIN customer stays ON stays.id = whose.merged_into",
    WHO,
    "coalesce(stays.email, m.email)",
    STANDS,
    "AND m.customer_id = ANY(CAST(:merged AS bigint[]))",
)


def parts(conn: Connection, run_id: int) -> tuple[Sequence[Part], list[int]]:
    """The parts of a run's audience, and those merged since: few, so that a statement of their own is cheap."""
    found = list(conn.scalars(text(_SINCE), {"run": run_id}))
    return ((_OTHERS, _MERGED) if found else (_ALL,)), found


_SINCE: Final = """
SELECT m.customer_id FROM customer l JOIN audience_member m ON m.run_id = :run AND m.customer_id = l.id
WHERE l.merged_into IS NOT NULL"""
