"""The shop's own rungs, with their numbers and names in a language, and why somebody stands where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from plugin_server.db.ladder import standing
from plugin_server.db.ladder.rungs import shop
from plugin_server.web.words import Words


@dataclass(frozen=True, slots=True)
class RungName:
    """One rung: 1 is the lowest. Colour goes by number, and is never the only sign."""

    number: int
    key: str
    name: str

    @property
    def option(self) -> tuple[str, str]:
        """For a choice in a form."""
        return self.key, f"{self.number} {self.name}"


def names_of(connection: Connection, merchant_id: int, language: str) -> list[RungName]:
    """All rungs from the lowest up, as the shop's people call them (English where the shop gave no such name)."""
    rungs = shop(connection, merchant_id).ladder.rungs
    return [RungName(number, rung.key, rung.name(language)) for number, rung in enumerate(rungs, start=1)]


def public_names(connection: Connection, merchant_id: int, language: str) -> list[RungName]:
    """All rungs from the lowest up, as customers read them."""
    rungs = shop(connection, merchant_id).ladder.rungs
    return [RungName(number, rung.key, rung.public(language)) for number, rung in enumerate(rungs, start=1)]


def explain(connection: Connection, merchant_id: int, customer_id: int, words: Words) -> dict[str, Any] | None:
    """Why this rung and what is missing for the next, in sentences; None for somebody not on the ladder yet."""
    return standing.of_customer(
        connection, shop(connection, merchant_id), customer_id=customer_id, now=words.now, lang=words.language
    )
