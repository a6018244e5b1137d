"""Answers recorded from real development stores: each is understood, as a success or as a refusal with a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.shopify.bulk import BulkReader, BulkRefused
from connectors.shopify.code_batches import CodeBatches
from connectors.shopify.failures import Rejected
from tests.conftest import shared
from tests.connectors.server import Answer
from tests.connectors.shopify.shop import Row, a_client, refusal, running

CAPTURES = ("contracts", "shopify", "payloads", "captures")


def answers(found: Any) -> Iterator[Row]:
    """All bodies of GraphQL answers in a recording, wherever they stand."""
    if isinstance(found, dict):
        cost = (found.get("extensions") or {}).get("cost") if isinstance(found.get("extensions"), dict) else None
        if cost and ("data" in found or "errors" in found):
            yield found
        else:
            for value in found.values():
                yield from answers(value)
    elif isinstance(found, list):
        for value in found:
            yield from answers(value)


def recorded() -> list[Row]:
    bodies: list[Row] = []
    for path in sorted(shared(*CAPTURES).glob("*.json")):
        bodies += answers(json.loads(path.read_bytes()))
    return bodies


def test_every_recorded_answer_is_a_success_or_a_refusal_with_a_sentence() -> None:
    seen = {"data": 0, "refused": 0, "top level": 0}
    with running() as (shop, server):
        client = a_client(server)
        for body in recorded():
            shop.before = lambda call, told=body: Answer(told)  # type: ignore[misc]
            roots = [root for root in (body.get("data") or {}).values() if isinstance(root, dict)]
            errors = roots[0].get("userErrors") if roots else None
            if body.get("errors"):
                error = refusal(lambda: client.write("bulk_run", {"query": "{}"}))
                assert error.code != "failed"
                assert not error.ambiguous
                seen["top level"] += 1
            elif errors:
                with pytest.raises(Rejected) as caught:
                    client.write("bulk_run", {"query": "{}"})
                assert [one.message for one in caught.value.errors] == [row["message"] for row in errors]
                seen["refused"] += 1
            else:
                assert list(client.read("shop").data) == list(body["data"])
                seen["data"] += 1
    assert seen["data"] > 150
    assert seen["refused"] > 30
    assert seen["top level"] > 0


def test_the_sixth_bulk_operation_at_once_is_refused_and_means_paging() -> None:
    path = shared(*CAPTURES, "2026-04__bulk-operations__bulk-operation-run-query-concurrency-limit.json")
    bodies = list(answers(json.loads(path.read_bytes())))
    busy = [body for body in bodies if "OPERATION_IN_PROGRESS" in json.dumps(body)]
    assert busy
    with running() as (shop, server):
        shop.before = lambda call: Answer(busy[0])
        reader = BulkReader(a_client(server), Http(allow_private=True), allow_private=True)
        with pytest.raises(BulkRefused):
            list(reader.pages("orders_bulk", lambda found: []))


def test_251_codes_at_once_are_refused_whole_and_we_never_send_so_many() -> None:
    path = shared(*CAPTURES, "2026-04__discounts__discount-redeem-code-bulk-add-validation.json")
    many = [body for body in answers(json.loads(path.read_bytes())) if "MAX_INPUT_SIZE" in json.dumps(body)]
    assert many
    with running() as (shop, server):
        shop.before = lambda call: Answer(many[0])
        with pytest.raises(ConnectorError) as caught:
            CodeBatches(a_client(server)).add("code:1", [f"TEAM-{number}" for number in range(1000)])
    assert caught.value.code == "too_many"
    assert len(shop.calls) == 1
    assert len(shop.calls[0].variables["codes"]) == 250
