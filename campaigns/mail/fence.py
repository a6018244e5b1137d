"""A fence around a request: the provider takes it now and lets it out later, so that a doubt can be ended for certain.

Nobody knows whether a request whose answer was lost was taken. Behind a fence that need not be known: it is called
back before it leaves, and made again. The price is that every mail leaves ``HELD`` later. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HELD: Final = timedelta(minutes=20)
"""How long a request waits at the provider."""
CERTAIN: Final = timedelta(minutes=10)
"""Calling back later than this before the time is not guaranteed (its own words for scheduled sends)."""
CLOCKS: Final = timedelta(minutes=1)
"""How far the provider's clock may be from ours."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The fence of one request: the provider's batch, and when it lets it out."""

    batch_id: str
    send_at: datetime


def held(batch_id: str, now: datetime) -> Hold:
    """The fence of a request that is made now."""
    return Hold(batch_id, now + HELD)
