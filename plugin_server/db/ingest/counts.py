"""What an ingest gives back. Everything is done in sets; no query goes row by row."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ingested:
    """How many rows came, what became of them, whose facts are to be read anew, which orders changed.

    ``touched`` None means all customers. ``unchanged`` holds the refused older versions too. Of those touched,
    ``grown`` did nothing but order more: all that changed of them is new orders among ``order_ids``.
    """

    seen: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    touched: list[int] | None = field(default_factory=list)
    order_ids: list[int] = field(default_factory=list)
    grown: frozenset[int] = frozenset()

    def __add__(self, other: Ingested) -> Ingested:
        both = None if self.touched is None or other.touched is None else sorted({*self.touched, *other.touched})
        return Ingested(
            self.seen + other.seen,
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            both,
            self.order_ids + other.order_ids,
            self._grown_beside(other) | other._grown_beside(self),
        )

    def _grown_beside(self, other: Ingested) -> frozenset[int]:
        return self.grown - (frozenset(other.touched or ()) - other.grown)

    def without_ids(self) -> Ingested:
        """The counts alone, for adding up over a whole shop."""
        return Ingested(self.seen, self.created, self.updated, self.unchanged)

    def counts(self) -> dict[str, int]:
        """``{"seen", "created", "updated", "unchanged"}``."""
        return {"seen": self.seen, "created": self.created, "updated": self.updated, "unchanged": self.unchanged}
