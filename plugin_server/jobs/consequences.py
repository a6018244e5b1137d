"""What follows from rows that came in, in the same transaction: facts, rungs, redemptions, points."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from plugin_server.db import pulse
from plugin_server.db.customers import erasure
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ladder import facts_grown
from plugin_server.db.offers import code_watch, withdrawn
from plugin_server.db.offers import codes as offers
from plugin_server.db.points import orders as points_orders
from plugin_server.jobs import climb


def follow(connection: Connection, *, merchant_id: int, done: Ingested, now: datetime, placed: bool = False) -> None:
    """Read the facts and rungs of the touched customers anew, and recognise our codes in the changed orders.

    ``placed`` says that everybody's facts and rungs are there already, of a first reading.
    """
    everybody = done.touched is None
    if done.touched is None or done.touched or done.order_ids:
        pulse.beat(connection, merchant_id=merchant_id, now=now)
    if done.touched is None or done.touched:
        nameless = erasure.keep_erased(connection, merchant_id, done.touched, now)
        touched = None if done.touched is None else [*done.touched, *nameless]
        grown = facts_grown.add(
            connection, merchant_id=merchant_id, customer_ids=sorted(done.grown), order_ids=done.order_ids, now=now
        )
        read = set(grown).difference(nameless)
        if placed:
            climb.beside(connection, merchant_id=merchant_id, customer_ids=None)
        else:
            climb.touched(connection, merchant_id=merchant_id, customer_ids=touched, read=read, now=now)
    if everybody or done.order_ids:
        orders = None if everybody else done.order_ids
        if offers.match_redemptions(connection, merchant_id=merchant_id, order_ids=orders, now=now):
            withdrawn.of_rewards(connection, merchant_id=merchant_id, order_ids=orders, now=now)
        code_watch.find(connection, merchant_id=merchant_id, order_ids=orders, now=now)
        points_orders.settle(connection, merchant_id=merchant_id, order_ids=orders, now=now)
