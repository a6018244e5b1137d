"""The bulk queue: CREATED, RUNNING, then a file of JSONL; at most five queries at once."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, get_named_type
from graphql.execution.values import get_argument_values

from plugin_server.demo.shopify_shop import bulk_rules
from plugin_server.demo.shopify_shop.fields import resolve
from plugin_server.demo.shopify_shop.gids import gid
from plugin_server.demo.shopify_shop.model_made import BulkOperation
from plugin_server.demo.shopify_shop.projection import Plan, Row, compile_plan, node_of

if TYPE_CHECKING:
    from plugin_server.demo.shopify_shop.executor import Gate

AT_ONCE = 5
_UNDER_WAY = {"CREATED", "RUNNING", "CANCELING"}
_CHUNK = 200


class Bulks:
    """Runs the bulk operations of one shop.

    Each stays RUNNING for ``seconds`` at least, or until ``release`` is called where ``held`` is True. ``fail_after``
    makes the next operation fail with INTERNAL_SERVER_ERROR after so many root rows, its file being partial.
    ``multiplied`` repeats the orders of every bulk query of orders until there are so many: for speed runs.
    """

    def __init__(self, gate: Gate, *, seconds: float = 0.0) -> None:
        self._gate = gate
        self._seconds = seconds
        self.held = False
        self.fail_after: int | None = None
        self.multiplied: int | None = None
        self._go = threading.Event()
        self._folder = Path(tempfile.mkdtemp(prefix="shopify-bulk-"))

    def path(self, id: int) -> Path:
        """The file of an operation."""
        return self._folder / f"{id}.jsonl"

    def close(self) -> None:
        """Forget the files."""
        self.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def release(self) -> None:
        """Let held operations go on."""
        self.held = False
        self._go.set()

    def start(self, query: str, *, grouped: bool) -> tuple[BulkOperation | None, list[dict[str, Any]]]:
        """A new operation, or the user errors that refuse it."""
        shop = self._gate.shop
        operation, faults = bulk_rules.read(self._gate.schema, query)
        if operation is None:
            return None, [{"field": ["query"], "message": fault, "code": "INVALID"} for fault in faults]
        busy = [one for one in shop.bulks.values() if one.status in _UNDER_WAY]
        if len(busy) >= AT_ONCE:
            named = ", ".join(gid("BulkOperation", one.id) for one in busy)
            message = f"A bulk query operation for this app and shop is already in progress: {named}."
            return None, [{"field": None, "message": message, "code": "OPERATION_IN_PROGRESS"}]
        made = BulkOperation(shop.next_id("BulkOperation"), query, shop.now(), grouped=grouped)
        shop.save(made)
        threading.Thread(target=self._run, args=(made, operation), daemon=True).start()
        return made, []

    def cancel(self, one: BulkOperation) -> list[dict[str, Any]]:
        """Begin to cancel an operation; the user errors where it has ended."""
        if one.status not in _UNDER_WAY:
            message = f"A bulk operation cannot be canceled when it is {one.status.lower()}"
            return [{"field": None, "message": message}]
        one.status = "CANCELING"
        self._go.set()
        return []

    def _run(self, one: BulkOperation, operation: OperationDefinitionNode) -> None:
        self._wait(one)
        shop = self._gate.shop
        try:
            if one.status == "RUNNING":
                self._write(one, operation)
        except GraphQLError:
            one.status, one.error_code = "FAILED", "ACCESS_DENIED"
        with shop.lock:
            if one.status == "CANCELING":
                one.status = "CANCELED"
            elif one.status == "RUNNING":
                one.status = "COMPLETED"
            one.completed_at = shop.now()
            shop.save(one, "BULK_OPERATIONS_FINISH")

    def _wait(self, one: BulkOperation) -> None:
        if one.status == "CREATED":
            one.status = "RUNNING"
        if self.held:
            self._go.wait(30)
        elif self._seconds:
            self._go.wait(self._seconds)

    def _write(self, one: BulkOperation, operation: OperationDefinitionNode) -> None:
        """Fill the file. An empty result has no file: the operation completes without an address."""
        with self.path(one.id).open("w") as out:
            for line in self._lines(one, operation):
                out.write(line)
                one.size += len(line.encode())
                one.object_count += 1
        one.has_file = one.object_count > 0
        if self._multiplies(one):
            from plugin_server.demo.shopify_shop.bulk_speed import measured  # only for speed runs

            one.root_count = self.multiplied or 0
            one.size, one.object_count = measured(self.path(one.id), one.root_count)

    def _multiplies(self, one: BulkOperation) -> bool:
        return bool(self.multiplied) and one.has_file and "orders" in one.query and one.status == "RUNNING"

    def _lines(self, one: BulkOperation, operation: OperationDefinitionNode) -> Iterator[str]:
        for node in operation.selection_set.selections:
            if not isinstance(node, FieldNode):
                continue
            plan, records = self._records(node)
            for start in range(0, len(records), _CHUNK):
                for row in _arranged(plan, records[start : start + _CHUNK], grouped=one.grouped):
                    if "__parentId" not in row:
                        if self.fail_after is not None and one.root_count >= self.fail_after:
                            self.fail_after = None
                            one.status, one.error_code, one.partial = "FAILED", "INTERNAL_SERVER_ERROR", True
                            return
                        one.root_count += 1
                    yield json.dumps(row, ensure_ascii=False) + "\n"
                if one.status != "RUNNING":
                    return

    def _records(self, node: FieldNode) -> tuple[Plan, list[Any]]:
        """The plan of a root connection and all records it finds, at this moment."""
        schema, context = self._gate.schema, self._gate.context(bulk=True)
        root = schema.query_type
        assert root is not None  # the schema has one  # noqa: S101
        definition = root.fields[node.name.value]
        selections, type_ = node_of(node, get_named_type(definition.type))
        plan = compile_plan(schema, context, selections, type_)
        arguments = get_argument_values(definition, node)
        with context.shop.lock:
            found = resolve("QueryRoot", node.name.value, context.shop, context, arguments)
            return plan, list(found.items)

    def stream(self, id: int, start: int = 0) -> Iterator[bytes]:
        """The file of an operation in pieces, from a byte on; a multiplied one only as a whole."""
        one = self._gate.shop.bulks[id]
        if one.root_count == self.multiplied:
            from plugin_server.demo.shopify_shop.bulk_speed import multiplied  # only for speed runs

            yield from multiplied(self.path(id), one.root_count)
            return
        with self.path(id).open("rb") as file:
            file.seek(start)
            while piece := file.read(1 << 16):
                yield piece


def _arranged(plan: Plan, records: list[Any], *, grouped: bool) -> Iterator[Row]:
    """Rows in the order Shopify promises: parents before their children where grouped, else none at all.

    Ungrouped, the children come before their parents here, so that nobody relies on what is not promised.
    """
    if grouped:
        for record in records:
            row = plan.row(record)
            yield row
            if plan.children:
                yield from plan.below(record, row["id"])
        return
    rows = [plan.row(record) for record in records]
    if plan.children:
        for record, row in zip(reversed(records), reversed(rows), strict=True):
            yield from plan.below(record, row["id"])
    yield from rows
