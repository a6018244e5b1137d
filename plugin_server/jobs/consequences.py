"""What follows from rows that came in, in the same transaction: facts, rungs, redemptions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from plugin_server.db import offers
from plugin_server.db.ingest import Ingested
from plugin_server.jobs import climb


def follow(connection: Connection, *, merchant_id: int, done: Ingested, now: datetime) -> None:
    """Read the facts and rungs of the touched customers anew, and recognise our codes in the changed orders."""
    everybody = done.touched is None
    if everybody or done.touched:
        climb.touched(connection, merchant_id=merchant_id, customer_ids=done.touched, now=now)
    if everybody or done.order_ids:
        orders = None if everybody else done.order_ids
        offers.match_redemptions(connection, merchant_id=merchant_id, order_ids=orders, now=now)
