"""Accounts that the shop itself made one: their customers become one here too, logged and reversible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from plugin_server.db.customers import identity
from plugin_server.db.ingest import links as ingest_links
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.staging import take_turn

REASON = "The shop merged these accounts."
BY = "shop"

_WHO = text(
    """SELECT i.external_id, coalesce(c.merged_into, c.id) AS customer_id, false AS gone FROM identity i
       JOIN customer c ON c.id = i.customer_id WHERE i.store_id = :store AND i.external_id = ANY(:ids)
       UNION ALL
       SELECT g.external_id, coalesce(c.merged_into, c.id), true FROM unnest(CAST(:ids AS text[])) AS g(external_id)
       JOIN customer c ON c.accounts_gone <> '{}' AND c.accounts_gone @> ARRAY[:store || ':' || g.external_id]
       ORDER BY gone DESC, customer_id"""
)
"""An account that was deleted leads to whom it belonged to; one that is there says it better, and comes last."""


def accounts_merged(
    connection: Connection, *, merchant_id: int, store_id: int, pairs: Sequence[tuple[str, str]], now: datetime
) -> Ingested:
    """Merge by (account that stays, account given up), which may be deleted; whom we do not know is left alone."""
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
    both = len(touched) // 2
    if touched:
        touched |= set(ingest_links.reconvert(connection, merchant_id=merchant_id, friends=sorted(touched)))
    return Ingested(seen=len(pairs), updated=both, touched=sorted(touched))
