"""Our words for mails and what their providers tell us of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a bulk mail. ``fragments`` replace their keys in the ``Mail``: subject, reply_to, html and text.

    ``message_id`` is our ledger id; providers carry it (``lk_mid``) and give it back in events. Mails that stand in no
    ledger have none, and are told apart by their attempt.
    """

    message_id: str
    email: str
    name: str = ""
    fragments: dict[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One request to a mail provider: a skeleton and up to 1000 recipients with their fragments.

    With ``send_at`` the provider takes it now and sends it then; ``batch_id`` is what ``MailFence`` calls it back by.
    Backends without a fence leave both out of account. ``in_reply_to`` is the Message-ID that this mail answers.
    Whether opens and clicks of ``tracked`` mails are followed is up to the account; those of all others never are.
    """

    attempt_id: str
    from_email: str
    from_name: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    recipients: tuple[Recipient, ...]
    category: str = ""
    batch_id: str = ""
    send_at: datetime | None = None
    in_reply_to: str = ""
    tracked: bool = False


class SendOutcome(StrEnum):
    """Certain yes, certain no, or unknown. Unknown is never sent again blindly."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one ``Mail``. ``refused`` names recipients the provider will not take, with the reason.

    ``retry_after`` (seconds) is set where the provider asks for patience; ``stop`` where nothing more can be sent
    until a person mends the account. ``outcome`` holds for every recipient that is named nowhere else: ``unsent`` names
    those that were certainly not sent and may be tried again, ``doubtful`` those of whom nobody knows (id → reason).
    ``tried`` are those of ``unsent`` whose own mail met the no, and not trouble before their turn.
    Only backends that hand over recipients one by one fill these three.
    """

    outcome: SendOutcome
    provider_reference: str | None = None
    detail: str = ""
    retry_after: float | None = None
    stop: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)
    tried: frozenset[str] = frozenset()


class DeliveryKind(StrEnum):
    """What a mail provider reports about one mail."""

    PROCESSED = "processed"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """One report of a mail provider. ``dedupe`` is equal for redelivered copies of the same event."""

    kind: DeliveryKind
    dedupe: str
    occurred_at: datetime
    message_id: str | None = None
    attempt_id: str | None = None
    email: str | None = None
    provider_reference: str | None = None
    reason: str = ""
    url: str = ""
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An address on a mail provider's own list of those it does not mail, and why (``kind``) since when."""

    email: str
    kind: DeliveryKind
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class MailReply:
    """A mail that came to us, as it says itself. ``automatic``: written by a machine; ``proven``: SPF or DKIM held.

    ``to`` are the addresses it was delivered to, ``reference`` its own Message-ID.
    """

    from_email: str
    from_name: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    reference: str
    automatic: bool
    proven: bool
    attachments: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a sender's domain has SPF, DKIM and DMARC; None where the name servers gave no answer."""

    spf: bool | None
    dkim: bool | None
    dmarc: bool | None

    @property
    def good(self) -> bool | None:
        """DMARC is there, and SPF or DKIM for it to lean on; None where that cannot be known now."""
        if self.dmarc is False or (self.spf is False and self.dkim is False):
            return False
        return None if self.dmarc is None or (not self.spf and not self.dkim) else True


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One entry for the name servers of a domain: ``kind`` CNAME, TXT or MX, its ``host`` and ``value``.

    ``valid``: whether the provider found it there, None before it looked; ``reason`` is its own sentence if not.
    """

    kind: str
    host: str
    value: str
    valid: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DomainVouch:
    """A domain as a mail provider knows it; it signs mail in its name as soon as all ``records`` are found."""

    external_id: str
    domain: str
    valid: bool
    records: tuple[DnsRecord, ...]
