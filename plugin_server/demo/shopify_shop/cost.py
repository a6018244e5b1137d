"""What a query costs, fitted to recorded answers: scalars nothing, objects 1, a mutation 10 per root field.

A connection of ``n`` rows costs 2 + g(n) · (1 + its node's children), with g(n) = floor(2 · ln n), at least 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

MOST = 1000
_DEFAULT_ROWS = 10


def weight(rows: int) -> int:
    """g(n); the hundredth lifts n = 20, which the fit counts as 6, over the edge."""
    return max(1, math.floor(2 * math.log(rows) + 0.01)) if rows > 0 else 0


@dataclass(slots=True)
class Bucket:
    """The points of one app in one shop: a leaky bucket that refills by the second."""

    seconds: Callable[[], float]
    maximum: float = 2000.0
    rate: float = 100.0
    level: float = field(default=-1.0)
    at: float = 0.0

    def available(self) -> float:
        """What is left now."""
        now = self.seconds()
        held = self.maximum if self.level < 0 else self.level
        self.level, self.at = min(self.maximum, held + (now - self.at) * self.rate), now
        return self.level

    def take(self, points: float) -> bool:
        """Pay for a query, or leave the bucket alone where there is too little in it."""
        if self.available() < points:
            return False
        self.level -= points
        return True

    def give_back(self, points: float) -> None:
        """Return what was asked for but not used."""
        self.level = min(self.maximum, self.available() + points)

    def status(self) -> dict[str, float]:
        """The ``throttleStatus`` of an answer."""
        return {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": int(self.available()),
            "restoreRate": self.rate,
        }


def _only(node: SelectionNode) -> SelectionSetNode:
    return SelectionSetNode(selections=(node,))


class Meter:
    """Counts the points of one operation, before it runs and after."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def requested(self, operation: OperationDefinitionNode) -> int:
        """The points that the operation asks for."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None  # validated before  # noqa: S101
        if operation.operation.value == "mutation":
            return sum(10 + self._inside_payload(node, root) for node, _ in self._fields(operation.selection_set, root))
        return self._selection(operation.selection_set, root)

    def actual(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None) -> int:
        """The points that the answer really used: rows given instead of rows asked for."""
        root = self._schema.get_root_type(operation.operation)
        if root is None or data is None:
            return 0
        if operation.operation.value == "mutation":
            return self.requested(operation)
        return self._used(operation.selection_set, root, data)

    def _fields(
        self, selections: SelectionSetNode, parent: GraphQLNamedType
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
        """All fields with the type they are asked on, fragments unfolded."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node, parent
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition.name.value if node.type_condition else parent.name
                yield from self._fields(node.selection_set, self._schema.type_map[on])
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                yield from self._fields(
                    fragment.selection_set, self._schema.type_map[fragment.type_condition.name.value]
                )

    def _type(self, node: FieldNode, parent: GraphQLNamedType) -> GraphQLNamedType | None:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or node.name.value not in parent.fields:
            return None  # __typename
        found: GraphQLNamedType = get_named_type(parent.fields[node.name.value].type)
        return None if is_leaf_type(found) else found

    def _rows(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in {"first", "last"}:
                value = argument.value
                if isinstance(value, IntValueNode):
                    return int(value.value)
                if isinstance(value, VariableNode):
                    return int(self._variables.get(value.name.value) or 0)
        return _DEFAULT_ROWS

    def _inside_payload(self, node: FieldNode, root: GraphQLNamedType) -> int:
        """Connections in the answer of a mutation cost as elsewhere; its plain objects are in the 10."""
        found = self._type(node, root)
        if found is None or node.selection_set is None:
            return 0
        return sum(
            self._connection(inner, type_)
            for inner, parent in self._deep(node.selection_set, found)
            if (type_ := self._type(inner, parent)) is not None and type_.name.endswith("Connection")
        )

    def _deep(
        self, selections: SelectionSetNode, parent: GraphQLNamedType
    ) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
        for node, on in self._fields(selections, parent):
            yield node, on
            found = self._type(node, on)
            if found is not None and node.selection_set and not found.name.endswith("Connection"):
                yield from self._deep(node.selection_set, found)

    def _selection(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> int:
        """The fields' points; of several fragments only the dearest counts, as one thing has one type."""
        points, dearest = 0, 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                points += self._field(node, parent)
            else:
                inside = sum(self._field(field, on) for field, on in self._fields(_only(node), parent))
                dearest = max(dearest, inside)
        return points + dearest

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> int:
        found = self._type(node, parent)
        if found is None or node.selection_set is None:
            return 0
        if found.name.endswith("Connection"):
            return self._connection(node, found)
        return 1 + self._selection(node.selection_set, found)

    def _connection(self, node: FieldNode, found: GraphQLNamedType) -> int:
        assert node.selection_set is not None  # a connection always has one  # noqa: S101
        return 2 + weight(self._rows(node)) * (1 + self._children(node.selection_set, found))

    def _children(self, selections: SelectionSetNode, found: GraphQLNamedType) -> int:
        """What is below ``nodes``, or below ``edges { node }``; ``pageInfo`` is free."""
        points = 0
        for node, on in self._fields(selections, found):
            inner = self._type(node, on)
            if inner is None or node.selection_set is None or node.name.value == "pageInfo":
                continue
            if node.name.value in {"nodes", "node"}:
                points += self._selection(node.selection_set, inner)
            elif node.name.value == "edges":
                points += self._children(node.selection_set, inner)
        return points

    def _used(self, selections: SelectionSetNode, parent: GraphQLNamedType, data: Mapping[str, Any]) -> int:
        points = 0
        for node, on in self._fields(selections, parent):
            found = self._type(node, on)
            value = data.get(node.alias.value if node.alias else node.name.value)
            if found is None or node.selection_set is None or value is None:
                continue
            if isinstance(value, list):
                points += sum(1 + self._used(node.selection_set, found, one) for one in value if one)
            elif found.name.endswith("Connection"):
                rows = value.get("nodes") or value.get("edges") or []
                points += 2 + weight(len(rows)) * (1 + self._children(node.selection_set, found))
            else:
                points += 1 + self._used(node.selection_set, found, value)
        return points
