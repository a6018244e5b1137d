"""The catalogue of facts that rules may read. What is not listed here cannot be asked."""

from __future__ import annotations

from campaigns.ladder import facts_list
from campaigns.ladder.fact import MOMENTS, ORDERED, Fact, FactType

__all__ = ["CATALOGUE", "MOMENTS", "ORDERED", "Fact", "FactType"]

CATALOGUE: dict[str, Fact] = {
    name: Fact(
        name, FactType(kind), unit, {"en": en, "id": id_, "nl": nl}, facts_list.CHOICES.get(name, ()), kept, source
    )
    for (kept, source), rows in facts_list.BLOCKS.items()
    for name, kind, unit, en, id_, nl in rows
}
"""All facts by name, in the order a person meets them in a list."""


def table() -> str:
    """The catalogue as a Markdown table, for the documents."""
    rows = [
        f"| `{name}` | {fact.type.value.replace('_', '/')} | {fact.unit or '–'} | {fact.labels['en']} | {fact.source} |"
        for name, fact in CATALOGUE.items()
    ]
    return "\n".join(["| fact | type | unit | in words | made of |", "|---|---|---|---|---|", *rows])
