"""What stands on a member's card in a wallet: what lasts, for the card in the phone is not written anew by us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class MemberPass:
    """One card in its member's language. ``number`` as people read it; ``key`` is ours, the same card each time."""

    key: str
    shop: str
    name: str
    number: str
    rung: str
    since: str
    card_url: str
    labels: dict[str, str]
    benefits: list[str] = field(default_factory=list)
    colour: str = "0f6e63"

    OURS: ClassVar[str] = "0f6e63"
    """The colour of a shop without one of its own; white can be read on it."""

    @property
    def digits(self) -> str:
        """The number as a till types it: what the QR code holds."""
        return self.number.replace(" ", "")
