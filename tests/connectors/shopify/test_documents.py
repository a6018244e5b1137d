"""Every document in the package against the real schema: names, arguments, nothing deprecated, and within budget."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from graphql import parse, validate

from connectors.shopify import documents
from connectors.shopify.documents import load
from tests.conftest import shared
from tests.connectors.shopify.schema import cost, deprecated_uses, real_schema

NAMES = sorted(entry.name for entry in files(documents).iterdir() if entry.name.endswith((".graphql", ".bulk")))
MOST = 1000
PAGES = {"orders": 50, "abandoned_checkouts": 100, "products": 50, "order_lines": 250, "product_variants": 250}


def text_of(name: str) -> str:
    return load(name.rpartition(".")[0]).text


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid_and_uses_nothing_deprecated(name: str) -> None:
    schema = real_schema(shared("contracts", "shopify", "schema", f"admin_{documents.VERSION}.graphql.gz"))
    document = parse(text_of(name))
    assert [str(error.message) for error in validate(schema, document)] == []
    assert deprecated_uses(schema, document) == []
    assert len([node for node in document.definitions if node.kind == "operation_definition"]) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".graphql")])
def test_a_document_costs_what_its_first_line_reserves(name: str) -> None:
    schema = real_schema(shared("contracts", "shopify", "schema", f"admin_{documents.VERSION}.graphql.gz"))
    stem = name.removesuffix(".graphql")
    wanted = cost(schema, text_of(name), PAGES.get(stem, 250))
    assert wanted <= load(stem).cost <= MOST, f"{name} costs {wanted}"


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".bulk")])
def test_a_bulk_query_keeps_the_rules_of_bulk_operations(name: str) -> None:
    text = text_of(name)
    assert "nodes" not in text
    assert len(re.findall(r"\bedges\b", text)) <= 5
    assert text.count("edges") == text.count("node {")
    assert len(text.encode()) <= 65_535
    # The line of a row must begin with its own id: the join reads no more of it than that.
    assert all(part.split()[0] == "id" for part in re.findall(r"node \{\s+(\S+)", text))
