"""What a bulk query may be: the rules and the very words in which Shopify refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)

from plugin_server.demo.shopify_shop.refusals import refusal

MOST_BYTES = 65_535
MOST_CONNECTIONS = 5
DEEPEST = 2
_NO_NODE = "Bulk queries cannot contain a top level `node` field."
_NO_CONNECTION = "Bulk queries must contain at least one connection."
_TOO_DEEP = "Bulk queries cannot contain connections with a nesting depth greater than 2."
_TOO_MANY = "Bulk queries cannot contain more than 5 connections."
_IN_LIST = "Queries that contain a connection field within a list field are not currently supported."
_TYPE = "Invalid operation type. Only `query` operations are supported."


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a bulk query, as it was found."""

    node: FieldNode
    depth: int
    in_list: bool
    parent: SelectionSetNode | None
    parent_name: str | None


def read(schema: GraphQLSchema, text: str) -> tuple[OperationDefinitionNode | None, list[str]]:
    """The operation of a bulk query, or the sentences that refuse it."""
    if len(text.encode()) > MOST_BYTES:
        return None, [f"The query is too long. The maximum length is {MOST_BYTES} bytes."]
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [f"Invalid bulk query: {error.message}"]
    operation = next((one for one in document.definitions if isinstance(one, OperationDefinitionNode)), None)
    if operation is None or operation.operation.value != "query":
        return None, [_TYPE]
    faults = _faults(schema, operation)
    if not faults:
        errors = validate(schema, document)
        faults = [f"Invalid bulk query: {refusal(error, document)['message']}" for error in errors[:1]]
    return (None, faults) if faults else (operation, [])


def _faults(schema: GraphQLSchema, operation: OperationDefinitionNode) -> list[str]:
    root = schema.query_type
    assert root is not None  # the schema has one  # noqa: S101
    found = list(_connections(schema, operation.selection_set, root, 1, False, None, None))
    roots = {node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)}
    faults = [_NO_NODE] if roots & {"node", "nodes"} else []
    if not found:
        return [*faults, _NO_CONNECTION]
    by_nodes = [one.node.name.value for one in found if not _selects(one.node, "edges")]
    if by_nodes:
        faults.append(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
            f"'{by_nodes[0]} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
            f"Invalid connection fields: {', '.join(repr(name) for name in by_nodes)}."
        )
    if any(one.in_list for one in found):
        faults.append(_IN_LIST)
    if max(one.depth for one in found) > DEEPEST + 1:
        return [*faults, _TOO_DEEP]
    if len(found) > MOST_CONNECTIONS:
        faults.append(_TOO_MANY)
    nameless = sorted({str(one.parent_name) for one in found if one.parent is not None and not _has_id(one.parent)})
    if nameless:
        faults.append(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be "
            f"of 'ID' return type. Connection fields without 'id': {', '.join(nameless)}."
        )
    return faults


def _selects(node: FieldNode, name: str) -> bool:
    chosen = node.selection_set.selections if node.selection_set else ()
    return any(isinstance(one, FieldNode) and one.name.value == name for one in chosen)


def _has_id(selections: SelectionSetNode) -> bool:
    return any(
        isinstance(one, FieldNode) and one.name.value == "id" and one.alias is None for one in selections.selections
    )


def _connections(
    schema: GraphQLSchema, selections: SelectionSetNode, parent: GraphQLNamedType, depth: int, in_list: bool,
    node: SelectionSetNode | None, name: str | None,
) -> Iterator[Connection]:  # fmt: skip
    """All connections below, with how deep each is and what it hangs on."""
    for one in selections.selections:
        if isinstance(one, InlineFragmentNode):
            on = schema.type_map[one.type_condition.name.value] if one.type_condition else parent
            yield from _connections(schema, one.selection_set, on, depth, in_list, node, name)
        if not isinstance(one, FieldNode) or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            continue
        field = parent.fields.get(one.name.value)
        if field is None or one.selection_set is None:
            continue
        found = get_named_type(field.type)
        if found.name.endswith("Connection"):
            yield Connection(one, depth, in_list, node, name)
            for inner, type_ in _below(one, found):
                yield from _connections(schema, inner, type_, depth + 1, in_list, inner, one.name.value)
        else:
            listed = isinstance(
                field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type, GraphQLList
            )
            yield from _connections(schema, one.selection_set, found, depth, in_list or listed, node, name)


def _below(node: FieldNode, connection: GraphQLNamedType) -> Iterator[tuple[SelectionSetNode, GraphQLNamedType]]:
    """The selections of ``edges { node }`` and of ``nodes``, with the type of the node."""
    assert isinstance(connection, GraphQLObjectType)  # by its name  # noqa: S101
    for one in node.selection_set.selections if node.selection_set else ():
        if not isinstance(one, FieldNode) or one.selection_set is None:
            continue
        if one.name.value == "nodes":
            yield one.selection_set, get_named_type(connection.fields["nodes"].type)
        elif one.name.value == "edges":
            edge = get_named_type(connection.fields["edges"].type)
            for inner in one.selection_set.selections:
                if isinstance(inner, FieldNode) and inner.name.value == "node" and inner.selection_set:
                    yield inner.selection_set, get_named_type(edge.fields["node"].type)
