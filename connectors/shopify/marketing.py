"""Campaigns as the shop's own marketing page shows them, with what they did day by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.errors import ConnectorError
from connectors.marketing_types import MarketingActivity, MarketingDay
from connectors.shopify.client import ShopifyClient
from connectors.shopify.discount_terms import written
from connectors.shopify.failures import Rejected, ShopifyRefusal
from connectors.shopify.values import number_of, part
from connectors.types import Money

SOURCE, MEDIUM = "tangga", "email"
FIXED_UTM = "IMMUTABLE_UTM_PARAMETERS"


class MarketingPage:
    """Shows our campaigns in one shop. Both writes replace what was there, so they may be sent again."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client

    def show(self, activity: MarketingActivity) -> str:
        """Show the campaign, or change it; gives the shop's id. Fields left out would be cleared, so all are sent."""
        given: dict[str, Any] = {
            "remoteId": activity.key,
            "title": activity.title[:255],
            "remoteUrl": activity.url,
            "tactic": "NEWSLETTER",
            "marketingChannelType": "EMAIL",
            "status": "ACTIVE" if activity.active else "INACTIVE",
            "utm": {"campaign": activity.utm_campaign, "source": SOURCE, "medium": MEDIUM},
            "start": written(activity.started_at),
        }
        if activity.ended_at is not None:
            given["end"] = written(activity.ended_at)
        try:
            payload = self._again("activity_upsert", {"input": given})
        except Rejected as error:
            if any(one.code == FIXED_UTM for one in error.errors):
                raise ShopifyRefusal(
                    "Shopify keeps the first utm_campaign of a campaign for good. Use the one it was begun with.",
                    code="refused",
                    reason=FIXED_UTM,
                ) from error
            raise
        return number_of(part(payload, "marketingActivity").get("id")) or activity.key

    def report(self, key: str, days: Sequence[MarketingDay]) -> None:
        """Tell what the campaign ``key`` did; each day in numbers of its own, a day told again is replaced."""
        for day in days:
            self._again("engagement", {"remoteId": key, "engagement": _numbers(day)})

    def hide(self, key: str) -> None:
        """Take the campaign off the page; one that is gone is fine."""
        try:
            self._again("activity_delete", {"remoteId": key})
        except Rejected as error:
            if not all("not exist" in one.message or "DOES_NOT_EXIST" in one.code for one in error.errors):
                raise

    def _again(self, name: str, variables: dict[str, Any]) -> Any:
        try:
            return self._client.write(name, variables)
        except ConnectorError as error:
            if not error.ambiguous:
                raise
            return self._client.write(name, variables)


def _numbers(day: MarketingDay) -> dict[str, Any]:
    found: dict[str, Any] = {
        "occurredOn": day.day.isoformat(),
        "utcOffset": "+00:00",
        "sendsCount": day.sends,
        "viewsCount": day.opens,
        "clicksCount": day.clicks,
        "uniqueClicksCount": day.unique_clicks,
        "unsubscribesCount": day.unsubscribes,
        "failsCount": day.failures,
        "complaintsCount": day.complaints,
        "orders": str(day.orders),
    }
    if day.sales_minor is not None and day.currency:
        found["sales"] = {"amount": str(Money(day.sales_minor, day.currency).amount), "currencyCode": day.currency}
    return found
