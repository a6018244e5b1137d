"""The right to know and the right to be forgotten, whoever asks: rows, facts, rungs and log in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from plugin_server.db.customers import erasure, privacy_export, privacy_requests
from plugin_server.db.customers.erasure import Family
from plugin_server.db.merchant import audit_log
from plugin_server.db.personal import GONE
from plugin_server.db.session import tenant
from plugin_server.jobs import climb
from plugin_server.vault import seal, unseal
from plugin_server.wiring import Services


class Nobody(LookupError):
    """No customer is meant; the sentence says how one is named."""


def by_email(connection: Connection, email: str) -> list[int]:
    """Everybody with this address: customers, merged ones included, and guests of orders. Raises ``Nobody``."""
    found = list(
        connection.scalars(
            text(
                "SELECT id FROM customer WHERE email_norm = :email AND erased_at IS NULL "
                "UNION SELECT customer_id FROM shop_order "
                "WHERE customer_id IS NOT NULL AND lower(btrim(email)) = :email"
            ),
            {"email": email.strip().lower()},
        )
    )
    if not found:
        raise Nobody(f"No customer has the address {email.strip()!r}.")
    return found


def exported(services: Services, merchant_id: int, customer_ids: Sequence[int], *, by: str) -> dict[str, Any]:
    """All we hold of a person; the audit log remembers who asked."""
    now = services.now()
    with tenant(services.engine, merchant_id) as connection:
        of = erasure.family(connection, customer_ids)
        document = privacy_export.export(connection, of, now)
        number = privacy_requests.opened(
            connection, merchant_id=merchant_id, kind="export", asked_by=by, now=now, customer_id=_first(of)
        )
        privacy_requests.answered(connection, number, outcome="given", now=now)
        _record(connection, merchant_id, by, "privacy_exported", of)
    return document


def erased(services: Services, merchant_id: int, customer_ids: Sequence[int], *, by: str) -> dict[str, int]:
    """Forget a person for good; gives {table: rows}. The audit log remembers that it was done, not whom it was."""
    now = services.now()
    with tenant(services.engine, merchant_id) as connection:
        of = erasure.family(connection, customer_ids)
        done = forget(connection, merchant_id, of, services, by=by)
        number = privacy_requests.opened(
            connection, merchant_id=merchant_id, kind="erase", asked_by=by, now=now, customer_id=_first(of)
        )
        privacy_requests.answered(connection, number, outcome="erased", now=now)
    return done


def forget(connection: Connection, merchant_id: int, of: Family, services: Services, *, by: str) -> dict[str, int]:
    """The erasure itself with what follows from it, in the caller's transaction."""
    now = services.now()
    if not of.ids:
        return {}
    done = erasure.erase(connection, merchant_id, of, now)
    climb.touched(connection, merchant_id=merchant_id, customer_ids=list(of.ids), now=now)
    _record(connection, merchant_id, GONE if by.strip().lower() in of.emails else by, "privacy_erased", of)
    return done


def keep(services: Services, document: dict[str, Any]) -> bytes:
    """An export as it lies in the database."""
    return seal(services.settings.keys, document)


def kept(services: Services, merchant_id: int, number: int) -> dict[str, Any] | None:
    """The export of an answered request; None where there is none."""
    with tenant(services.engine, merchant_id) as connection:
        sealed = privacy_requests.document(connection, number)
    return unseal(services.settings.keys, sealed) if sealed else None


def _first(of: Family) -> int | None:
    return of.ids[0] if of.ids else None


def _record(connection: Connection, merchant_id: int, by: str, action: str, of: Family) -> None:
    subject = f"customer {_first(of)}" if of.ids else ""
    audit_log.record(connection, merchant_id, actor=by, action=action, subject=subject)
