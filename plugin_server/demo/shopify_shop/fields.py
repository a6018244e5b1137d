"""How a field of the schema gets its value: a table of (type, field) → function, else the attribute of that name.

A function is called as ``function(record, context, **arguments)`` with the arguments in the schema's own words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLError

from plugin_server.demo.shopify_shop.state import ShopState

Resolver = Callable[..., Any]
TABLE: dict[tuple[str, str], Resolver] = {}
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(slots=True)
class Context:
    """What the fields of one request share: the shop, the search warnings, the moment orders are hidden before."""

    shop: ShopState
    hidden_before: datetime | None = None
    bulk: bool = False
    api_version: str = "2026-10"
    search: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class View:
    """A record seen as some type of the schema: one discount is a node, a union and a form at once."""

    kind: str
    of: Any


def fields(kind: str, table: Mapping[str, Resolver]) -> None:
    """Say how fields of ``kind`` get their values."""
    for name, resolver in table.items():
        TABLE[kind, name] = resolver


def field_of(kind: str, name: str) -> Callable[[Resolver], Resolver]:
    """The decorator form of ``fields``, for values that need more than a line."""

    def register(resolver: Resolver) -> Resolver:
        TABLE[kind, name] = resolver
        return resolver

    return register


def kind_of(value: Any) -> str:
    """The type of the schema that a value has."""
    if isinstance(value, View):
        return value.kind
    if isinstance(value, Mapping):
        return str(value["__typename"])
    return str(value.KIND)


def resolve(kind: str, name: str, source: Any, context: Context, arguments: Mapping[str, Any]) -> Any:
    """The value of a field. Raises ``GraphQLError`` where the double has none to give: it never makes one up."""
    made = TABLE.get((kind, name))
    seen = source.of if isinstance(source, View) else source
    if made is not None:
        return made(seen, context, **arguments)
    if isinstance(seen, Mapping):
        if name in seen:
            return seen[name]
        if kind.endswith(("Payload", "Error")):
            return None
    else:
        attribute = _HUMP.sub("_", name).lower()
        if hasattr(seen, attribute):
            return getattr(seen, attribute)
    raise GraphQLError(f"This shop's double cannot tell {kind}.{name}.", extensions={"code": "NOT_IN_THE_DOUBLE"})


def money(context: Context, amount: Decimal, currency: str | None = None) -> dict[str, Any]:
    """A MoneyV2."""
    return {"amount": amount, "currencyCode": currency or context.shop.currency}


def bag(context: Context, amount: Decimal, currency: str | None = None) -> dict[str, Any]:
    """A MoneyBag of one currency."""
    value = money(context, amount, currency)
    return {"shopMoney": value, "presentmentMoney": value}


def amount_text(amount: Decimal) -> str:
    """``89.99``, ``5.0``, ``0.0``: as Shopify prints decimals."""
    text = format(amount.normalize(), "f")
    return text if "." in text else f"{text}.0"


def moment_text(moment: datetime) -> str:
    """``2026-11-22T08:00:00Z``."""
    return f"{moment.isoformat()[:19]}Z"
