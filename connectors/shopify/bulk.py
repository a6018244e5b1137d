"""Bulk operations: the shop runs one query over everything in its own time, and leaves a file with all rows.

A bulk read is for the back-fill: it costs next to nothing of the bucket. Where the shop refuses it (too many at once)
or fails at it, everything is read page by page instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from connectors.base import Page
from connectors.errors import BadPayload, ConnectorError
from connectors.http import Http
from connectors.shopify import files
from connectors.shopify.client import ShopifyClient, connection
from connectors.shopify.documents import load
from connectors.shopify.failures import COME_BACK, Rejected, ShopifyRefusal
from connectors.shopify.joining import PART_BYTES, Joined, joined
from connectors.shopify.values import moment, obj, text

T = TypeVar("T")
PAUSES = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between looks at a running operation; the last one stays. A webhook may end each of them sooner."""
PATIENCE = timedelta(hours=12)
ROWS = 500
SKEW = timedelta(minutes=10)
BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}


class BulkRefused(ConnectorError):
    """The shop does not do this in bulk now; page by page it can be read all the same."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="bulk_refused", retry_after=COME_BACK)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished operation: where its file is (None: there were no rows), how large, and how many roots it holds."""

    url: str | None
    size: int | None
    roots: int | None


class BulkReader:
    """Runs bulk queries in one shop. ``http`` fetches the files; it carries no token.

    ``wait`` comes back after so many seconds, or sooner where the shop tells that an operation has finished.
    """

    def __init__(
        self,
        client: ShopifyClient,
        http: Http,
        *,
        allow_private: bool = False,
        part_bytes: int = PART_BYTES,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self._client = client
        self._http = http
        self._allow_private = allow_private
        self._part_bytes = part_bytes
        self._pause = wait or client.sleep

    def pages(self, name: str, read: Callable[[Joined], list[T]]) -> Iterator[Page[T]]:
        """What ``read`` makes of all roots of the bulk query ``name``, in pages; faults beside them.

        Raises ``BulkRefused`` before the first page, or ``ConnectorError``.
        """
        with self.file(name) as (path, roots):
            if path is None:
                return
            good: list[T] = []
            faults: list[tuple[str, str]] = []
            for found in joined(path, path.parent, part_bytes=self._part_bytes):
                try:
                    good += read(found if isinstance(found, Joined) else _raise(found))
                except BadPayload as error:
                    faults.append((error.path or "bulk", error.sentence))
                if len(good) >= ROWS:
                    yield Page(tuple(good), roots, tuple(faults))
                    good, faults = [], []
            if good or faults:
                yield Page(tuple(good), roots, tuple(faults))

    @contextmanager
    def file(self, name: str) -> Iterator[tuple[Path | None, int | None]]:
        """The finished file of the bulk query ``name`` on disk, for the time of the block, and its number of roots.

        None where the shop has no rows. The file may be removed before the block ends.
        """
        with TemporaryDirectory(prefix="tangga-bulk-") as folder:
            path = Path(folder) / "rows.jsonl"
            outcome = self._fetched(name, path, again=True)
            yield (path, outcome.roots) if outcome.url else (None, 0)

    def _fetched(self, name: str, path: Path, *, again: bool) -> Outcome:
        """Run the query and write its file to ``path``; once more where the shop has thrown the file away meanwhile."""
        outcome = self._wait(self._start(load(name).text))
        if outcome.url is None:
            return outcome
        try:
            files.fetch(
                outcome.url, path, self._http, size=outcome.size, allow_private=self._allow_private,
                sleep=self._client.sleep,
            )  # fmt: skip
        except ConnectorError as error:
            if error.code != "bulk_expired":
                raise
            if not again:
                raise BulkRefused("Shopify lost the file of all rows twice. We read page by page.") from error
            path.unlink(missing_ok=True)
            return self._fetched(name, path, again=False)
        return outcome

    def _start(self, query: str) -> str:
        began = self._client.clock() - self._client.lag
        try:
            made = self._client.write("bulk_run", {"query": query})
        except Rejected as error:
            busy = any(one.code in BUSY for one in error.errors)
            sentence = "The shop runs as many bulk operations as it can." if busy else error.sentence
            raise BulkRefused(f"{sentence} We read page by page.") from error
        except ShopifyRefusal as error:
            if error.code in ("missing_scope", "protected_data"):
                raise BulkRefused(f"{error.sentence} We read page by page.") from error
            if not error.ambiguous:
                raise
            return self._find(query, began - SKEW, error)
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            return self._find(query, began - SKEW, error)
        row = made.get("bulkOperation")
        number = text(row if isinstance(row, dict) else {}, "id")
        if not number:
            raise BulkRefused("Shopify began no bulk operation. We read page by page.")
        return number

    def _find(self, query: str, since: Any, lost: ConnectorError) -> str:
        """The operation whose start was never confirmed. Nothing older will do: it does not hold the latest rows."""
        data = self._client.read("bulk_running", {"query": "operation_type:query"}).data
        now = self._client.clock()
        for row in connection(data.get("bulkOperations"), "bulk operations").nodes:
            began = moment(obj(row, "bulk"), "createdAt", "bulk", now)
            if row.get("query") == query and began is not None and began >= since and row.get("status") != "CANCELED":
                return text(row, "id")
        raise BulkRefused("Shopify did not confirm the bulk operation. We read page by page.") from lost

    def _wait(self, number: str) -> Outcome:
        waited, looks = 0.0, 0
        while True:
            row = self._client.read("bulk_status", {"id": number}).data.get("bulkOperation")
            if not isinstance(row, dict):
                raise BulkRefused("Shopify no longer knows the bulk operation. We read page by page.")
            status = text(row, "status", 20)
            if status not in ("CREATED", "RUNNING", "CANCELING"):
                return _outcome(row, status)
            pause = PAUSES[min(looks, len(PAUSES) - 1)]
            waited, looks = waited + pause, looks + 1
            if waited > PATIENCE.total_seconds():
                self._client.write("bulk_cancel", {"id": number})
                raise BulkRefused("The bulk operation took longer than half a day. We read page by page.")
            self._pause(pause)


def _outcome(row: dict[str, Any], status: str) -> Outcome:
    if status == "COMPLETED":
        size, roots = _count(row.get("fileSize")), _count(row.get("rootObjectCount"))
        url = row.get("url")
        if not url and (roots or _count(row.get("objectCount"))):
            raise BulkRefused("Shopify finished the bulk operation but gives no file. We read page by page.")
        return Outcome(url or None, size, roots)
    # Page by page a missing right is named exactly, and hidden personal data costs itself alone.
    code = text(row, "errorCode", 40)
    # A part of the rows may lie under ``partialDataUrl``; nobody can tell which are missing, so it is left there.
    raise BulkRefused(f"The bulk operation ended as {status.lower() or 'unknown'} ({code or 'no reason given'}).")


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None


def _raise(fault: BadPayload) -> Joined:
    raise fault
