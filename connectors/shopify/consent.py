"""Telling the shop what a customer answered to marketing mails.

Shopify changes the consent of whatever address is the customer's own at that moment, by its own rules: only three
states can be written, a subscription must say how it was given, and its time may not lie ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.errors import BadPayload, ConnectorError
from connectors.shopify.catalog import CatalogReader
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import written
from connectors.shopify.failures import Rejected
from connectors.shopify.values import gid, is_number
from connectors.types import ConsentChange

STATES = {"subscribed": "SUBSCRIBED", "unsubscribed": "UNSUBSCRIBED", "pending": "PENDING"}


class ConsentWriter:
    """Writes consent to one shop."""

    def __init__(self, client: ShopifyClient, catalog: CatalogReader) -> None:
        self._client = client
        self._catalog = catalog

    def write(self, changes: Sequence[ConsentChange]) -> dict[str, str]:
        """Tell each change; gives {customer id: sentence} of those not taken. Raises where the shop fails.

        What the shop learned later than the change stands.
        """
        refused: dict[str, str] = {}
        for change in changes:
            if sentence := self._one(change):
                refused[change.customer_external_id] = sentence
        return refused

    def _one(self, change: ConsentChange) -> str:
        if change.state not in STATES:
            return f"Shopify cannot be told {change.state!r}."
        if not is_number(change.customer_external_id):
            return "This is not a customer's number."
        try:
            known = self._catalog.customer(change.customer_external_id)
        except BadPayload as error:
            return error.sentence
        if known is None:
            return "The shop no longer knows this customer."
        if (known.email or "").lower() != change.email.lower():
            return "The shop has another address for this customer, and would change the consent of that one."
        if known.consent == change.state or (known.consent_at is not None and known.consent_at > change.at):
            return ""
        return self._tell(change)

    def _tell(self, change: ConsentChange) -> str:
        variables = {"input": {"customerId": gid("Customer", change.customer_external_id),
                               "emailMarketingConsent": self._consent(change)}}  # fmt: skip
        try:
            self._client.write("consent_update", variables)
        except Rejected as error:
            return error.sentence
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            self._client.write("consent_update", variables)  # The same state again changes nothing.
        return ""

    def _consent(self, change: ConsentChange) -> dict[str, Any]:
        # Shopify's clock decides what lies ahead.
        at = min(change.at, self._client.clock() - max(self._client.lag, -self._client.lag))
        told: dict[str, Any] = {"marketingState": STATES[change.state], "consentUpdatedAt": written(at)}
        if change.state == "pending" or (change.state == "subscribed" and change.confirmed):
            told["marketingOptInLevel"] = "CONFIRMED_OPT_IN"
        elif change.state == "subscribed":
            told["marketingOptInLevel"] = "SINGLE_OPT_IN"
        return told
