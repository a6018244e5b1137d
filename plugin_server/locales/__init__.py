"""What the pages say, per language: one TOML file each, and one in each folder here, with the same keys and places."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia", "nl": "Nederlands"}
Phrase = str | dict[str, str]


@cache
def catalogue(language: str) -> dict[str, Phrase]:
    """All phrases of one language by dotted key. A phrase is a text, or ``{"one": …, "other": …}`` by number."""
    here, phrases = Path(__file__).parent, dict[str, Phrase]()
    for path in (here / f"{language}.toml", *sorted(here.glob(f"*/{language}.toml"))):
        phrases.update(flat("", tomllib.loads(path.read_text(encoding="utf-8"))))
    return phrases


def flat(prefix: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, Phrase]]:
    """Yield each phrase of a parsed file with its dotted key, which begins with ``prefix``."""
    for key, value in tree.items():
        if isinstance(value, dict) and "other" not in value:
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", value
