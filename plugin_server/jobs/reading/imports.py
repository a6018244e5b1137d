"""Files of orders and contacts become customers, orders, facts and rungs, in chunks that each hold or fall whole."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from connectors.csvfile import columns
from connectors.csvfile.fault import BadFile
from connectors.csvfile.reading import CsvFile, open_csv
from plugin_server.db.ingest import csv_clean, csv_orders, csv_raw, room
from plugin_server.db.ingest import orders as ingest_orders
from plugin_server.db.ingest import people as ingest_people
from plugin_server.db.ingest.counts import Ingested
from plugin_server.db.ingest.room import Room
from plugin_server.db.ingest.staging import analyse, staged, take_turn
from plugin_server.db.ladder import outlook
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.jobs.consequences import follow
from plugin_server.jobs.reading.beside import beside, can_read
from plugin_server.wiring import Services

CHUNK = 20_000
NEEDED = (("order_id",), ("ordered_at",), ("total", "line_quantity+line_unit_price"))

Progress = Callable[[str, int, int | None], None]
"""Called with (phase, done, total)."""


@dataclass(frozen=True, slots=True)
class OrdersFile:
    """A file of orders and how to understand it. ``mapping`` is {field: column name}."""

    path: Path
    store_id: int
    mapping: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    timezone: str | None = None
    decimal_comma: bool = False
    decimal_said: bool = False
    rejects: Path | None = None
    look: bool = False
    """Only say what would come in: nothing takes a file back once it is in."""


def import_orders(
    services: Services, merchant_id: int, given: OrdersFile, progress: Progress = lambda *_: None
) -> dict[str, Any]:
    """Bring in a file of orders; gives the JSON of INTERFACES. Raises ``BadFile`` with nothing written."""
    began = time.perf_counter()
    file = open_csv(given.path)
    places = columns.find(columns.ORDERS, NEEDED, file.header, given.mapping)
    with tenant(services.engine, merchant_id) as connection:
        own, store = merchants.get(connection), stores.get(connection, given.store_id)
    reading = csv_orders.Reading(
        fields=tuple(places),
        currency=given.currency or store["currency"] or own["currency"],
        timezone=given.timezone or store["timezone"] or own["timezone"],
        decimal_comma=given.decimal_comma,
        decimal_said=given.decimal_said or given.decimal_comma,
        now=services.now(),
    )
    names = _names(file, places)
    with services.engine.connect() as connection, _session(services, merchant_id, connection) as session:
        told = _imported(session, file, given, reading, names, progress)
    return told | {"seconds": round(time.perf_counter() - began, 3), "notes": list(file.notes)}


@dataclass(frozen=True, slots=True)
class _Session:
    """One connection for the whole import: its temporary tables last from transaction to transaction."""

    services: Services
    merchant_id: int
    connection: Connection
    room: Room

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction as the merchant."""
        with self.connection.begin():
            named = {"id": str(self.merchant_id)}
            self.connection.execute(text("SELECT set_config('tangga.merchant', :id, true)"), named)
            yield self.connection


@contextmanager
def _session(services: Services, merchant_id: int, connection: Connection) -> Iterator[_Session]:
    """A session that leaves nothing behind."""
    with connection.begin():
        broken_off = bool(room.sweep(connection, merchant_id))
        own = room.enter(connection, merchant_id)
    session = _Session(services, merchant_id, connection, own)
    try:
        yield session
        if broken_off:
            _follow_all(session, lambda *_: None)
    finally:
        with session.transaction():
            csv_raw.discard(connection)
            own.leave(connection)


def _names(file: CsvFile, places: Mapping[str, int]) -> list[str]:
    by_place = {place: name for name, place in places.items()}
    return [by_place.get(place, f"skip{place}") for place in range(len(file.header))]


def _imported(
    session: _Session,
    file: CsvFile,
    given: OrdersFile,
    reading: csv_orders.Reading,
    names: list[str],
    progress: Progress,
) -> dict[str, Any]:
    progress("reading", 0, None)
    clean = None if given.look else _load_clean(session, file, reading, names)
    if clean:
        with session.transaction() as connection:
            clean.show(connection)
    else:
        _load(session, file, names)
        with session.transaction() as connection:
            if csv_raw.is_empty(connection):
                raise BadFile(f"{file.path.name} holds a header and nothing else.")
            csv_orders.judge(connection, reading)
    if given.look:
        return _looked(session, given.store_id, reading)
    done, told = (
        (clean and _write_beside(session, given.store_id, reading, clean, progress))
        or _write_as_it_lies(session, given.store_id, reading, clean, progress)
        or _write_assembled(session, given.store_id, reading, progress)
    )
    with session.transaction() as connection:
        if done.created:
            outlook.forget_closed(connection)
        told |= {
            "created": done.created,
            "updated": done.updated,
            **_refusals(connection),
        }
        if given.rejects:
            _write_rejects(given.rejects, file.header, csv_raw.all_rejected(connection, names))
    return told


def _refusals(connection: Connection) -> dict[str, Any]:
    return {
        "rejected": csv_raw.rejected(connection),
        "rejected_count": csv_raw.reject_count(connection),
        "warnings": csv_raw.rejected(connection, warnings=True),
        "warnings_count": csv_raw.reject_count(connection, warnings=True),
    }


def _looked(session: _Session, store_id: int, reading: csv_orders.Reading) -> dict[str, Any]:
    """What would come in. All of it stands in temporary tables, which go with the session."""
    with session.transaction() as connection:
        csv_orders.assemble(connection, reading)
        told = csv_orders.counts(connection) | csv_orders.outcome(connection, store_id)
        return told | {"dry_run": True, **_refusals(connection)}


def _load_clean(
    session: _Session, file: CsvFile, reading: csv_orders.Reading, names: list[str]
) -> csv_clean.Clean | None:
    """The file into the room in its types; None, with nothing done, where some row of it is out of the ordinary."""
    if not file.bare or reading.decimal_comma:
        return None
    try:
        with session.transaction() as connection:
            if clean := csv_clean.load(connection, session.room, reading, names, file.blocks(), file.delimiter):
                return clean
            raise csv_clean.OutOfShape
    except (csv_clean.OutOfShape, csv_raw.Uneven):
        return None


def _load(session: _Session, file: CsvFile, names: list[str]) -> None:
    """The file into ``csv_raw`` as text."""
    if file.plain:
        try:
            with session.transaction() as connection:
                csv_raw.prepare(connection, names)
                csv_raw.copy_blocks(connection, names, file.blocks(), file.delimiter)
            return
        except csv_raw.Uneven:
            # Some row is out of shape: read again, row by row, so that it can be named.
            pass
    with session.transaction() as connection:
        csv_raw.prepare(connection, names)
        csv_raw.copy_rows(connection, names, file.rows())


Written = tuple[Ingested, dict[str, Any]]
"""What was written, and the counts to tell."""


class _NotFirst(Exception):
    """These are not the first orders of all, or not the first people of the merchant."""


def _write_beside(
    session: _Session, store_id: int, reading: csv_orders.Reading, clean: csv_clean.Clean, progress: Progress
) -> Written | None:
    """The first orders and people of all, while another connection reads facts and rungs; None where not so."""
    own, merchant_id, now = session.room, session.merchant_id, session.services.now()
    of: dict[str, Any] = {"merchant_id": merchant_id, "store_id": store_id}

    def show(connection: Connection) -> None:
        clean.show(connection)
        own.show(connection, "in_account", "in_mail")
        csv_orders.lay_out(connection, reading, refunds=clean.refunds)
        ingest_orders.show_laid_out(connection, store_id)
        ingest_people.show_laid_out(connection, own, store_id=store_id)

    with session.transaction() as connection:
        whole = csv_orders.is_whole(connection, reading)
        if not (whole and ingest_people.nobody_yet(connection) and can_read(connection, merchant_id)):
            return None
        progress("orders", 0, None)
        take_turn(connection, merchant_id)
        people = ingest_people.Source(csv_clean.PERSONS, clean.tellers())
        ingest_people.lay_out(connection, own, **of, now=now, people=people)
    with beside(session.services, merchant_id, show) as reading_beside:
        try:
            with session.transaction() as connection:
                take_turn(connection, merchant_id)
                own.show(connection, "in_account", "in_mail")
                csv_orders.lay_out(connection, reading, refunds=clean.refunds)
                done = ingest_orders.write_laid_out(
                    connection, own, **of, now=now, last=csv_clean.LAST, refunds=clean.refunds,
                    begun=reading_beside.start,
                )  # fmt: skip
                if done is None:
                    raise _NotFirst
                told = csv_orders.counts_whole(connection, done.created)
                analyse(connection)
        except (IntegrityError, _NotFirst):
            # An order stands in the file twice, or somebody was quicker: the other ways tell which row holds.
            return None
        progress("facts and rungs", 0, None)
        reading_beside.stand()
    if not reading_beside.done:
        _follow_all(session, progress)
    return done, {**told}


def _write_as_it_lies(
    session: _Session, store_id: int, reading: csv_orders.Reading, clean: csv_clean.Clean | None, progress: Progress
) -> Written | None:
    """Everything in one go, where these are the first orders of all and each row is one; None where not so."""
    progress("orders", 0, None)
    now = session.services.now()
    people = ingest_people.Source(csv_clean.PERSONS, clean.tellers()) if clean else ingest_people.ORDERS
    try:
        with session.transaction() as connection:
            take_turn(connection, session.merchant_id)
            if not csv_orders.is_whole(connection, reading):
                return None
            csv_orders.lay_out(connection, reading)
            done = ingest_orders.write_all(
                connection, merchant_id=session.merchant_id, store_id=store_id, now=now, people=people
            )
            if done is None:
                csv_orders.take_back(connection)
                return None
            told = csv_orders.counts_whole(connection, done.created)
    except IntegrityError:
        # An order stands in the file twice: putting orders together tells which row holds.
        return None
    _follow_all(session, progress)
    return done, {**told}


def _write_assembled(session: _Session, store_id: int, reading: csv_orders.Reading, progress: Progress) -> Written:
    """The orders put together from their rows first: in one go where they are the first of all, else in chunks."""
    with session.transaction() as connection:
        csv_orders.assemble(connection, reading)
        told = csv_orders.counts(connection)
    lines = "csv_line" if reading.by_line else None
    with session.transaction() as connection:
        take_turn(connection, session.merchant_id)
        csv_orders.lay_open(connection)
        done = ingest_orders.write_all(
            connection, merchant_id=session.merchant_id, store_id=store_id, now=session.services.now(), lines=lines
        )
        csv_orders.take_back(connection)
        if done is None:
            csv_orders.number(connection, reading)
    if done is None:
        done = _write(session, store_id, told["orders"], by_line=reading.by_line, progress=progress)
    elif done.created:
        _follow_all(session, progress)
    return done, {**told}


def _follow_all(session: _Session, progress: Progress) -> None:
    progress("facts and rungs", 0, None)
    with session.transaction() as connection:
        analyse(connection)
    with session.transaction() as connection:
        done, now = Ingested(touched=None), session.services.now()
        follow(connection, merchant_id=session.merchant_id, done=done, now=now)


def _write(session: _Session, store_id: int, orders: int, *, by_line: bool, progress: Progress) -> Ingested:
    done = Ingested()
    for first in range(1, orders + 1, CHUNK):
        progress("orders", first - 1, orders)
        with session.transaction() as connection:
            done += _chunk(session, store_id, first, by_line=by_line)
    if len(done.order_ids) > CHUNK:
        _follow_all(session, progress)
    elif done.order_ids:
        progress("facts and rungs", 0, None)
        with session.transaction() as connection:
            follow(connection, merchant_id=session.merchant_id, done=done, now=session.services.now())
    return done


def _chunk(session: _Session, store_id: int, first: int, *, by_line: bool) -> Ingested:
    connection, now = session.connection, session.services.now()
    bounds = {"first": first, "last": first + CHUNK - 1}
    take_turn(connection, session.merchant_id)
    staged(connection, "in_order", "SELECT * FROM csv_order WHERE seq BETWEEN :first AND :last", bounds)
    lines = "SELECT * FROM csv_line WHERE seq BETWEEN :first AND :last" if by_line else _NO_LINES
    staged(connection, "in_line", lines, bounds if by_line else {})
    staged(connection, "in_refund", _REFUNDS, {})
    return ingest_orders.write(connection, merchant_id=session.merchant_id, store_id=store_id, now=now)


_NO_LINES = """
    SELECT 0::bigint AS seq, 0 AS position, ''::text AS product_external_id, ''::text AS variant_external_id,
        ''::text AS sku, ''::text AS title, 0::numeric AS quantity, 0::bigint AS total_minor,
        0::bigint AS discount_minor WHERE false
"""

_REFUNDS = """
    SELECT seq, 'refund'::text AS external_id, refunded_minor AS amount_minor, NULL::timestamptz AS refunded_at,
        0::bigint AS shipping_minor
    FROM in_order WHERE refunded_minor > 0
"""


def _write_rejects(path: Path, header: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "reason", *header])
        writer.writerows(rows)
