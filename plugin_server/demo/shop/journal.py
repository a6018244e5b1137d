"""What the shop wrote since it was stocked: an append-only file of records, so that a restart forgets nothing.

The first line says from what the shop was generated; each further line is a record as it became, or that it went.
Opening the file compacts it; a last line that a crash cut in half is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from pydantic import TypeAdapter, ValidationError

from plugin_server.demo.shop.model import (
    ApiKey,
    Category,
    Coupon,
    Customer,
    Order,
    Product,
    Review,
    Webhook,
)

KINDS = (Order, Customer, Product, Category, Coupon, Review, Webhook, ApiKey)


class Shelves(Protocol):
    """A shop that can be brought to where it was."""

    keeper: Any

    def take_off(self, kind: str, id: int) -> None:
        """Forget the record of that kind and id, as if it had never been."""

    def place(self, record: Any) -> None:
        """Put a record on its shelf without telling anybody."""


class BadJournal(Exception):
    """The journal cannot be used; the sentence says why and what to do."""


class Origin:
    """From what a shop was generated: the same values give the same shop again."""

    def __init__(self, seed: int, customers: int, now: datetime) -> None:
        self.seed = seed
        self.customers = customers
        self.now = now

    def line(self) -> str:
        """The first line of the journal."""
        return json.dumps(
            {"shop": 1, "seed": self.seed, "customers": self.customers, "now": self.now.isoformat()}
        )  # fmt: skip


class Journal:
    """Keeps the records of one shop in one file."""

    def __init__(self, path: Path, origin: Origin, kinds: Iterable[type] = KINDS) -> None:
        """``origin`` is used where the file is new; else ``self.origin`` is what the file says.

        ``kinds`` are the dataclasses of the records; each has an ``id``.
        """
        self._path = path
        self._adapters: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in kinds}
        lines = _whole_lines(path)
        self.origin = _read_origin(path, lines[0]) if lines else origin
        self._latest = self._read(lines[1:])
        self._file: TextIO | None = None

    def restore(self, shop: Shelves) -> int:
        """Bring a freshly stocked shop to where it was, and write down what happens from now on.

        Gives how many records were restored.
        """
        for (kind, id), record in self._latest.items():
            shop.take_off(kind, id)
            if record is not None:
                shop.place(self._adapters[kind].validate_python(record))
        self._compact()
        shop.keeper = self
        return len(self._latest)

    def keep(self, record: Any) -> None:
        """Write down a record as it is now."""
        kind = type(record).__name__
        self._write({"kind": kind, "record": self._adapters[kind].dump_python(record, mode="json")})

    def drop(self, kind: str, id: int) -> None:
        """Write down that a record is gone."""
        self._write({"kind": kind, "gone": id})

    def close(self) -> None:
        """Stop writing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, lines: list[str]) -> dict[tuple[str, int], dict[str, Any] | None]:
        """The last word on every record, None where it is gone."""
        latest: dict[tuple[str, int], dict[str, Any] | None] = {}
        for number, line in enumerate(lines, 2):
            try:
                entry = json.loads(line)
                kind = entry["kind"]
                if "gone" in entry:
                    latest[kind, int(entry["gone"])] = None
                    continue
                self._adapters[kind].validate_python(entry["record"])
                latest[kind, int(entry["record"]["id"])] = entry["record"]
            except (ValueError, KeyError, TypeError, ValidationError) as error:
                sentence = f"{self._path}, line {number}, cannot be read. Give another --state, or delete it."
                raise BadJournal(sentence) from error
        return latest

    def _write(self, entry: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def _compact(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as out:
            out.write(self.origin.line() + "\n")
            for (kind, id), record in self._latest.items():
                entry = {"kind": kind, "gone": id} if record is None else {"kind": kind, "record": record}
                out.write(json.dumps(entry) + "\n")
        os.replace(fresh, self._path)
        self._file = self._path.open("a")


def _whole_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    text = path.read_text()
    lines = text.splitlines()
    return lines if text.endswith("\n") else lines[:-1]


def _read_origin(path: Path, line: str) -> Origin:
    try:
        told = json.loads(line)
        return Origin(int(told["seed"]), int(told["customers"]), datetime.fromisoformat(told["now"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadJournal(f"{path} is not a journal of this shop. Give another --state, or delete it.") from error
