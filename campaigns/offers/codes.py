"""Codes that can be made again but not guessed."""

from __future__ import annotations

import hmac
import re
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 O, 1 I L and U: nobody should have to guess a sign when reading a code aloud."""
LENGTH: Final = 8
MAX_PREFIX: Final = 12


def code_for(secret: str, *, prefix: str, run_id: int, customer_id: int, generation: int = 0) -> str:
    """The code of one customer in one run, such as ``LEBARAN-7KQ2M9XA``: always the same, and 30^8 to guess.

    Each ``generation`` has another one: what leaked is given anew, and nobody can tell one from the other.
    """
    return f"{prefix}-{_signs(secret, f'offer-code:{run_id}:{customer_id}{_after(generation)}')}"


def code_for_claim(secret: str, *, prefix: str, claim_id: int, generation: int = 0) -> str:
    """The code of one reward taken for points: always the same for the same claim and generation."""
    return f"{prefix}-{_signs(secret, f'reward-code:{claim_id}{_after(generation)}')}"


def _after(generation: int) -> str:
    return f":g{generation}" if generation else ""


def _signs(secret: str, subject: str) -> str:
    digest = hmac.digest(secret.encode(), subject.encode(), "sha256")
    number = int.from_bytes(digest, "big") % len(ALPHABET) ** LENGTH
    signs = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        signs.append(ALPHABET[place])
    return "".join(signs)


def prefix_for(key: str) -> str:
    """A readable beginning from a campaign's key: ``lebaran-thanks`` gives ``LEBARAN``."""
    words = re.findall(r"[a-z0-9]+", key.lower())
    return (words[0] if words else "").upper()[:MAX_PREFIX] or "OFFER"
