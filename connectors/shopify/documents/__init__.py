"""The GraphQL documents, one operation a file, each valid against Shopify's schema of ``VERSION`` (a test proves it).

The first line of a file says what it asks for at most, in points of Shopify's cost model: ``# cost: 590``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VERSION = "2026-10"
COST = re.compile(r"# cost: ([0-9]{1,4})\n")


@dataclass(frozen=True, slots=True)
class Document:
    """One operation: its name, text, whether it writes, and the cost to reserve for it."""

    name: str
    text: str
    writes: bool
    cost: float


@cache
def load(name: str) -> Document:
    """The document in ``<name>.graphql`` (or ``<name>.bulk``, the query of a bulk operation)."""
    folder = files(__name__)
    source = folder / f"{name}.graphql"
    text = (source if source.is_file() else folder / f"{name}.bulk").read_text(encoding="utf-8")
    found = COST.match(text)
    body = text[found.end() :] if found else text
    return Document(name, body, body.lstrip().startswith("mutation"), float(found[1]) if found else 10.0)
