"""Campaigns on the Marketing page: made and changed by their ``remoteId``, with daily numbers of engagement."""

from __future__ import annotations

from typing import Any

from plugin_server.demo.shopify_shop.fields import Context, field_of
from plugin_server.demo.shopify_shop.gids import gid, number
from plugin_server.demo.shopify_shop.model_made import Activity
from plugin_server.demo.shopify_shop.state import ShopState

_NONE = "Marketing activity does not exist."


def _refused(field: list[str] | None, message: str, code: str) -> dict[str, Any]:
    return {"userErrors": [{"field": field, "message": message, "code": code}]}


def _by_remote(shop: ShopState, remote: str | None) -> Activity | None:
    return next((one for one in shop.activities.values() if one.remote_id == remote), None)


@field_of("Mutation", "marketingActivityUpsertExternal")
def _upsert(_root: object, context: Context, input: dict[str, Any]) -> dict[str, Any]:
    shop, held = context.shop, _by_remote(context.shop, input["remoteId"])
    utm = {name: value for name, value in (input.get("utm") or {}).items() if value is not None}
    if held is not None:
        if utm and utm != held.utm:
            return _refused(["input"], "UTM parameters cannot be modified.", "IMMUTABLE_UTM_PARAMETERS")
        if input["marketingChannelType"] != held.channel:
            return _refused(["input"], "Marketing channel cannot be modified.", "IMMUTABLE_CHANNEL_HANDLE")
    elif not utm and not input.get("urlParameterValue") and not input.get("hierarchyLevel"):
        said = "Non-hierarchical marketing activities must have UTM parameters or a URL parameter value."
        return _refused(["input"], said, "NON_HIERARCHIAL_REQUIRES_UTM_URL_PARAMETER")
    elif any(utm.get("campaign") == one.utm.get("campaign") for one in shop.activities.values()):
        return _refused(["input"], "Validation failed: Utm campaign has already been taken", "TAKEN")
    one = held or Activity(
        shop.next_id("MarketingActivity"), input["remoteId"], "", "", "", input["marketingChannelType"], "", utm,
        shop.now(), shop.now(),
    )  # fmt: skip
    one.title, one.status, one.tactic = input["title"], input["status"], input["tactic"]
    one.remote_url, one.start, one.end = input["remoteUrl"], input.get("start"), input.get("end")
    one.updated_at = shop.now()
    shop.save(one)
    return {"marketingActivity": one, "userErrors": []}


@field_of("Mutation", "marketingEngagementCreate")
def _engage(
    _root: object, context: Context, marketingEngagement: dict[str, Any], remoteId: str | None = None,
    marketingActivityId: str | None = None, channelHandle: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    given = [one for one in (remoteId, marketingActivityId, channelHandle) if one is not None]
    rule = (
        "For activity level engagement, either the marketing activity ID or remote ID must be provided. "
        "For channel level engagement, the channel handle must be provided."
    )
    if not given:
        return _refused(None, f"No identifier found. {rule}", "INVALID_MARKETING_ENGAGEMENT_ARGUMENT_MISSING")
    if len(given) > 1:
        return _refused(None, rule, "INVALID_MARKETING_ENGAGEMENT_ARGUMENTS")
    if channelHandle is not None:
        said = "The channel handle is not recognized. Please contact your partner manager for more information."
        return _refused(["channelHandle"], said, "INVALID_CHANNEL_HANDLE")
    found = _by_remote(context.shop, remoteId) or context.shop.activities.get(
        number(marketingActivityId or "", "MarketingActivity") or 0
    )
    if found is None:
        return _refused(None, _NONE, "MARKETING_ACTIVITY_DOES_NOT_EXIST")
    kept = {name: str(value) if name in _DECIMALS else value for name, value in marketingEngagement.items()}
    kept["sales"] = _money(marketingEngagement.get("sales"))
    kept["adSpend"] = _money(marketingEngagement.get("adSpend"))
    found.engagements[kept["occurredOn"]] = kept
    context.shop.save(found)
    shown = {**dict.fromkeys(_COUNTS), **kept, "marketingActivity": found, "channelHandle": None}
    return {"marketingEngagement": {**shown, "isCumulative": False}, "userErrors": []}


_DECIMALS = {"orders", "firstTimeCustomers", "returningCustomers", "allConversions", "primaryConversions"}
_COUNTS = (
    "clicksCount", "complaintsCount", "failsCount", "impressionsCount", "sendsCount", "sessionsCount",
    "uniqueClicksCount", "uniqueViewsCount", "unsubscribesCount", "viewsCount", "commentsCount", "favoritesCount",
    "sharesCount", *sorted(_DECIMALS),
)  # fmt: skip


def _money(given: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"amount": str(given["amount"]), "currencyCode": given["currencyCode"]} if given else None


@field_of("Mutation", "marketingActivityDeleteExternal")
def _delete(
    _root: object, context: Context, remoteId: str | None = None, marketingActivityId: str | None = None
) -> dict[str, Any]:
    found = _by_remote(context.shop, remoteId) or context.shop.activities.get(
        number(marketingActivityId or "", "MarketingActivity") or 0
    )
    if found is None:
        return _refused(None, _NONE, "MARKETING_ACTIVITY_DOES_NOT_EXIST")
    context.shop.remove(found)
    return {"deletedMarketingActivityId": gid("MarketingActivity", found.id), "userErrors": []}
