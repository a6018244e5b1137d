"""Shopify's real schema and its cost model, for judging our documents."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    build_schema,
    get_named_type,
    is_composite_type,
    parse,
    visit,
)

STEPS = ((1, 1), (3, 2), (5, 3), (10, 4), (25, 6), (50, 7), (100, 9), (250, 11))
"""What n rows of a connection cost, as recorded; the next larger one stands for those in between."""


@cache
def real_schema(path: Path) -> GraphQLSchema:
    """The schema from its gzipped SDL; building it takes a second."""
    return build_schema(gzip.decompress(path.read_bytes()).decode(), assume_valid=True)


def rows(first: int) -> int:
    """The factor of a connection of ``first`` rows."""
    return next(factor for size, factor in STEPS if first <= size)


def cost(schema: GraphQLSchema, text: str, first: int = 250) -> int:
    """The requested cost of one operation: scalars 0, objects 1, mutations 10, connections 2 + g(n)·(1 + a row).

    ``first`` stands for a variable of that name.
    """
    return _Cost(schema, parse(text), first).total()


class _Cost:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, first: int) -> None:
        self.schema, self.first = schema, first
        self.fragments = {node.name.value: node for node in document.definitions if hasattr(node, "type_condition")}
        self.operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))

    def total(self) -> int:
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        mutation = self.operation.operation.value == "mutation"
        return self._selection(self.operation.selection_set, root, base=10 if mutation else None)

    def _selection(self, selected: SelectionSetNode, parent: object, base: int | None = None) -> int:
        total = 0
        for node in selected.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, parent, base)
            else:
                fragment = self.fragments[node.name.value] if hasattr(node, "name") else node
                kind = self.schema.get_type(fragment.type_condition.name.value)
                total += self._selection(fragment.selection_set, kind)
        return total

    def _field(self, node: FieldNode, parent: object, base: int | None) -> int:
        name = node.name.value
        if name in {"__typename", "pageInfo"} or not hasattr(parent, "fields"):
            return 0
        kind = get_named_type(parent.fields[name].type)
        if not is_composite_type(kind) or node.selection_set is None:
            return 0
        if kind.name.endswith("Connection"):
            return 2 + rows(self._first(node)) * (1 + self._row(node.selection_set, kind))
        return (base or 1) + self._selection(node.selection_set, kind)

    def _row(self, selected: SelectionSetNode, kind: object) -> int:
        for node in selected.selections:
            if isinstance(node, FieldNode) and node.name.value in {"nodes", "edges"} and node.selection_set:
                inner = get_named_type(kind.fields[node.name.value].type)  # type: ignore[attr-defined]
                if node.name.value == "edges":
                    return self._row_of_edge(node.selection_set, inner)
                return self._selection(node.selection_set, inner)
        return 0

    def _row_of_edge(self, selected: SelectionSetNode, kind: object) -> int:
        for node in selected.selections:
            if isinstance(node, FieldNode) and node.name.value == "node" and node.selection_set:
                return self._selection(node.selection_set, get_named_type(kind.fields["node"].type))  # type: ignore[attr-defined]
        return 0

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments:
            if argument.name.value == "first":
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    return self.first
        return 1


def deprecated_uses(schema: GraphQLSchema, document: DocumentNode) -> list[str]:
    """The deprecated fields, arguments and enum values that a document uses."""
    info, found = TypeInfo(schema), list[str]()

    class Look(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            field = info.get_field_def()
            parent = info.get_parent_type()
            if field is not None and field.deprecation_reason:
                found.append(f"{parent.name if isinstance(parent, GraphQLObjectType) else '?'}.{node.name.value}")

    visit(document, TypeInfoVisitor(info, Look()))
    return found
