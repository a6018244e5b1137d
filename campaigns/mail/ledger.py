"""The states of a message and the one table of how they follow each other. Pure: no clock, no database."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from connectors.mail_types import DeliveryKind


class MessageState(StrEnum):
    """Where one message to one person stands. The words are part of the public interface."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    SKIPPED = "skipped"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


_S = MessageState

# What a provider's report proves, weakest first. A report can only move a message up this list, which makes
# settling independent of the order and the number of copies in which reports arrive.
_PROOF: Final = (_S.ACCEPTED, _S.DELIVERED, _S.BOUNCED, _S.DROPPED, _S.COMPLAINED)
_REPORTED: Final = frozenset(_PROOF)

_PROVES: Final[dict[DeliveryKind, MessageState]] = {
    DeliveryKind.PROCESSED: _S.ACCEPTED,
    DeliveryKind.DEFERRED: _S.ACCEPTED,
    DeliveryKind.DELIVERED: _S.DELIVERED,
    # Whoever opened, clicked or unsubscribed has the mail, even where the delivery report was lost.
    DeliveryKind.OPENED: _S.DELIVERED,
    DeliveryKind.CLICKED: _S.DELIVERED,
    DeliveryKind.UNSUBSCRIBED: _S.DELIVERED,
    DeliveryKind.BOUNCED: _S.BOUNCED,
    # A temporary block of this one mail: it did not arrive. Whether the address is suppressed is not decided here.
    DeliveryKind.BLOCKED: _S.BOUNCED,
    DeliveryKind.DROPPED: _S.DROPPED,
    DeliveryKind.COMPLAINED: _S.COMPLAINED,
}

TRANSITIONS: Final[dict[MessageState, frozenset[MessageState]]] = {
    # Planned or claimed straight to a reported state: the message was in doubt, was released to be sent again, and then
    # the proof of the first sending came in. The proof wins, and nothing is sent a second time.
    _S.PLANNED: frozenset({_S.CLAIMED, _S.SKIPPED, _S.FAILED}) | _REPORTED,
    # Claimed back to planned: the worker died, or the stop button came, before anything left the house.
    _S.CLAIMED: frozenset({_S.SENDING, _S.PLANNED, _S.SKIPPED, _S.FAILED}) | _REPORTED,
    # Sending back to planned is for a certain no alone (refused connection, 4xx, 429). Reported states can overtake the
    # provider's own answer to the request.
    _S.SENDING: frozenset({_S.PLANNED, _S.FAILED, _S.IN_DOUBT}) | _REPORTED,
    # In doubt to planned: called back from behind a fence, or the run's policy "rather twice than never"; to failed is
    # "rather never than twice". Skipped: called back, and the run was stopped.
    _S.IN_DOUBT: frozenset({_S.PLANNED, _S.SKIPPED, _S.FAILED}) | _REPORTED,
    # Accepted back to planned (or skipped, where the run was stopped) is for requests behind a fence alone: the
    # provider took them, and was told not to let them out, in time for that to be certain.
    _S.ACCEPTED: _REPORTED - {_S.ACCEPTED} | {_S.PLANNED, _S.SKIPPED},
    # Delivered to bounced: receivers may accept first and send the mail back later.
    _S.DELIVERED: frozenset({_S.BOUNCED, _S.DROPPED, _S.COMPLAINED}),
    _S.BOUNCED: frozenset({_S.DROPPED, _S.COMPLAINED}),
    _S.DROPPED: frozenset({_S.COMPLAINED}),
    _S.COMPLAINED: frozenset(),
    # Skipped and failed are ends of ours, not of the world: a message given up while in doubt may turn out to have
    # arrived, and then the ledger says so.
    _S.SKIPPED: _REPORTED,
    _S.FAILED: _REPORTED,
}

ENDED: Final = frozenset({_S.DELIVERED, _S.BOUNCED, _S.DROPPED, _S.COMPLAINED, _S.SKIPPED, _S.FAILED})
"""States that no work of ours follows on; only reports may still move them."""


def allowed(from_: MessageState, to: MessageState) -> bool:
    """Whether a message may go from one state to another. Staying is no transition and gives False."""
    return to in TRANSITIONS[from_]


def settle(state: MessageState, kind: DeliveryKind) -> MessageState:
    """The state after a report of ``kind``: moved up to what the report proves, never down.

    Reports that prove nothing about delivery (account, unknown) leave the state as it is.
    """
    proved = _PROVES.get(kind)
    if proved is None or (state in _REPORTED and _PROOF.index(proved) <= _PROOF.index(state)):
        return state
    return proved
