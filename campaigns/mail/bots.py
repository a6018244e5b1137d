"""Which clicks are a person's. Scanners open every link of a mail within seconds; their clicks prove no interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

AT_ONCE: Final = timedelta(seconds=2)
"""No person has read a mail this soon after it was delivered, nor opened two links of it this close together."""


@dataclass(frozen=True, slots=True)
class Click:
    """One click on a link of one mail."""

    at: datetime
    url: str


def first_by_a_person(clicks: Sequence[Click], delivered_at: datetime | None) -> datetime | None:
    """When a person clicked first; None where every click looks like a machine's.

    The rules are what senders learnt: a click less than two seconds after the delivery, or clicks on different
    links less than two seconds apart. Order and copies make no difference.
    """
    return min((click.at for click in clicks if not _by_machine(click, clicks, delivered_at)), default=None)


def _by_machine(click: Click, clicks: Sequence[Click], delivered_at: datetime | None) -> bool:
    if delivered_at is not None and click.at < delivered_at + AT_ONCE:
        return True
    return any(other.url != click.url and abs(other.at - click.at) < AT_ONCE for other in clicks)
