"""What a platform tells of a store itself and of people's rights: leaving, scopes, exports, erasures, purges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from connectors.types import DataSubject, StoreEvent, StoreEventKind
from plugin_server import shop_access, wiring
from plugin_server.db.customers import erasure, privacy_export, privacy_requests
from plugin_server.db.merchant import audit_log
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.db.shops import access, inbox, purge, stores, sync
from plugin_server.jobs import climb, privacy
from plugin_server.wiring import Services

PURGE_AFTER: Final = timedelta(hours=48)
ACTOR: Final = "shop"


class Case:
    """One such event of one store, in the transaction that also settles it."""

    def __init__(
        self, services: Services, connection: Connection, merchant_id: int, store_id: int, row: Row[Any]
    ) -> None:
        self.services, self.connection, self.merchant_id, self.store_id = services, connection, merchant_id, store_id
        self.row, self.now = row, services.now()
        self.store = stores.get(connection, store_id)
        self.rights = access.of(connection, store_id)

    def stale(self) -> bool:
        """True where it tells of a time before the shop let us in (again): a retry that came late."""
        at: datetime | None = wiring.triggered_at(self.row.headers)
        since = self.rights.refreshed_at if self.rights is not None else None
        gone = self.rights is not None and self.rights.uninstalled_at is not None
        return bool(at and since and at < since and not gone)

    def record(self, action: str, **detail: Any) -> None:
        """Into the audit log."""
        audit_log.record(
            self.connection, self.merchant_id, actor=ACTOR, action=action, subject=self.store["url"], detail=detail
        )


def live_through(services: Services, merchant_id: int, store_id: int, row: Row[Any], event: StoreEvent) -> None:
    """Do what the event asks and settle it, together or not at all."""
    with tenant(services.engine, merchant_id) as connection:
        case = Case(services, connection, merchant_id, store_id, row)
        note = _ACTS[event.kind](case, event)
        inbox.settle(connection, [row.id], "done", note, now=case.now)


def _left(case: Case, _event: StoreEvent) -> str:
    if case.stale():
        return "told late: the shop has let us in again since"
    if case.rights is None:
        access.keep_known(case.connection, merchant_id=case.merchant_id, store_id=case.store_id, now=case.now)
    # Only what our own app collected is deleted by itself: a pasted token belongs to an app of the owner.
    installed = case.rights is not None and case.rights.installed
    purge_at = case.now + PURGE_AFTER if installed else None
    if access.leave(case.connection, case.store_id, shop_access.FINAL[access.UNINSTALLED], case.now, purge_at):
        case.record("store_left", purge_at=purge_at.isoformat() if purge_at else None)
    return ""


def _scopes(case: Case, event: StoreEvent) -> str:
    scopes = sorted(filter(None, event.note.split(",")))
    access.granted(case.connection, case.store_id, scopes)
    case.record("scopes_changed", scopes=scopes)
    # What was hidden until now is read at once; the sweeper wakes whoever reads.
    kind = "full" if wiring.window(case.store) and wiring.sees_all(scopes) else "incremental"
    sync.queue(case.connection, merchant_id=case.merchant_id, store_id=case.store_id, kind=kind, now=case.now)
    return ""


def _asked(case: Case, event: StoreEvent) -> str:
    """An export for a person: made at once, sealed, and laid before the owner, who hands it on."""
    of = _person(case, event.about)
    number = privacy_requests.opened(
        case.connection,
        merchant_id=case.merchant_id,
        kind="export",
        asked_by=ACTOR,
        now=case.now,
        store_id=case.store_id,
        external_id=(event.about.request_id if event.about else None) or f"delivery {case.row.id}",
    )
    document = privacy_export.export(case.connection, of, case.now) if of.ids else None
    privacy_requests.answered(
        case.connection,
        number,
        outcome="ready" if document else "nobody",
        now=case.now,
        document=privacy.keep(case.services, document) if document else None,
        customer_id=of.ids[0] if of.ids else None,
    )
    case.record("privacy_exported", request=number, outcome="ready" if document else "nobody")
    return ""


def _erase(case: Case, event: StoreEvent) -> str:
    of = _person(case, event.about)
    case.connection.execute(_ORDERS, {"store": case.store_id, "ids": list(_orders(event.about))})
    done = privacy.forget(case.connection, case.merchant_id, of, case.services, by=ACTOR)
    number = privacy_requests.opened(
        case.connection,
        merchant_id=case.merchant_id,
        kind="erase",
        asked_by=ACTOR,
        now=case.now,
        store_id=case.store_id,
        external_id=f"delivery {case.row.id}",
        customer_id=of.ids[0] if of.ids else None,
    )
    privacy_requests.answered(case.connection, number, outcome="erased" if done else "nobody", now=case.now)
    # The request itself names the person: of this event only what it was about stays.
    case.connection.execute(text("UPDATE inbound_event SET body = ''::bytea WHERE id = :id"), {"id": case.row.id})
    return ""


def _purge(case: Case, _event: StoreEvent) -> str:
    if case.rights is None or case.rights.uninstalled_at is None:
        return "not done: the shop has let us in again, or never left"
    purged(case.services, case.connection, case.merchant_id, case.store_id)
    return ""


_ORDERS = text(
    "UPDATE shop_order SET email = NULL, name = NULL, country = NULL, referred_by = NULL, way_back = NULL "
    "WHERE store_id = :store AND external_id = ANY(:ids)"
)
_WHO = text(
    """SELECT customer_id FROM identity WHERE store_id = :store AND external_id = :account
       UNION SELECT id FROM customer WHERE email_norm = :email AND erased_at IS NULL
       UNION SELECT customer_id FROM shop_order WHERE store_id = :store AND customer_id IS NOT NULL
           AND external_id = ANY(:orders) AND (lower(btrim(email)) = :email OR :email IS NULL)"""
)


def _person(case: Case, about: DataSubject | None) -> erasure.Family:
    if about is None:
        return erasure.Family((), (), (), ())
    values = {
        "store": case.store_id,
        "account": about.customer_external_id,
        "email": about.email.strip().lower() if about.email else None,
        "orders": list(about.order_external_ids),
    }
    found = case.connection.scalars(_WHO, values).all()
    return erasure.family(case.connection, found)


def _orders(about: DataSubject | None) -> tuple[str, ...]:
    return about.order_external_ids if about else ()


_ACTS: Final[dict[StoreEventKind, Callable[[Case, StoreEvent], str]]] = {
    StoreEventKind.UNINSTALLED: _left,
    StoreEventKind.SCOPES: _scopes,
    StoreEventKind.DATA_REQUEST: _asked,
    StoreEventKind.CUSTOMER_ERASE: _erase,
    StoreEventKind.STORE_ERASE: _purge,
}
KINDS: Final = frozenset(_ACTS)


def purged(
    services: Services, connection: Connection, merchant_id: int, store_id: int, *, by: str = ACTOR
) -> dict[str, int]:
    """Delete a store for good, in the caller's transaction; gives {table: rows}."""
    url = stores.get(connection, store_id)["url"]
    done, stays = purge.purge(connection, merchant_id=merchant_id, store_id=store_id)
    climb.touched(connection, merchant_id=merchant_id, customer_ids=stays, now=services.now())
    audit_log.record(connection, merchant_id, actor=by, action="store_purged", subject=url, detail={"rows": done})
    return done


def purge_due(services: Services) -> int:
    """Delete the stores that were left ``PURGE_AFTER`` ago and did not come back; gives how many."""
    count = 0
    for merchant_id in merchant_ids(services.engine):
        with tenant(services.engine, merchant_id) as connection:
            due = access.due_for_purge(connection, services.now())
        for store_id in due:
            with tenant(services.engine, merchant_id) as connection:
                # Looked at once more under its lock: the shop may have come back this very second.
                if store_id in access.due_for_purge(connection, services.now(), lock=store_id):
                    purged(services, connection, merchant_id, store_id)
                    count += 1
    return count
