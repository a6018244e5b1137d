"""Store credit, given once. Shopify knows neither a reference of ours nor an idempotency key for it.

So the caller writes an intent down first, and every call for it begins with a look at what the shop booked since: a
credit of the same amount that expires in the same second is the intent's own. Only where there is none is it booked,
and where the answer is lost we look again instead of booking again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import ConnectorError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import written
from connectors.shopify.failures import Rejected, ShopifyRefusal
from connectors.shopify.values import decimal, gid, moment, number_of, part, rows
from connectors.types import CreditIntent, Money

SKEW = timedelta(minutes=2)
LOOKS = (1.0, 4.0)
"""Pauses before the looks after a lost answer: the shop may still be booking."""
CREDIT = "StoreCreditAccountCreditTransaction"
SENTENCES = {
    "OWNER_NOT_FOUND": "The shop no longer knows this customer.",
    "ACCOUNT_NOT_FOUND": "The customer has no store credit in this currency.",
    "MISMATCHING_CURRENCY": "The customer's store credit is in another currency.",
    "UNSUPPORTED_CURRENCY": "The shop cannot give store credit in this currency.",
    "NEGATIVE_OR_ZERO_AMOUNT": "The amount must be above zero.",
    "EXPIRES_AT_IN_PAST": "The credit would have expired already.",
    "CREDIT_LIMIT_EXCEEDED": "The customer has as much store credit as Shopify allows.",
    "INSUFFICIENT_FUNDS": "The customer has already spent the credit.",
}


class CreditBook:
    """Gives store credit in one shop."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    def give(self, intent: CreditIntent) -> str:
        """Give the credit once; gives the transaction's id. ``expires_at`` is needed: it is the mark."""
        if intent.expires_at is None:
            raise ShopifyRefusal("Store credit needs a time at which it expires.", code="bad_credit")
        money = {"amount": str(_amount(intent)), "currencyCode": intent.currency}
        more = {"expiresAt": written(intent.expires_at), "notify": intent.notify}
        variables = {"id": gid("Customer", intent.customer_external_id), "credit": {"creditAmount": money, **more}}
        return self._book(intent, variables)

    def _book(self, intent: CreditIntent, variables: dict[str, Any]) -> str:
        if intent.amount_minor <= 0:
            raise ShopifyRefusal(SENTENCES["NEGATIVE_OR_ZERO_AMOUNT"], code="bad_credit")
        if known := self._find(intent):
            return known
        try:
            payload = self._client.write("credit", variables)
        except Rejected as error:
            sentence = SENTENCES.get(error.errors[0].code, error.sentence)
            raise ShopifyRefusal(sentence, code="credit_refused", reason=error.errors[0].code) from error
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            return self._after_doubt(intent, error)
        number = number_of(part(payload, "storeCreditAccountTransaction").get("id"))
        if number is None:
            raise ShopifyRefusal("Shopify's answer to a credit cannot be read.", code="shape", retry_after=60.0,
                                 ambiguous=True)  # fmt: skip
        return number

    def _after_doubt(self, intent: CreditIntent, error: ConnectorError) -> str:
        for pause in LOOKS:
            self._client.sleep(pause)
            try:
                known = self._find(intent)
            except ConnectorError:
                continue  # A look that fails ends no doubt: the first error says that there is one.
            if known:
                return known
        raise error

    def _find(self, intent: CreditIntent) -> str | None:
        """The transaction that is this intent's own; None where the shop has booked none."""
        data = self._client.read("credits", {"id": gid("Customer", intent.customer_external_id)}).data
        customer = data.get("customer")
        if not isinstance(customer, dict):
            raise ShopifyRefusal(SENTENCES["OWNER_NOT_FOUND"], code="credit_refused", reason="OWNER_NOT_FOUND")
        since = intent.began_at - self._client.lag - SKEW
        for row in _transactions(customer):
            if row.get("__typename") == CREDIT and self._same(row, intent, since):
                return number_of(row.get("id"))
        return None

    def _same(self, row: dict[str, Any], intent: CreditIntent, since: datetime) -> bool:
        now = self._client.clock() + SKEW
        made = moment(row, "createdAt", "credit", now)
        money = part(row, "amount")
        amount = abs(decimal(money.get("amount"), "credit.amount"))
        if made is None or made < since or amount != _amount(intent) or money.get("currencyCode") != intent.currency:
            return False
        # An end lies far ahead, so it is compared as it is written.
        return _instant(row.get("expiresAt")) == _instant(written(intent.expires_at or now))


def _amount(intent: CreditIntent) -> Decimal:
    return Money(intent.amount_minor, intent.currency).amount


def _transactions(customer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for account in rows(customer, "storeCreditAccounts", "credit"):
        yield from (row for row in rows(account, "transactions", "credit") if isinstance(row, dict))


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
