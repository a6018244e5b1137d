"""The facts and rungs of everybody where nobody has any yet: written once, indexed afterwards."""

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
    buyers = conn.scalar(text("SELECT count(*) FROM facts_computed WHERE orders > 0")) or 0
    rhythm.measure(conn, merchant_id=merchant_id, now=now, buyers=int(buyers))
    written = ladder.place_first(conn, merchant_id=merchant_id, computed=COMPUTED, now=now)
    conn.execute(text("SELECT tangga_facts_dressed()"))
    return written
