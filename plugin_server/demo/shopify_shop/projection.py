"""A selection turned into functions once, then applied to many records: bulk operations are too big for an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values

from plugin_server.demo.shopify_shop.access import check, withheld
from plugin_server.demo.shopify_shop.fields import Context, kind_of, resolve

Row = dict[str, Any]


@dataclass(slots=True)
class _Step:
    """One field: its key in the row, and how its value is made from the record."""

    key: str
    value: Callable[[Any, str], Any]
    only_on: str | None


@dataclass(slots=True)
class Plan:
    """How a record becomes a row, and which connections of it become rows of their own."""

    type_name: str | None
    steps: list[_Step] = field(default_factory=list)
    children: list[tuple[str | None, Callable[[Any, str], list[Any]], Plan]] = field(default_factory=list)

    def row(self, record: Any) -> Row:
        """The row of one record, without its children."""
        kind = self.type_name or kind_of(record)
        return {step.key: step.value(record, kind) for step in self.steps if step.only_on in {None, kind}}

    def below(self, record: Any, id: str) -> Iterator[Row]:
        """All rows of the record's connections, each with ``__parentId``."""
        kind = self.type_name or kind_of(record)
        for only_on, records, plan in self.children:
            if only_on not in {None, kind}:
                continue
            for child in records(record, kind):
                row = plan.row(child)
                yield {**row, "__parentId": id}
                if plan.children:
                    yield from plan.below(child, row["id"])


def compile_plan(
    schema: GraphQLSchema, context: Context, selections: SelectionSetNode, parent: GraphQLNamedType
) -> Plan:  # fmt: skip
    """The plan for ``parent``; raises ``GraphQLError`` where the app may not see a field."""
    plan = Plan(None if is_abstract_type(parent) else parent.name)
    _collect(schema, context, selections, parent, None, plan)
    return plan


def _collect(
    schema: GraphQLSchema, context: Context, selections: SelectionSetNode, parent: GraphQLNamedType,
    only_on: str | None, plan: Plan,
) -> None:  # fmt: skip
    for node in selections.selections:
        if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
            on = schema.type_map[node.type_condition.name.value]
            _collect(schema, context, node.selection_set, on, on.name, plan)
        elif (isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType)) or _has_fields(node, parent):
            _add(schema, context, node, parent, only_on, plan)  # type: ignore[arg-type]


def _has_fields(node: Any, parent: Any) -> bool:
    return isinstance(node, FieldNode) and hasattr(parent, "fields")


def _add(
    schema: GraphQLSchema, context: Context, node: FieldNode, parent: Any, only_on: str | None, plan: Plan
) -> None:
    name, key = node.name.value, node.alias.value if node.alias else node.name.value
    if name == "__typename":
        plan.steps.append(_Step(key, lambda _record, kind: kind, only_on))
        return
    definition = parent.fields[name]
    found = get_named_type(definition.type)
    check(context.shop.grants, parent.name, name, found.name)
    arguments = get_argument_values(definition, node)
    hidden, instead = withheld(context.shop.grants, parent.name, name)

    def value(record: Any, kind: str) -> Any:
        return instead if hidden else resolve(kind, name, record, context, arguments)

    if is_leaf_type(found):
        write = found.coerce_output_value
        plan.steps.append(_Step(key, lambda record, kind: _written(value(record, kind), write), only_on))
    elif found.name.endswith("Connection"):
        inner, type_ = node_of(node, found)
        child = compile_plan(schema, context, inner, type_)
        plan.children.append((only_on, lambda record, kind: list(value(record, kind).items), child))
    else:
        assert node.selection_set is not None  # validated  # noqa: S101
        inside = compile_plan(schema, context, node.selection_set, found)
        plan.steps.append(_Step(key, lambda record, kind: _nested(value(record, kind), inside), only_on))


def _written(value: Any, write: Callable[[Any], Any]) -> Any:
    if isinstance(value, list | tuple):
        return [write(one) for one in value]
    return None if value is None else write(value)


def _nested(value: Any, plan: Plan) -> Any:
    if isinstance(value, list | tuple):
        return [plan.row(one) for one in value]
    return None if value is None else plan.row(value)


def node_of(node: FieldNode, connection: Any) -> tuple[SelectionSetNode, GraphQLNamedType]:
    """The selection below ``edges { node }`` and the node's type."""
    assert node.selection_set is not None  # validated  # noqa: S101
    for edges in node.selection_set.selections:
        for inner in edges.selection_set.selections:  # type: ignore[attr-defined]
            if inner.name.value == "node":
                edge = get_named_type(connection.fields["edges"].type)
                return inner.selection_set, get_named_type(edge.fields["node"].type)
    raise AssertionError("the rules let no connection without edges { node } through")
