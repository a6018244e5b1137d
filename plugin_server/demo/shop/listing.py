"""Paging and field choice, as every list of the REST API does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from plugin_server.demo.shop.answers import Answer, JsonObject, invalid_param, not_one_of

T = TypeVar("T")
Query = Mapping[str, str]


def number_param(query: Query, name: str, default: int) -> int:
    """A whole number of the query string."""
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError:
        raise invalid_param(
            name, f"{name} is not of type integer.", "rest_invalid_type", {"param": name}
        ) from None  # fmt: skip


def choice_param(query: Query, name: str, default: str, choices: Sequence[str]) -> str:
    """One word of a list of choices."""
    value = query.get(name) or default
    if value not in choices:
        raise not_one_of(name, name, choices)
    return value


def flag_param(query: Query, name: str) -> bool:
    """A boolean of the query string."""
    return query.get(name, "").lower() in {"1", "true", "yes"}


def list_param(query: Query, name: str) -> list[str]:
    """A comma-separated list, or the bracket forms ``name[]=`` and ``name[0]=`` of it."""
    if name in query:
        return [part.strip() for part in query[name].split(",") if part.strip()]
    return [value for key, value in query.items() if key.startswith(f"{name}[") and value]


def id_list(query: Query, name: str) -> list[int]:
    """Ids of a list parameter; what is no number is left out."""
    return [int(part) for part in list_param(query, name) if part.isdigit()]


class Page:
    """Which slice of a list is asked for."""

    def __init__(self, query: Query) -> None:
        self.number = number_param(query, "page", 1)
        self.size = number_param(query, "per_page", 10)
        if self.number < 1:
            raise invalid_param("page", "page must be greater than or equal to 1", "rest_out_of_bounds")
        if not 1 <= self.size <= 100:
            message = "per_page must be between 1 (inclusive) and 100 (inclusive)"
            raise invalid_param("per_page", message, "rest_out_of_bounds")
        self.start = number_param(query, "offset", 0) or (self.number - 1) * self.size

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows of this page."""
        return rows[self.start : self.start + self.size]

    def headers(self, url: str, query: Query, total: int, *, extra: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
        """X-WP-Total, X-WP-TotalPages and Link. ``extra`` are the defaults the real thing adds to its links."""
        pages = math.ceil(total / self.size)
        found = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
        kept = [(key, value) for key, value in query.items() if key not in {"page", "oauth_signature"}]
        kept += [(key, value) for key, value in extra if key not in query]
        neighbours = []
        if self.number > 1:
            neighbours.append((min(self.number - 1, pages), "prev"))
        if self.number < pages:
            neighbours.append((self.number + 1, "next"))
        if neighbours:
            found["Link"] = ", ".join(
                f'<{url}?{urlencode([*kept, ("page", page)])}>; rel="{rel}"' for page, rel in neighbours
            )
        return found


def chosen(value: JsonObject, fields: Sequence[str]) -> JsonObject:
    """Only ``fields`` of a resource, in its own order; ``billing.email`` reaches into objects, not lists."""
    if not fields:
        return value
    tops: dict[str, list[str]] = {}
    for name in fields:
        top, _, inner = name.partition(".")
        tops.setdefault(top, []).append(inner)
    return {
        key: part if "" in tops[key] else chosen(part, tops[key])
        for key, part in value.items()
        if key in tops and ("" in tops[key] or isinstance(part, dict))
    }


def page_answer(
    rows: Sequence[T], render: Callable[[T], JsonObject], url: str, query: Query, *,
    extra: Iterable[tuple[str, str]] = (),
) -> Answer:  # fmt: skip
    """One page of ``rows`` as an answer."""
    page = Page(query)
    fields = list_param(query, "_fields")
    body = [chosen(render(row), fields) for row in page.cut(rows)]
    return Answer(body, headers=page.headers(url, query, len(rows), extra=extra))
