"""Runs GraphQL the way Shopify's gate does: parse, validate, price, throttle, execute, and tell what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from plugin_server.demo.shopify_shop import (
    activity_fields,
    activity_writes,
    bulk_fields,
    bulk_writes,
    code_writes,
    credit_writes,
    customer_fields,
    customer_writes,
    discount_fields,
    discount_writes,
    order_fields,
    shop_fields,
    subscription_fields,
    subscription_writes,
)
from plugin_server.demo.shopify_shop.access import check, withheld
from plugin_server.demo.shopify_shop.cost import MOST, Bucket, Meter
from plugin_server.demo.shopify_shop.fields import Context, amount_text, kind_of, moment_text, resolve
from plugin_server.demo.shopify_shop.refusals import refusal, too_many, variable_refusal
from plugin_server.demo.shopify_shop.scalars import READERS
from plugin_server.demo.shopify_shop.state import ShopState

TRIMMED = Path(__file__).parent / "admin"
ORDERS_SEEN = timedelta(days=60)
_NOUNS = (
    activity_fields, activity_writes, bulk_fields, bulk_writes, code_writes, credit_writes, customer_fields,
    customer_writes, discount_fields, discount_writes, order_fields, shop_fields, subscription_fields,
    subscription_writes,
)  # fmt: skip


@lru_cache(maxsize=2)
def load_schema(path: Path | None = None) -> GraphQLSchema:
    """The Admin schema: the whole one from an SDL file, or the trimmed one kept beside this module."""
    assert _NOUNS  # imported for the fields they register  # noqa: S101
    text = path.read_text() if path else "\n".join(part.read_text() for part in sorted(TRIMMED.glob("*.graphql")))
    schema = build_schema(text, assume_valid=True)
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLScalarType):
            _teach(type_)
    return schema


def _teach(scalar: GraphQLScalarType) -> None:
    """How a scalar is written and read."""
    if scalar.name in {"String", "Int", "Float", "Boolean", "ID"}:
        return
    scalar.serialize = scalar.coerce_output_value = _written  # type: ignore[method-assign]
    if scalar.name in READERS:
        scalar.parse_value = scalar.coerce_input_value = READERS[scalar.name]  # type: ignore[method-assign, assignment]


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # UnsignedInt64 travels as text
    return value


def _field(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    context: Context = info.context
    parent, name = info.parent_type.name, info.field_name
    grants = context.shop.grants
    check(grants, parent, name, get_named_type(info.return_type).name)
    hidden, instead = withheld(grants, parent, name)
    return instead if hidden else resolve(parent, name, source, context, arguments)


def _kind(value: Any, _info: GraphQLResolveInfo[Any], _abstract: object) -> str:
    return kind_of(value)


@dataclass(slots=True)
class Gate:
    """The GraphQL endpoint of one shop. ``seconds`` is the clock of the bucket."""

    shop: ShopState
    schema: GraphQLSchema
    seconds: Callable[[], float] = time.monotonic
    bucket: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.seconds)

    def context(self, *, bulk: bool = False) -> Context:
        """What a request may see now."""
        hidden = None if self.shop.grants.has("read_all_orders") else self.shop.now() - ORDERS_SEEN
        return Context(self.shop, hidden, bulk)

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON body for one request ``{"query", "variables", "operationName"}``; refusals are bodies too."""
        try:
            document, operation = self._read(request)
            variables = self._variables(operation, request.get("variables") or {})
        except _Invalid as invalid:
            return {"errors": invalid.errors}
        meter = Meter(self.schema, _fragments(document), {**_defaults(operation), **(request.get("variables") or {})})
        requested = meter.requested(operation)
        if requested > MOST:
            return {"errors": [_too_costly(requested)]}
        if not self.bucket.take(requested):
            return {"errors": [_THROTTLED], "extensions": self._cost(requested, None)}
        oversized = too_many(operation, request.get("variables") or {})
        if oversized is not None:
            return {"errors": [oversized], "extensions": self._cost(requested, None)}
        return self._run(document, operation, variables, meter, requested)

    def _read(self, request: Mapping[str, Any]) -> tuple[DocumentNode, OperationDefinitionNode]:
        try:
            document = parse(str(request.get("query") or ""))
        except GraphQLError as error:
            said = error.message.replace("Syntax Error: ", "syntax error, ")
            told = {"message": said, "locations": _places(error), "extensions": {"code": "PARSE_ERROR"}}
            raise _Invalid([told]) from None
        errors = validate(self.schema, document, max_errors=20)
        if errors:
            raise _Invalid([refusal(error, document) for error in errors])
        operation = get_operation_ast(document, request.get("operationName") or None)
        if operation is None:
            raise _Invalid([{"message": "An operation name is required"}])
        return document, operation

    def _variables(self, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> Mapping[str, Any]:
        values = get_variable_values(self.schema, operation.variable_definitions or (), dict(given))
        if isinstance(values, list):
            raise _Invalid([variable_refusal(self.schema, operation, given, values)])
        return given

    def _run(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], meter: Meter,
        requested: int,
    ) -> dict[str, Any]:  # fmt: skip
        context = self.context()
        with self.shop.lock:
            result = execute_sync(
                self.schema, document, root_value=self.shop, context_value=context, variable_values=dict(variables),
                operation_name=operation.name.value if operation.name else None, field_resolver=_field,
                type_resolver=_kind,
            )  # fmt: skip
        actual = max(1, meter.actual(operation, result.data))
        self.bucket.give_back(requested - min(actual, requested))
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [_error(one) for one in _raised(result)]
        body["extensions"] = self._cost(requested, min(actual, requested))
        if context.search:
            body["extensions"]["search"] = context.search
        return body

    def _cost(self, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": self.bucket.status(),
            }
        }


class _Invalid(Exception):
    """A request that is refused before it runs."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("invalid")
        self.errors = errors


_THROTTLED = {
    "message": "Throttled",
    "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/limits#rate-limits"},
}


def _too_costly(points: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {points}, which exceeds the single query max cost limit ({MOST}).\n\nSee "
        "https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\ncost of a query is "
        "calculated.\n\nTo query larger amounts of data with fewer limits, bulk operations should be used instead.\n",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": points,
            "maxCost": MOST,
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    }


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    found = {}
    for definition in operation.variable_definitions or ():
        value = getattr(definition.default_value, "value", None)
        if value is not None:
            found[definition.variable.name.value] = value
    return found


def _places(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": place.line, "column": place.column} for place in error.locations or ()]


def _raised(result: ExecutionResult) -> list[GraphQLError]:
    """The errors of a run. A fault of the double itself is raised: tests must see it, not an answer with a hole."""
    errors = list(result.errors or ())
    for error in errors:
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    return errors


def _error(error: GraphQLError) -> dict[str, Any]:
    told: dict[str, Any] = {"message": error.message, "locations": _places(error)}
    if error.extensions:
        told["extensions"] = error.extensions
    if error.path:
        told["path"] = list(error.path)
    return told
