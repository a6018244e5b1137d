"""What a run needs of the outside world: something that takes mail, and the shops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.base import MailBackend, Store


@dataclass(frozen=True, slots=True)
class Outside:
    """``backend`` is the name of ``mail``; ``store`` connects to a shop by its id."""

    mail: MailBackend
    backend: str
    store: Callable[[int], Store]
