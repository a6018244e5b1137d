"""Keeps the audit ready: at night for everybody, and when a page finds that orders changed."""

from __future__ import annotations

from plugin_server import wiring
from plugin_server.db.audit import rollup as audit_rollup
from plugin_server.db.audit.rollup import Ready
from plugin_server.db.merchant import merchants
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.jobs.queues import awake, wake
from plugin_server.wiring import Services

HOLD = 600


def audit_all(services: Services) -> None:
    """Wake a worker for every merchant."""
    for merchant_id in merchant_ids(services.engine):
        wake_audit(services, merchant_id, "all")


def wake_audit(services: Services, merchant_id: int, span: str) -> None:
    """Have a span's audit made soon."""
    wake(services.redis, make_audit, merchant_id, span, on="bulk", hold=HOLD)


def make_audit(merchant_id: int, span: str) -> None:
    """Job: the audit of one span."""
    services = wiring.services()
    awake(services.redis, make_audit, merchant_id, span)
    made(services, merchant_id, span)


def made(services: Services, merchant_id: int, span: str) -> Ready:
    """Make it here and now, and keep it."""
    with tenant(services.engine, merchant_id) as conn:
        return audit_rollup.make(conn, merchant=merchants.get(conn), span=span, now=services.now())


def ready(services: Services, merchant_id: int, span: str) -> Ready | None:
    """What a page can show at once: made for it where that is quick, else what is kept while a worker makes it anew.

    Nothing is written: opening a page changes nothing. None: nothing is kept yet, and it takes too long to wait for.
    """
    with tenant(services.engine, merchant_id) as conn:
        found = audit_rollup.kept(conn, span)
        if found and found.stale_since is None:
            return found
        wake_audit(services, merchant_id, span)
        if found and not found.document["orders"]:
            # Made while the shop was still empty: that is no figure to show beside "made a minute ago".
            found = None
        if found.quick if found else audit_rollup.is_small(conn):
            return audit_rollup.now_made(conn, merchant=merchants.get(conn), span=span, now=services.now())
    return found
