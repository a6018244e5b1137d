"""Bulk reads: any order of lines, flat memory, every way an operation can end, and a file that is fetched safely."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import BadPayload, ConnectorError, ForbiddenHost
from connectors.http import Http
from connectors.shopify import files
from connectors.shopify.bulk import BulkReader
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.joining import Joined, joined
from connectors.shopify.orders import OrderReader
from tests.conftest import shared
from tests.connectors.server import Answer, Asked, LoopbackServer, serving
from tests.connectors.shopify.shop import NOW, Call, Row, Shop, a_client, line_row, money, order_row, page, running

BULK = "gid://shopify/BulkOperation/7"


def jsonl(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def bulk_order(number: int, **more: Any) -> Row:
    row = order_row(number, **more)
    del row["lineItems"]
    return row


def bulk_line(number: int, owner: int) -> Row:
    return {**line_row(number), "__parentId": f"gid://shopify/Order/{owner}"}


def finished(**more: Any) -> Row:
    return {"id": BULK, "status": "COMPLETED", "errorCode": None, "objectCount": "3", "rootObjectCount": "2",
            "fileSize": None, "url": None, "partialDataUrl": None, **more}  # fmt: skip


class Bulk:
    """A shop that runs a bulk operation over ``body`` in ``looks`` looks."""

    def __init__(self, shop: Shop, body: bytes, *, looks: int = 2, **outcome: Any) -> None:
        self.shop, self.body, self.looks, self.outcome = shop, body, looks, outcome
        self.query = ""
        shop.answers |= {"BulkRun": self.run, "BulkStatus": self.status}

    def run(self, variables: Row) -> Row:
        self.query = variables["query"]
        return {"bulkOperationRunQuery": {"bulkOperation": {"id": BULK, "status": "CREATED"}, "userErrors": []}}

    def status(self, variables: Row) -> Row:
        self.looks -= 1
        if self.looks > 0:
            return {"bulkOperation": {**finished(), "status": "RUNNING"}}
        self.shop.files["/bulk.jsonl"] = Answer(self.body)
        return {"bulkOperation": finished(**self.outcome)}


@contextmanager
def bulky(body: bytes, **outcome: Any) -> Iterator[tuple[Bulk, LoopbackServer, BulkReader]]:
    with running() as (shop, server):
        url = {"url": f"{server.url}/bulk.jsonl", "fileSize": str(len(body))}
        bulk = Bulk(shop, body, **(url | outcome))
        reader = BulkReader(a_client(server), Http(allow_private=True), allow_private=True, part_bytes=2000)
        yield bulk, server, reader


def test_orders_come_from_one_file_whatever_the_order_of_its_lines() -> None:
    rows = [bulk_line(number * 10 + at, number) for number in range(1, 41) for at in (1, 2)]
    rows += [bulk_order(number) for number in range(1, 41)]
    random.Random(4).shuffle(rows)
    with bulky(jsonl(rows)) as (bulk, server, reader):
        pages = list(OrderReader(a_client(server), reader).all())
    orders = {order.external_id: order for one in pages for order in one.items}
    assert sorted(orders, key=int) == [str(number) for number in range(1, 41)]
    assert all({line.external_id for line in order.lines} == {f"{n}1", f"{n}2"} for n, order in orders.items())
    assert pages[0].total == 2
    assert not any(one.faults for one in pages)
    assert "lineItems" in bulk.query
    file = next(asked for asked in server.asked if asked.path == "/bulk.jsonl")
    assert "X-Shopify-Access-Token" not in file.headers


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=12), st.randoms(use_true_random=False), st.integers(200, 20_000)
)
def test_every_child_finds_its_parent(sizes: list[int], chance: random.Random, part_bytes: int) -> None:
    rows: list[Row] = [
        {"id": f"gid://shopify/Order/{n}", "name": '"__parentId":"gid://shopify/Order/1"'}
        for n in range(1, len(sizes) + 1)
    ]
    rows += [
        {"id": f"gid://shopify/LineItem/{n}{at}", "__parentId": f"gid://shopify/Order/{n}"}
        for n, size in enumerate(sizes, 1)
        for at in range(size)
    ]
    chance.shuffle(rows)
    with _file(jsonl(rows).rstrip(b"\n")) as path:
        found = list(joined(path, path.parent, part_bytes=part_bytes))
        left = list(path.parent.iterdir())
    assert {
        one.row["id"].rpartition("/")[2]: len(one.children.get("LineItem", []))
        for one in found
        if isinstance(one, Joined)
    } == {str(n): size for n, size in enumerate(sizes, 1)}
    numbers = [int(one.row["id"].rpartition("/")[2]) for one in found if isinstance(one, Joined)]
    assert numbers == sorted(numbers)
    assert left == []


WORDS = st.text(max_size=8) | st.sampled_from(
    ['"__parentId": "x"', '\\"', '"}', "\ud800", '", "id": "gid://shopify/LineItem/9"']
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
KEYS = st.text(max_size=4) | st.sampled_from(["id", "sku"])


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=3), st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3),
    st.sampled_from([(", ", ": "), (",", ":")]), st.booleans(),
)  # fmt: skip
def test_a_family_is_read_as_json_says(own: Row, children: list[Row], marks: tuple[str, str], last: bool) -> None:
    parent = {"__parentId": "gid://shopify/Order/1"}
    root: Row = own | {"id": "gid://shopify/Order/1"}
    rows = [
        {"id": f"gid://shopify/LineItem/{n}"} | {key: told for key, told in row.items() if key != "id"}
        for n, row in enumerate(children, 1)
    ]
    given = [row | parent if last else {**parent, **row} for row in rows]
    body = b"".join(json.dumps(row, separators=marks).encode() + b"\n" for row in [*given, root])
    with _file(body) as path:
        (found,) = joined(path, path.parent)
    assert isinstance(found, Joined)
    assert found.row == root
    known = [
        {key: told for key, told in row.items() if key != "__parentId"} for row in found.children.get("LineItem", [])
    ]
    assert known == rows


def test_lines_that_mean_nothing_are_faults_and_cost_nothing_else() -> None:
    good = jsonl([bulk_order(1), bulk_line(11, 1)])
    bad = b'{"id": "gid://shopify/Order/2", "na\n[]\n{"id": 5}\n\n' + jsonl([bulk_line(31, 3)])
    with _file(good + bad) as path:
        found = list(joined(path, path.parent, part_bytes=300))
    assert [one.row["id"] for one in found if isinstance(one, Joined)] == ["gid://shopify/Order/1"]
    assert len([one for one in found if isinstance(one, BadPayload)]) == 4


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(orders: int) -> int:
        rows = jsonl([row for n in range(1, orders) for row in (bulk_order(n), bulk_line(n, n))])
        with _file(rows) as path:
            del rows
            tracemalloc.start()
            assert sum(1 for _ in joined(path, path.parent, part_bytes=400_000)) == orders - 1
            top = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return top

    small, large = peak(1000), peak(6000)
    assert large < small * 2, (small, large)


@pytest.mark.parametrize("name", ["bulk_orders_SYNTHETIC", "bulk_orders_SYNTHETIC_out_of_order"])
def test_the_contracts_files_are_joined(name: str) -> None:
    body = shared("contracts", "shopify", "payloads", f"{name}.jsonl").read_bytes()
    rows = [json.loads(line) for line in body.splitlines()]
    with _file(body) as path:
        found = [one for one in joined(path, path.parent, part_bytes=700) if isinstance(one, Joined)]
    assert len(found) == len([row for row in rows if "__parentId" not in row])
    assert sum(len(kids) for one in found for kids in one.children.values()) == len(rows) - len(found)


def test_a_refund_that_the_file_does_not_account_for_is_asked_for_alone() -> None:
    whole = order_row(1, totalRefundedSet=money("5.0"), refunds=[
        {"id": "gid://shopify/Refund/9", "createdAt": "2026-10-09T00:00:00Z", "processedAt": "2026-10-09T00:00:00Z",
         "totalRefundedSet": money("5.0")}])  # fmt: skip
    with bulky(jsonl([bulk_order(1, totalRefundedSet=money("5.0")), bulk_order(2)])) as (bulk, server, reader):
        bulk.shop.answers["OrderAfresh"] = lambda v: {"order": whole}
        orders = [order for one in OrderReader(a_client(server), reader).all() for order in one.items]
    assert {order.external_id: [refund.external_id for refund in order.refunds] for order in orders} == {
        "1": ["9"],
        "2": [],
    }
    assert bulk.shop.names().count("OrderAfresh") == 1


def test_products_and_customers_come_in_bulk_too() -> None:
    product = {
        "id": "gid://shopify/Product/7",
        "title": "Kopi",
        "status": "ACTIVE",
        "updatedAt": "2026-11-02T00:00:00Z",
    }
    rows = [
        {"id": "gid://shopify/Collection/3", "__parentId": "gid://shopify/Product/7"},
        {
            "id": "gid://shopify/ProductVariant/71",
            "title": "250 g",
            "price": "9.9",
            "__parentId": "gid://shopify/Product/7",
        },
        product,
    ]
    with bulky(jsonl(rows)) as (_, server, reader):
        found = next(CatalogReader(a_client(server), reader).all_products("EUR")).items
    assert [(one.external_id, one.parent_external_id, one.category_ids) for one in found] == [
        ("7", None, ("3",)), ("71", "7", ("3",)),
    ]  # fmt: skip


def test_a_shop_without_rows_gives_no_file() -> None:
    with bulky(b"", url=None, objectCount="0", rootObjectCount="0") as (_, server, reader):
        assert list(OrderReader(a_client(server), reader).all()) == []


@pytest.mark.parametrize(
    ("outcome", "words"),
    [({"status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": "https://x.example/part"}, "failed (TIMEOUT)"),
     ({"status": "FAILED", "errorCode": "ACCESS_DENIED"}, "ACCESS_DENIED"), ({"status": "CANCELED"}, "canceled"),
     ({"status": "EXPIRED"}, "expired"), ({"url": None}, "no file")],
)  # fmt: skip
def test_an_operation_that_ends_badly_is_followed_by_a_walk_page_by_page(outcome: Row, words: str) -> None:
    with bulky(b"", **outcome) as (bulk, server, reader):
        bulk.shop.answers["Orders"] = lambda v: {"orders": page([order_row(1)])}
        pages = list(OrderReader(a_client(server), reader).all())
    assert [order.external_id for one in pages for order in one.items] == ["1"]
    assert words in pages[0].faults[0][1]


def test_whatever_refuses_the_bulk_operation_means_paging_with_its_reason() -> None:
    busy = {"field": None, "message": "A bulk query operation is already in progress", "code": "OPERATION_IN_PROGRESS"}
    odd = {"field": ["query"], "message": "Invalid bulk query", "code": "INVALID"}
    why = {"message": "Access denied", "extensions": {"code": "ACCESS_DENIED", "requiredAccess": "`read_orders`"}}
    with bulky(b"") as (bulk, server, reader):
        bulk.shop.answers["Orders"] = lambda v: {"orders": page([order_row(1)])}
        told = []
        for row in (busy, odd, None):
            bulk.shop.answers["BulkRun"] = lambda v, row=row: {"bulkOperationRunQuery": {"userErrors": [row]}}  # type: ignore[misc]
            if row is None:
                bulk.shop.before = lambda call: bulk.shop.good(None, errors=[why]) if call.name == "BulkRun" else None
            pages = list(OrderReader(a_client(server), reader).all())
            assert [len(one.items) for one in pages] == [0, 1]
            told.append(pages[0].faults[0][1])
    assert "as it can" in told[0]
    assert "Invalid bulk query" in told[1]
    assert "read_orders" in told[2]


@pytest.mark.parametrize(("age", "found"), [(1, True), (3600, False)])
def test_a_start_whose_answer_was_lost_is_looked_for_and_nothing_older_taken(age: int, found: bool) -> None:
    def lost(call: Call) -> Answer | None:
        if call.name != "BulkRun":
            return None
        bulk.run(call.variables)
        return Answer({}, 502)

    with bulky(jsonl([bulk_order(5)])) as (bulk, server, reader):
        bulk.shop.before = lost
        made = NOW.timestamp() - age
        bulk.shop.answers["BulkRunning"] = lambda v: {"bulkOperations": page([
            {"id": BULK, "status": "RUNNING", "query": bulk.query, "createdAt": _iso(made)}])}  # fmt: skip
        bulk.shop.answers["Orders"] = lambda v: {"orders": page([order_row(1)])}
        orders = [order for one in OrderReader(a_client(server), reader).all() for order in one.items]
    assert [order.external_id for order in orders] == ["5" if found else "1"]
    assert bulk.shop.names().count("BulkRun") == 1


def test_a_broken_transfer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    body = bytes(range(256)) * 400
    asked: list[str | None] = []

    def script(request: Asked) -> Answer:
        given = request.headers.get("Range")
        asked.append(given)
        start = int(given.removeprefix("bytes=").removesuffix("-")) if given else 0
        piece = body[start : start + 30_000]
        return Answer(piece, 206 if given else 200, cut=len(body) - start - len(piece))

    with serving(script) as server:
        fetch(f"{server.url}/f", tmp_path / "f", size=len(body))
    assert (tmp_path / "f").read_bytes() == body
    assert asked == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]


REASONS = [(404, "bulk_expired"), (403, "bulk_expired"), (500, "truncated"), (302, "truncated")]


@pytest.mark.parametrize(("status", "code"), REASONS)
def test_a_file_that_cannot_be_had_says_why(status: int, code: str, tmp_path: Path) -> None:
    elsewhere = {"Location": "http://elsewhere.example/"}
    with serving(lambda asked: Answer(b"", status, elsewhere)) as server, pytest.raises(ConnectorError) as caught:
        fetch(f"{server.url}/f", tmp_path / "f", size=5)
    assert caught.value.code == code
    assert not caught.value.permanent


@pytest.mark.parametrize(("lost", "numbers", "words"), [(1, ["5", "6"], ""), (2, ["1"], "twice. We read page by page")])
def test_a_file_that_is_gone_is_asked_for_anew_once(lost: int, numbers: list[str], words: str) -> None:
    with bulky(jsonl([bulk_order(5), bulk_order(6)])) as (bulk, server, reader):
        bulk.shop.answers["Orders"] = lambda v: {"orders": page([order_row(1)])}

        def status(variables: Row) -> Row:
            gone = bulk.shop.names().count("BulkRun") <= lost
            return {"bulkOperation": finished(**(bulk.outcome | ({"url": f"{server.url}/gone"} if gone else {})))}

        bulk.shop.files["/bulk.jsonl"] = Answer(bulk.body)
        bulk.shop.answers["BulkStatus"] = status
        pages = list(OrderReader(a_client(server), reader).all())
    assert [order.external_id for one in pages for order in one.items] == numbers
    assert bulk.shop.names().count("BulkRun") == 2
    assert words in str([one.faults for one in pages])


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/f", "https://127.0.0.1/f", "https://169.254.169.254/latest", "file:///etc/passwd",
     "http://storage.example/f"],
)  # fmt: skip
def test_an_address_inside_is_never_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenHost):
        files.fetch(url, tmp_path / "f", Http(), size=None, allow_private=False, sleep=lambda s: None)


def fetch(url: str, to: Path, *, size: int) -> None:
    files.fetch(url, to, Http(allow_private=True), size=size, allow_private=True, sleep=lambda s: None)


def _iso(stamp: float) -> str:
    return type(NOW).fromtimestamp(stamp, NOW.tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _file(body: bytes) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(body)
        yield path
