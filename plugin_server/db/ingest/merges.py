"""Accounts that the shop itself made one: their customers become one here too, logged and reversible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.customers import identity
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.staging import take_turn

REASON = "The shop merged these accounts."
BY = "shop"

_WHO = text(
    """SELECT i.external_id, coalesce(c.merged_into, c.id) AS customer_id FROM identity i
       JOIN customer c ON c.id = i.customer_id WHERE i.store_id = :store AND i.external_id = ANY(:ids)"""
)


def accounts_merged(
    connection: Connection, *, merchant_id: int, store_id: int, pairs: Sequence[tuple[str, str]], now: datetime
) -> Ingested:
    """Merge by (account that stays, account given up); those we do not know, or who are one already, are left alone."""
    take_turn(connection, merchant_id)
    touched: set[int] = set()
    for kept, given_up in pairs:
        found = connection.execute(_WHO, {"store": store_id, "ids": [kept, given_up]}).all()
        who = {row.external_id: int(row.customer_id) for row in found}
        winner, loser = who.get(kept), who.get(given_up)
        if winner is None or loser is None or winner == loser:
            continue
        try:
            identity.merge(connection, winner, loser, REASON, BY, now)
        except identity.MergeRefused:
            # One of them was erased meanwhile: there is nobody left to merge.
            continue
        touched |= {winner, loser}
    return Ingested(seen=len(pairs), updated=len(touched) // 2, touched=sorted(touched))
