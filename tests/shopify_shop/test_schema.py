"""The trimmed schema is a part of the real one, and everything in it can be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_interface_type,
    is_scalar_type,
    parse,
    validate,
    validate_schema,
)

import plugin_server.demo.shopify_shop
from connectors.shopify import documents
from plugin_server.demo.generator import generate
from plugin_server.demo.shopify_shop import ShopState, stock
from plugin_server.demo.shopify_shop.cost import Meter
from plugin_server.demo.shopify_shop.executor import Gate, load_schema
from tests.conftest import shared
from tests.shopify_shop.conftest import NOW

# Not what this product asks of a shop: metaobjects, gift cards, segments, pixels, drafts, privacy, billing.
ELSEWHERE = ("30_", "33_", "34_", "35_", "37_", "38_", "39_")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> GraphQLSchema:
    import gzip

    path = tmp_path_factory.mktemp("schema") / "admin.graphql"
    path.write_bytes(gzip.decompress(shared("contracts", "shopify", "schema", "admin_2026-10.graphql.gz").read_bytes()))
    return load_schema(path)


def test_the_trimmed_schema_is_sound() -> None:
    assert validate_schema(load_schema()) == []


def test_the_trimmed_schema_holds_names_alone_and_nothing_that_no_query_reaches() -> None:
    """Types and their fields, without a word of anybody's documentation; each of them can be asked for or answered."""
    folder = Path(plugin_server.demo.shopify_shop.__file__).parent / "admin"
    for path in folder.iterdir():
        head, *rest = path.read_text().splitlines()
        assert head.startswith("# ")
        assert [line for line in rest if "#" in line or '"""' in line] == []
    schema, reached = load_schema(), set[str]()

    def reach(kind: Any) -> None:
        named = get_named_type(kind)
        if named.name in reached:
            return
        reached.add(named.name)
        for field in getattr(named, "fields", {}).values():
            for one in (field, *getattr(field, "args", {}).values()):
                reach(one.type)
        for other in (*getattr(named, "types", ()), *getattr(named, "interfaces", ())):
            reach(other)
        if is_interface_type(named):
            for one in schema.get_possible_types(named):
                reach(one)

    for root in (schema.query_type, schema.mutation_type):
        reach(root)
    own = {name for name, kind in schema.type_map.items() if not name.startswith("__") and not is_scalar_type(kind)}
    assert own - reached == set()


def test_the_trimmed_schema_is_a_part_of_the_real_one(real: GraphQLSchema) -> None:
    wrong = []
    for name, own in load_schema().type_map.items():
        theirs = real.type_map.get(name)
        if theirs is None or type(theirs) is not type(own):
            wrong.append(name)
            continue
        for field, definition in getattr(own, "fields", {}).items():
            same = theirs.fields.get(field)
            if same is None or str(same.type) != str(definition.type):
                wrong.append(f"{name}.{field}")
                continue
            for argument, given in getattr(definition, "args", {}).items():
                if argument not in same.args or str(same.args[argument].type) != str(given.type):
                    wrong.append(f"{name}.{field}({argument}:)")
            needed = [arg for arg, one in getattr(same, "args", {}).items() if str(one.type).endswith("!")]
            wrong += [f"{name}.{field} lacks {arg}" for arg in needed if arg not in definition.args]
        for value in getattr(own, "values", {}):
            if value not in theirs.values:
                wrong.append(f"{name}.{value}")
        members = {member.name for member in getattr(own, "types", ())}
        wrong += [f"{name} | {extra}" for extra in members - {one.name for one in getattr(theirs, "types", ())}]
    assert not wrong, wrong[:8]


def test_every_required_input_is_in_the_trimmed_schema(real: GraphQLSchema) -> None:
    own = load_schema()
    missing = [
        f"{name}.{field}"
        for name, type_ in own.type_map.items()
        if not isinstance(type_, GraphQLObjectType) and hasattr(type_, "fields") and name.endswith("Input")
        for field, definition in real.type_map[name].fields.items()
        if str(definition.type).endswith("!") and field not in type_.fields
    ]
    assert missing == []


def test_the_operations_of_the_contract_are_valid_here() -> None:
    refused = {}
    for path in sorted(shared("contracts", "shopify", "operations").glob("*.graphql")):
        errors = validate(load_schema(), parse(path.read_text()))
        if errors and not path.name.startswith(ELSEWHERE):
            refused[path.name] = [error.message for error in errors]
    assert refused == {}


def test_costs_are_those_of_the_contract() -> None:
    folder = shared("contracts", "shopify", "operations")
    estimates = json.loads((folder / "cost_estimates.json").read_text())
    wrong = []
    for key, points in estimates.items():
        file, _, name = key.partition(":")
        if file.startswith(ELSEWHERE) or "mutation_base" in points:
            continue
        document = parse((folder / file).read_text())
        operation = next(
            one
            for one in document.definitions
            if isinstance(one, OperationDefinitionNode) and one.name and one.name.value == name
        )
        for size, expected in points.items():
            got = Meter(load_schema(), {}, {"first": int(size)}).requested(operation)
            if got != expected:
                wrong.append((key, size, expected, got))
    assert not wrong, wrong[:8]


def test_every_document_of_the_connector_is_valid_here() -> None:
    """A document that asks for more needs its fields added to ``admin/*.graphql``, and a way to tell them."""
    refused = {}
    for path in sorted(Path(documents.__file__).parent.iterdir()):
        if path.suffix in {".graphql", ".bulk"}:
            errors = validate(load_schema(), parse(path.read_text()))
            if errors:
                refused[path.name] = [error.message for error in errors]
    assert not refused


def test_both_schemas_give_the_same_answers(real: GraphQLSchema) -> None:
    shop = ShopState(clock=lambda: NOW)
    stock(shop, generate(seed=3, customers=40, now=NOW))
    folder = shared("contracts", "shopify", "operations")
    asked = {
        "01_shop_info": {}, "02_orders_page": {"first": 20}, "10_customers_page": {"first": 20},
        "12_abandoned_checkouts": {"first": 5}, "13_products_page": {"first": 10},
        "24_discount_nodes_usage": {"first": 5},
    }  # fmt: skip
    for name, variables in asked.items():
        request = {"query": (folder / f"{name}.graphql").read_text(), "variables": variables}
        answers = [Gate(shop, schema, lambda: 0.0).answer(request) for schema in (load_schema(), real)]
        assert "errors" not in answers[0], answers[0]["errors"]
        assert answers[0] == answers[1], name
