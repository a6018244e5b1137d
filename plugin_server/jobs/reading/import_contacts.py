"""Contacts of a file become customers with their consent."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from connectors.csvfile import columns
from connectors.csvfile.contacts import Rejected, contacts
from connectors.csvfile.fault import BadFile
from connectors.csvfile.reading import open_csv
from connectors.types import Customer
from plugin_server.db.ingest.contacts import ingest_contacts
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.reading.imports import Progress
from plugin_server.jobs.reading.ingest import retrying
from plugin_server.wiring import Services

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class ContactsFile:
    """A file of contacts and how to understand it. ``mapping`` is {field: column name}."""

    path: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    timezone: str | None = None
    rejects: Path | None = None
    look: bool = False
    """Only say what would come in: nothing takes a file back once it is in."""


def import_contacts(
    services: Services, merchant_id: int, given: ContactsFile, progress: Progress = lambda *_: None
) -> dict[str, Any]:
    """Bring in a file of contacts; gives the JSON of INTERFACES. Raises ``BadFile`` with nothing written."""
    began = time.perf_counter()
    file = open_csv(given.path)
    places = columns.find(columns.CONTACTS, (("email",),), file.header, given.mapping)
    with tenant(services.engine, merchant_id) as connection:
        zone = ZoneInfo(given.timezone or merchants.get(connection)["timezone"])
    rejected: list[Rejected] = []
    seen, total, unsourced = 0, Ingested(), 0
    walk = contacts(file, places, timezone=zone, now=services.now())
    while chunk := list(islice(walk, CHUNK)):
        good = [contact for _, contact in chunk if isinstance(contact, Customer)]
        rejected += [refusal for _, refusal in chunk if isinstance(refusal, Rejected)]
        unsourced += sum(contact.consent is not None and not contact.consent_source for contact in good)
        if given.look:
            total += _looked(services, merchant_id, good)
        else:
            total += _written(services, merchant_id, good, f"import {given.path.name}")
        seen += len(chunk)
        progress("contacts", seen, None)
    if not seen:
        raise BadFile(f"{given.path.name} holds a header and nothing else.")
    if given.rejects:
        _write_rejects(given.rejects, rejected)
    return {
        "rows": seen,
        "orders": 0,
        "customers": total.seen,
        "created": total.created,
        **({"dry_run": True, "known": total.updated} if given.look else {"updated": total.updated}),
        "rejected": [{"row": refusal.row, "reason": refusal.reason} for refusal in rejected[:20]],
        "rejected_count": len(rejected),
        "warnings": [],
        "warnings_count": 0,
        "notes": list(file.notes) + _note(unsourced, given.path.name),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _written(services: Services, merchant_id: int, people: list[Customer], source: str) -> Ingested:
    done: list[Ingested] = []

    def write(connection: Any) -> None:
        now = services.now()
        made = ingest_contacts(connection, merchant_id=merchant_id, contacts=people, source=source, now=now)
        follow(connection, merchant_id=merchant_id, done=made, now=now)
        done.append(made)

    retrying(services, merchant_id, write)
    return done[-1].without_ids()


def _looked(services: Services, merchant_id: int, people: list[Customer]) -> Ingested:
    """Who of them is new, and who is known (``updated``); nothing is written."""
    addresses = {person.email.strip().lower() for person in people if person.email}
    with tenant(services.engine, merchant_id) as connection:
        known = connection.scalar(text(_KNOWN), {"emails": list(addresses)}) or 0
    return Ingested(seen=len(addresses), created=len(addresses) - known, updated=known)


_KNOWN = """
SELECT count(DISTINCT email_norm) FROM customer
WHERE email_norm = ANY(CAST(:emails AS text[])) AND merged_into IS NULL AND erased_at IS NULL
"""


def _note(unsourced: int, name: str) -> list[str]:
    if not unsourced:
        return []
    return [
        f"{unsourced} contacts say yes or no to mail without saying where (consent_source); "
        f"it was written down as “import {name}”. Be sure you can show how they agreed."
    ]


def _write_rejects(path: Path, rejected: list[Rejected]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "reason"])
        writer.writerows(_lines(rejected))


def _lines(rejected: list[Rejected]) -> Iterator[tuple[int, str]]:
    yield from ((refusal.row, refusal.reason) for refusal in rejected)
