"""Every variable a mail can print, and what a template asks for that nobody has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from campaigns.mail.liquid import Template, TemplateError, error_at

KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "customer": frozenset({"first_name", "last_name", "name", "email", "language"}),
    "rung": frozenset({"number", "key", "name", "next_name"}),
    "rungs": frozenset(),
    "offer": frozenset(
        {"kind", "currency", "valid_days", "percent", "amount", "minimum", "code", "expires_on", "url", "product"}
        | {"pieces", "price", "buy", "get", "spend", "most", "wait_days", "keep_days", "times", "until"}
        | {"packed"}
        | {"seats", "days", "own"}
    ),
    "shop": frozenset({"name", "url", "address", "email"}),
    "links": frozenset({"shop", "unsubscribe", "preferences", "card", "qr", "ask", "likes", "birthday"}),
    "cart": frozenset({"url"}),
    "card": frozenset({"number"}),
    "points": frozenset({"balance"}),
    "supply": frozenset({"product", "ends_on"}),
    "campaign": frozenset({"key", "name"}),
    "holiday": frozenset({"name", "day"}),
    "now": frozenset(),
    "today": frozenset(),
}
"""By root: the names under it; a root without names is a value or a list."""
_BEYOND: Final = frozenset({"size", "first", "last"})
_PRINTS: Final = re.compile(r"\{\{-?\s*$|\{%-?\s*(?:echo|for\s+\w+\s+in|tablerow\s+\w+\s+in)\s+$")


def unknown(template: Template) -> Iterator[TemplateError]:
    """Each variable that is printed or walked through, has no default, and that nobody supplies; by its place.

    Asking after something (``if customer.nickname``) is no mistake: it is simply not there.
    """
    found = template.bound.analyze(include_partials=False)
    for variables in found.globals.values():
        for variable in variables:
            segments = [segment for segment in variable.segments if isinstance(segment, str)]
            index, source = variable.span.index, template.source
            if not segments or _has(segments) or not _PRINTS.search(source[:index]):
                continue
            if re.match(r"[^}]*\|\s*default\b", source[index:]):
                continue
            yield error_at(f"{'.'.join(segments)} is not known here.{_hint(segments)}", source, index)


def _has(segments: list[str]) -> bool:
    names = KNOWN.get(segments[0])
    if names is None:
        return False
    return not names or len(segments) < 2 or segments[1] in names or segments[1] in _BEYOND


def _hint(segments: list[str]) -> str:
    everything = [f"{root}.{name}" for root, names in KNOWN.items() for name in names] + list(KNOWN)
    near = get_close_matches(".".join(segments[:2]), everything, n=1, cutoff=0.7)
    return f" Do you mean {near[0]}?" if near else " Correct the spelling, or give it a default."
