"""Enrolment with what follows from it at once, and the hourly one by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from plugin_server import wiring
from plugin_server.db.customers import membership
from plugin_server.db.offers import withdrawn
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs import climb
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services


def enrol(conn: Connection, merchant_id: int, customer_ids: Sequence[int], *, by: str, now: datetime) -> list[int]:
    """Enrol, and read facts and rungs of the new members anew; gives those who were none before."""
    new = membership.enrol(conn, merchant_id, customer_ids, by=by, now=now)
    if new:
        climb.touched(conn, merchant_id=merchant_id, customer_ids=new, now=now)
    return new


def end(conn: Connection, merchant_id: int, customer_id: int, *, by: str, now: datetime) -> bool:
    """End a membership, read facts and rung anew, and withdraw members' codes; False where there was none."""
    ended = membership.end(conn, merchant_id, customer_id, by=by)
    if ended:
        climb.touched(conn, merchant_id=merchant_id, customer_ids=[customer_id], now=now)
        withdrawn.of_former_members(conn, customer_id)
    return ended


def enrol_all(services: Services) -> None:
    """Have every merchant's consistent buyers enrolled where the terms say so."""
    for merchant_id in merchant_ids(services.engine):
        wake(services.redis, enrol_due, merchant_id, on="bulk", hold=3600)


def enrol_due(merchant_id: int) -> None:
    """Job: one merchant's, in portions."""
    services = wiring.services()
    awake(services.redis, enrol_due, merchant_id)
    enrolled(services, merchant_id)


def enrolled(services: Services, merchant_id: int) -> int:
    """The same with given services; gives how many became members."""
    count = 0
    while True:
        with tenant(services.engine, merchant_id) as conn:
            new = enrol(conn, merchant_id, membership.due(conn, merchant_id), by="system", now=services.now())
        count += len(new)
        if not new:
            return count
