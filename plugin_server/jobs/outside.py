"""What a run needs of the outside world: something that takes mail, and the shops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.base import MailAccount, MailBackend, MailFence, Store
from plugin_server import wiring
from plugin_server.wiring import Services

MANY: Final = 1000
"""Recipients of one request at most."""
ONE_BY_ONE: Final = 50
"""The same where each mail is handed over by itself: it takes long, and all of it is in doubt together."""


@dataclass(frozen=True, slots=True)
class Outside:
    """``backend`` is the name of ``mail``; ``store`` connects to a shop by its id.

    ``account`` is what else the mail provider knows, None where it tells nothing; ``fence`` holds requests there so
    that they can be called back, None where it cannot. ``repeatable`` is True where handing over a message again leaves
    one mail, so that doubt can be ended by repeating. ``at_once`` is how many recipients a request may have.
    """

    mail: MailBackend
    backend: str
    store: Callable[[int], Store]
    repeatable: bool = False
    at_once: int = MANY
    account: MailAccount | None = None
    fence: MailFence | None = None


def outside(services: Services, merchant_id: int) -> Outside:
    """The real outside of a merchant."""
    name = wiring.mail_way(services, merchant_id).backend
    return Outside(
        mail=wiring.mail_backend(services, merchant_id),
        backend=name,
        store=lambda store_id: wiring.connector(services, merchant_id, store_id),
        repeatable=name == "folder",
        at_once=ONE_BY_ONE if name == "smtp" else MANY,
        account=wiring.mail_account(services, merchant_id),
        fence=wiring.mail_fence(services, merchant_id),
    )
