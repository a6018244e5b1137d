"""What becomes of the recipients of one request, answer by answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from connectors.mail_types import Recipient, SendOutcome, SendResult
from connectors.smtp.line import PATIENCE

_OF_ADDRESS: Final = re.compile(r"\d{3}[ -]\d\.[12]\.\d")
"""Enhanced codes X.1.X and X.2.X are about an address and its mailbox (RFC 3463), all others may be about us."""
_GREYLIST: Final = re.compile(r"gr[ea]y.?list", re.IGNORECASE)
ROW: Final = 5
"""So many noes one after the other, none of them about an address, are meant for us and not for the readers."""


@dataclass(slots=True)
class Tally:
    """The fates so far; ``result`` puts them into one answer."""

    taken: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    stop: str = ""
    wait: bool = False
    _row: list[str] = field(default_factory=list)

    def took(self) -> None:
        """One mail was taken."""
        self.taken += 1
        self._row.clear()

    def said_no(self, recipient: Recipient, code: int, said: str) -> bool:
        """One recipient's own mail met a no: 4xx is not now, 5xx is never. True where the rest need not be tried.

        Limits by the hour and revoked rights are told to each recipient in turn, by servers that know no better. None
        of them is at fault then, and none is given up for it.
        """
        name = recipient.message_id
        if 400 <= code < 500:
            self.wait = True
            self.unsent[name] = said
            self.tried.add(name)
        else:
            self.refused[name] = said
        if _OF_ADDRESS.match(said) or _GREYLIST.search(said):
            self._row.clear()
        else:
            self._row.append(name)
        return len(self._row) >= ROW and self._meant_for_us(said)

    def _meant_for_us(self, said: str) -> bool:
        if not self.unsent.keys() & set(self._row):
            self.stop = f"The mail server refuses one mail after the other ({said}). Mend the mail account, then go on."
        for name in self._row:
            self.unsent[name] = self.refused.pop(name, self.unsent.get(name, said))
            self.tried.discard(name)
        return True

    def break_off(self, rest: Iterable[Recipient], reason: str) -> None:
        """The recipients that were not tried at all."""
        self.unsent.update({recipient.message_id: reason for recipient in rest})

    def result(self) -> SendResult:
        """Accepted as soon as one mail was taken; all others are named."""
        unclear = SendOutcome.IN_DOUBT if self.doubtful else SendOutcome.NOT_SENT
        return SendResult(
            SendOutcome.ACCEPTED if self.taken else unclear,
            detail=self.stop or next(iter({**self.doubtful, **self.unsent, **self.refused}.values()), ""),
            retry_after=PATIENCE if self.wait else None,
            stop=bool(self.stop),
            refused=self.refused,
            unsent=self.unsent,
            doubtful=self.doubtful,
            tried=frozenset(self.tried),
        )
