"""The connections one can search and sort: which keys each knows, and how a page of it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plugin_server.demo.shopify_shop.connections import Key, Rows, ordered, page
from plugin_server.demo.shopify_shop.fields import Context
from plugin_server.demo.shopify_shop.search import Searchable, search
from plugin_server.demo.shopify_shop.state import ShopState

Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One searchable list: its rows, its search keys, and its sort keys (enum value → what is compared)."""

    name: str
    rows: Callable[[ShopState], Iterable[Any]]
    keys: Callable[[ShopState], Mapping[str, Searchable]]
    sorts: Mapping[str, Read]
    visible: Callable[[Any, Context], bool] | None = None


def found(catalogue: Catalogue, context: Context, query: str | None) -> list[Any]:
    """All rows that a query matches; a warning is left in the context where a key is unknown."""
    parsed = search(query, catalogue.keys(context.shop), context.shop.zone)
    if parsed.warnings:
        context.search.append(
            {
                "path": [catalogue.name],
                "query": query,
                "warnings": [{"field": name, "message": why, "code": code} for name, why, code in parsed.warnings],
            }
        )
    seen = catalogue.visible
    return [row for row in catalogue.rows(context.shop) if parsed.test(row) and (seen is None or seen(row, context))]


def connection(
    catalogue: Catalogue, context: Context, *, first: int | None = None, last: int | None = None,
    after: str | None = None, before: str | None = None, query: str | None = None, sortKey: str | None = None,
    reverse: bool = False, **_: Any,
) -> Rows:  # fmt: skip
    """A page of the list; arguments in the schema's words."""
    read = catalogue.sorts.get(sortKey or "ID") or catalogue.sorts["ID"]

    def key(row: Any) -> Key:
        return (read(row), row.id)

    remembered = _remembered(context, catalogue.name, sortKey or "ID", query or "")
    if remembered is None:
        remembered = ordered(found(catalogue, context, query), key)
        _remember(context, catalogue.name, sortKey or "ID", query or "", remembered)
    return page(
        remembered, first=first, last=last, after=after, before=before, reverse=reverse, limited=not context.bulk
    )


_Sorted = list[tuple[Key, Any]]


def _remembered(context: Context, *key: str) -> _Sorted | None:
    version, kept = context.shop.memory
    return kept.get(key) if version == context.shop.version and context.hidden_before is None else None


def _remember(context: Context, name: str, sort: str, query: str, rows: _Sorted) -> None:
    """Keep a sorted list until the shop changes; lists that depend on the hour, or that warned, are made anew."""
    shop = context.shop
    if shop.memory[0] != shop.version:
        shop.memory = (shop.version, {})
    if context.hidden_before is None and not context.search and len(shop.memory[1]) < 50:
        shop.memory[1][name, sort, query] = rows
