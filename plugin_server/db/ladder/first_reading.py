"""The facts and rungs of those who have none yet: written once. Where nobody has any, indexed afterwards."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, MetaData, text

from plugin_server.db.ladder import facts, rhythm
from plugin_server.db.ladder import placing as ladder

COMPUTED = ladder.FACTS.to_metadata(MetaData(), schema="pg_temp", name="facts_computed")


def read(conn: Connection, *, merchant_id: int, now: datetime) -> int | None:
    """Read the whole shop; gives how many rows of facts were written.

    None where there are facts already, of whichever merchant, or where somebody else is at the tables.
    """
    facts.take_turn(conn, merchant_id)
    if not conn.scalar(text("SELECT tangga_facts_bare()")):
        return None
    facts.compute(conn, merchant_id=merchant_id, table=COMPUTED.name)
    rhythm.measure(conn, merchant_id=merchant_id, now=now, buyers=_buyers(conn, COMPUTED.name))
    written = ladder.place_first(conn, merchant_id=merchant_id, computed=COMPUTED, now=now)
    conn.execute(text("SELECT tangga_facts_dressed()"))
    return written


def read_on(conn: Connection, *, merchant_id: int, now: datetime) -> tuple[int, int]:
    """Read the whole shop where some are known: their facts written anew, newcomers placed as they are written.

    Gives (rows written or removed of those known before, newcomers). The rungs of those known before are for
    ``placing.climb``.
    """
    done = facts.refresh_known(conn, merchant_id=merchant_id, table=COMPUTED.name, now=now)
    buyers = _buyers(conn, "customer_facts") + _buyers(conn, COMPUTED.name)
    rhythm.measure(conn, merchant_id=merchant_id, now=now, buyers=buyers)
    return done, ladder.place_first(conn, merchant_id=merchant_id, computed=COMPUTED, now=now)


def _buyers(conn: Connection, table: str) -> int:
    return int(conn.scalar(text(f"SELECT count(*) FROM {table} WHERE orders > 0")) or 0)
