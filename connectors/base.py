"""The protocols every connector keeps. Their docstrings are the contract that the contract suite tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from connectors.mail_types import DomainVouch, Mail, SendResult, Suppressed
from connectors.marketing_types import MarketingActivity, MarketingDay
from connectors.offer_types import Pack, PackResult
from connectors.types import (
    Category,
    Check,
    CodeResult,
    CodeSpec,
    ConsentChange,
    CreditIntent,
    Customer,
    Deal,
    Order,
    Product,
    Review,
    StoreEvent,
    StoreInfo,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a walk. ``faults`` are (external id or place, sentence) of unreadable rows; the rest goes on.

    ``total`` is the number of rows the store promised for the whole walk, None where it does not say.
    """

    items: tuple[T, ...]
    total: int | None = None
    faults: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class WebhookState:
    """One webhook of ours at the store: topic, ``active``/``paused``/``disabled``/``missing``, and its id."""

    topic: str
    state: str
    external_id: str | None = None


BASKET = "checkout-"
"""How the id of an order begins that never was one: a basket left at the till. No list of orders names it."""
AT_THE_TILL = "pending payment"
"""``raw_status`` of a pending order that its buyer left unpaid at the till. Others wait for money on its way."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of writing to accounts, by their external ids: ``refused`` with a sentence each.

    ``changed`` is the time of change that the shop gave an account by it, where it says so: by that time our own change
    is known again when the shop tells of it.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagChange:
    """Tags to put on an account and to take off it; ``all`` are those it bears with us after that."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    all: tuple[str, ...] = ()


class Store(Protocol):
    """A shop we can read and write. All methods raise ``ConnectorError``; none holds a cursor between calls."""

    def info(self) -> StoreInfo:
        """Name, address, currency, zone and version of the shop."""

    def checks(self) -> list[Check]:
        """Everything that could be wrong with this connection, each named and with its mend. Never raises."""

    def orders(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """All orders (``since=None``) or all that changed at or after ``since``, refunds and lines included.

        An order may come twice, none is left out: whatever is inserted, changed or trashed during the walk, is either
        in it or changed after its start. Trashed orders come with status TRASHED.
        """

    def order(self, external_id: str) -> Order | None:
        """One order afresh; None where the store no longer knows it."""

    def order_ids(self) -> Iterator[Page[str]]:
        """The ids of all orders the store still knows (not trashed), for the reconcile."""

    def customers(self, *, since: datetime | None) -> Iterator[Page[Customer]]:
        """All accounts; those changed since where the store can tell, all of them where it cannot."""

    def customer(self, external_id: str) -> Customer | None:
        """One account afresh; None where it is gone."""

    def products(self, *, since: datetime | None) -> Iterator[Page[Product]]:
        """Products and variations."""

    def categories(self) -> Iterator[Page[Category]]:
        """Product categories."""

    def reviews(self, *, since: datetime | None) -> Iterator[Page[Review]]:
        """Product reviews."""

    def create_codes(self, codes: Sequence[CodeSpec]) -> list[CodeResult]:
        """Make the codes exist exactly as asked; calling twice makes none twice.

        Each created code is compared with what was asked, and deleted again where it is worth more, or to others, or
        longer. Results come in the order of ``codes``.
        """

    def revoke_codes(self, external_ids: Iterable[str]) -> None:
        """Make the codes worthless; those already gone are fine."""

    def write_rungs(self, rungs: Mapping[str, tuple[str, str]]) -> Written:
        """Write {customer external id: (rung key, rung name)} to the shop; again is harmless."""

    def ensure_webhooks(self, *, url: str, secret: str) -> list[WebhookState]:
        """Make our webhooks exist and be active at ``url`` with ``secret``; disabled ones are revived."""

    def webhook_states(self, *, url: str) -> list[WebhookState]:
        """How our webhooks at ``url`` stand."""

    def remove_webhooks(self, *, url: str) -> None:
        """Delete our webhooks."""

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> StoreEvent:
        """A stored and verified webhook in our words. Raises ``BadPayload``."""


class StoreServices(Protocol):
    """What only some shops can do beyond ``Store``; ``StoreInfo.capabilities`` says which of it.

    Capabilities: ``automatic_discounts`` (deals), ``bulk_codes``, ``consent``, ``store_credit``, ``marketing``,
    ``tags``, ``abandoned_checkouts`` (baskets); packs are made by shops that cannot count pieces. All raise
    ``ConnectorError``; with ``ambiguous`` where the same call again finds out what became of the first.
    """

    def create_deal(self, deal: Deal) -> str:
        """Make an offer to many exist; gives its id. Calling twice makes none twice."""

    def end_deal(self, external_id: str) -> None:
        """End an offer to many; one that is gone is fine."""

    def add_codes(self, deal_id: str, codes: Sequence[str]) -> list[CodeResult]:
        """Make codes exist under a deal with a code, for offers that may be passed on; one result each, in order."""

    def ensure_packs(self, packs: Sequence[Pack]) -> list[PackResult]:
        """Make the packs exist exactly as asked, out of sight of the catalogue; one result each, in order.

        Calling twice makes none twice; a pack that somebody changed is set right again.
        """

    def baskets(self, *, since: datetime | None) -> Iterator[Page[Order]]:
        """Baskets left at the till, as unpaid orders whose ids begin with ``BASKET``; trashed once they were paid.

        All that are left now (``since=None``), or all that changed since, those that became orders included.
        """

    def ensure_optional_webhooks(self, *, url: str) -> list[WebhookState]:
        """Make those webhooks exist at ``url`` that an app installed for many shops has to ask of each by itself."""

    def write_tags(self, changes: Mapping[str, TagChange]) -> Written:
        """Put tags on accounts, and take others off, by their external ids; again is harmless."""

    def write_consents(self, changes: Sequence[ConsentChange]) -> dict[str, str]:
        """Tell the shop what customers answered; gives {customer external id: sentence} where it was not taken."""

    def give_credit(self, intent: CreditIntent) -> str:
        """Give store credit once, however often this is called for one intent; gives the shop's id of it."""

    def show_activity(self, activity: MarketingActivity) -> str:
        """Show a campaign on the shop's marketing page, or change it there; gives the shop's id of it."""

    def report_activity(self, key: str, days: Sequence[MarketingDay]) -> None:
        """Tell the shop what a campaign did, day by day; telling a day again replaces it."""

    def hide_activity(self, key: str) -> None:
        """Take a campaign off the shop's marketing page; one that is gone is fine."""


class MailBackend(Protocol):
    """Something that takes mail."""

    def send(self, mail: Mail) -> SendResult:
        """Hand over one request, once. Never raises for what the other side does: the outcome says it."""


class MailAccount(Protocol):
    """What a mail provider knows beside taking mail. All methods raise ``ConnectorError``."""

    def has_taken(self, *, attempt_id: str, emails: Sequence[str], since: datetime, until: datetime) -> bool:
        """Whether its log holds a mail of this request to one of ``emails``, accepted between the two times.

        True is certain. False means only that nothing was found yet: logs lag behind.
        """

    def suppressed(self, *, since: datetime) -> Iterator[Suppressed]:
        """Addresses that came onto its lists (bounced, invalid, complained, unsubscribed) since then."""

    def suppress(self, emails: Sequence[str]) -> None:
        """Put addresses onto its list of those it never mails; those already there are fine."""


class MailFence(Protocol):
    """Requests that a provider takes now and sends later, so that they can be called back in between.

    Both raise ``ConnectorError``; with ``ambiguous`` or ``retry_after`` where the same call again may succeed.
    """

    def open(self) -> str:
        """A new batch for ``Mail.batch_id``."""

    def call_back(self, batch_id: str) -> None:
        """Nothing of the batch leaves any more, not even a request of it that arrives after this. Again is fine.

        Certain only as long before ``Mail.send_at`` as the provider needs (``campaigns.mail.fence.CERTAIN``).
        """


class MailDomains(Protocol):
    """Makes a provider vouch for mail in the name of a domain. All methods raise ``ConnectorError``."""

    def begin(self, domain: str, mark: str = "") -> DomainVouch:
        """What the owner must enter at the domain's name servers; beginning again gives the same.

        With a ``mark`` (a host's label) one entry is called by it: whoever has another mark has to enter another one.
        """

    def check(self, external_id: str) -> DomainVouch:
        """Let the provider look at the name servers now."""
