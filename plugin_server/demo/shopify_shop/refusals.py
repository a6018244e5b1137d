"""What the validator says of a wrong request, in Shopify's words where they are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    ListValueNode,
    OperationDefinitionNode,
    VariableNode,
    type_from_ast,
)
from graphql.type import GraphQLEnumType, GraphQLScalarType

_MOST_ITEMS = 250
_Words = Callable[[re.Match[str]], tuple[str, dict[str, Any]]]

_SHOPIFY: tuple[tuple[re.Pattern[str], _Words], ...] = (
    (
        re.compile(r"^Cannot query field '(\w+)' on type '(\w+)'"),
        lambda m: (
            f"Field '{m[1]}' doesn't exist on type '{m[2]}'",
            {"code": "undefinedField", "typeName": m[2], "fieldName": m[1]},
        ),
    ),
    (
        re.compile(r"^Unknown argument '(\w+)' on field '(\w+)\.(\w+)'"),
        lambda m: (
            f"Field '{m[3]}' doesn't accept argument '{m[1]}'",
            {"code": "argumentNotAccepted", "name": m[3], "typeName": "Field", "argumentName": m[1]},
        ),
    ),
    (
        re.compile(r"^Field '(?:\w+\.)?(\w+)(?:\([^)]*\))?' of type '[^']*' must have a selection of subfields"),
        lambda m: (
            f"Field must have selections (field '{m[1]}' returns an object but has no selections. "
            f"Did you mean '{m[1]} {{ ... }}'?)",
            {"code": "selectionMismatch", "nodeName": f"field '{m[1]}'"},
        ),
    ),
    (
        re.compile(r"^(?:Argument '\w+\.(\w+)\((\w+):\)'|Field '(\w+)' argument '(\w+)') of type '[^']*' is required"),
        lambda m: (
            f"Field '{m[1] or m[3]}' is missing required arguments: {m[2] or m[4]}",
            {"code": "missingRequiredArguments", "className": "Field", "name": m[1] or m[3],
             "arguments": m[2] or m[4]},
        ),
    ),
    (
        re.compile(r"^Variable '\$(\w+)' is never used"),
        lambda m: (
            f"Variable ${m[1]} is declared by anonymous query but not used",
            {"code": "variableNotUsed", "variableName": m[1]},
        ),
    ),
)  # fmt: skip


def refusal(error: GraphQLError, document: DocumentNode) -> dict[str, Any]:
    """One error of the validator as Shopify tells it: message, place, path and code."""
    told: dict[str, Any] = {"message": error.message}
    code: dict[str, Any] = {"code": "invalid"}
    for pattern, words in _SHOPIFY:
        match = pattern.match(error.message)
        if match:
            told["message"], code = words(match)
            break
    told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    told["path"] = _path(error, document)
    return {**told, "extensions": code}


def _path(error: GraphQLError, document: DocumentNode) -> list[str]:
    """``["query Orders", "orders", "nodes", "colour"]``: the operation and the fields down to the wrong one."""
    wrong = error.nodes[0] if error.nodes else None
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            name = f" {definition.name.value}" if definition.name else ""
            for trail, node in _walk(definition.selection_set, ()):
                if node is wrong:
                    return [f"{definition.operation.value}{name}", *trail]
    return []


def _walk(selections: Any, trail: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for node in selections.selections if selections else ():
        here = trail
        if isinstance(node, FieldNode):
            here = (*trail, node.alias.value if node.alias else node.name.value)
            yield here, node
            for argument in node.arguments or ():
                yield (*here, argument.name.value), argument
        yield from _walk(getattr(node, "selection_set", None), here)


def too_many(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """The refusal of a list argument of more than 250 items; None where there is none."""
    for node in operation.selection_set.selections:
        if not isinstance(node, FieldNode):
            continue
        for argument in node.arguments or ():
            value = argument.value
            size = len(value.values) if isinstance(value, ListValueNode) else 0
            if isinstance(value, VariableNode) and isinstance(variables.get(value.name.value), list):
                size = len(variables[value.name.value])
            if size > _MOST_ITEMS:
                place = node.loc.start_token if node.loc else None
                return {
                    "message": f"The input array size of {size} is greater than the maximum allowed of {_MOST_ITEMS}.",
                    "locations": [{"line": place.line, "column": place.column}] if place else [],
                    "path": [node.name.value, argument.name.value],
                    "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
                }
    return None


def variable_refusal(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any],
    errors: Sequence[GraphQLError],
) -> dict[str, Any]:  # fmt: skip
    """The error of variables that do not fit their types, with all ``problems`` of the first wrong variable."""
    for definition in operation.variable_definitions or ():
        type_ = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        if type_ is None or (name not in given and definition.default_value is not None):
            continue
        problems = list(_problems(type_, given.get(name), []))  # type: ignore[arg-type]
        if problems:
            said = ", ".join(f"{'.'.join(map(str, path))} ({why})" for path, why in problems if path)
            about = f" for {said}" if said else ""
            place = definition.loc.start_token if definition.loc else None
            return {
                "message": f"Variable ${name} of type {type_} was provided invalid value{about}",
                "locations": [{"line": place.line, "column": place.column}] if place else [],
                "extensions": {
                    "code": "INVALID_VARIABLE",
                    "value": given.get(name),
                    "problems": [_told(path, why) for path, why in problems],
                },
            }
    return {"message": errors[0].message, "extensions": {"code": "INVALID_VARIABLE"}}


def _told(path: list[Any], why: str) -> dict[str, Any]:
    """A problem; those that a scalar itself raised say it twice."""
    told = {"path": path, "explanation": why}
    return {**told, "message": why} if why.startswith("invalid ") else told


def _problems(type_: GraphQLInputType, value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    """Everything wrong with a value, each with its path."""
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            yield path, "Expected value to not be null"
        else:
            yield from _problems(type_.of_type, value, path)
    elif value is None:
        return
    elif isinstance(type_, GraphQLList):
        for at, one in enumerate(value if isinstance(value, list) else [value]):
            yield from _problems(type_.of_type, one, [*path, at])
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _object_problems(type_, value, path)
    elif isinstance(type_, GraphQLEnumType):
        if value not in type_.values:
            yield path, f'Expected "{value}" to be one of: {", ".join(type_.values)}'
    elif isinstance(type_, GraphQLScalarType):
        try:
            type_.coerce_input_value(value)
        except GraphQLError as error:
            own = type_.name not in {"String", "Int", "Float", "Boolean", "ID"}
            yield path, error.message if own else f"Could not coerce value {value!r} to {type_.name}"


def _object_problems(type_: GraphQLInputObjectType, value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    if not isinstance(value, dict):
        yield path, f"Expected {value!r} to be an object"
        return
    for name, field in type_.fields.items():
        if name in value:
            yield from _problems(field.type, value.get(name), [*path, name])
        elif isinstance(field.type, GraphQLNonNull) and not _has_default(field):
            yield [*path, name], "Expected value to not be null"
    for name in value:
        if name not in type_.fields:
            yield [*path, name], f"Field is not defined on {type_.name}"
    if type_.is_one_of and len(value) != 1:
        yield path, f"'{type_.name}' requires exactly one argument, but {len(value)} were provided."


def _has_default(field: Any) -> bool:
    return getattr(field, "default", None) is not None or field.ast_node.default_value is not None
