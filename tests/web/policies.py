"""What the headers of every answer must say, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, PathConverter, Rule
from werkzeug.test import TestResponse

LOOSE = ("'unsafe-inline'", "'unsafe-eval'", "*", "data:", "http:", "https:", "blob:")
HARMLESS = {"img-src": {"data:", "https:"}, "font-src": {"data:"}}
"""Pictures are with hosts of the shops' own choice; they run nothing."""


def every_address(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Each route there is, with made-up values: most lead to error pages, and those count as well."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            filled = {name: _made_up(rule._converters[name]) for name in rule.arguments}
            yield rule, app.url_for(rule.endpoint, **filled)
    yield Rule("/nowhere"), "/no/such/page"


def _made_up(kind: BaseConverter) -> Any:
    if isinstance(kind, AnyConverter):
        return min(kind.items)
    return 1 if isinstance(kind, IntegerConverter) else "dist/app.css" if isinstance(kind, PathConverter) else "x"


def strict(answer: TestResponse, ancestors: tuple[str, ...] = ("'none'",)) -> str:
    """What is wrong with an answer's headers; empty for nothing. A mail's frame may wear styles, and runs nothing."""
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        return "sniffed"
    written = answer.headers.get("Content-Security-Policy", "")
    policy = {one.split()[0]: one.split()[1:] for one in written.split(";") if one.strip()}
    if policy.get("default-src") != ["'none'"]:
        return f"open by default: {written}"
    if "sandbox" in policy:
        return "" if not policy["sandbox"] and "script-src" not in policy else f"a frame that runs: {written}"
    for name, sources in policy.items():
        if loose := set(sources) & set(LOOSE) - HARMLESS.get(name, set()):
            return f"{name} allows {loose}"
    if tuple(policy["frame-ancestors"]) != ancestors:
        return f"framed by {policy['frame-ancestors']}"
    return ""
